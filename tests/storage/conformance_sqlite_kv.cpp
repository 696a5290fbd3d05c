#include <tinykv/testing/conformance/kv_engine.hpp>

#include <tinykv/storage/sqlite/sqlite_kv.hpp>

#include "storage/temporary_directory.hpp"
#include "support/catch.hpp"

#include <memory>

using namespace tinykv;
using storage::sqlite_kv;
using storage::sqlite_kv_options;

namespace {

struct open_sqlite_kv {
  sqlite_kv_options options;
  std::shared_ptr<tests::temporary_directory> directory;

  result<sqlite_kv> fresh() {
    directory = std::make_shared<tests::temporary_directory>();
    options.path = directory->file("data");
    options.families = {"a", "b", "c"};
    return sqlite_kv::open(options);
  }
  result<sqlite_kv> reopen(sqlite_kv before) {
    { auto const closed = std::move(before); }
    return sqlite_kv::open(options);
  }
};

void run(sqlite_kv_options options) {
  for (auto const& each : testing::kv_engine_suite(open_sqlite_kv{std::move(options), nullptr})) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

}  // namespace

TEST_CASE("sqlite_kv keeps the promises of KvEngine", "[conformance][kv][sqlite]") { run({}); }

TEST_CASE("sqlite_kv keeps them with small pages and a checkpoint at every batch", "[conformance][kv][sqlite]") {
  sqlite_kv_options options;
  options.page_size = 512;
  options.checkpoint_bytes = 1;
  options.idle_views_max = 0;
  run(options);
}
