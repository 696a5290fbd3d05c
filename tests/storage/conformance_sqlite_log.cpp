#include <tinykv/testing/conformance/log_storage.hpp>

#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include "storage/temporary_directory.hpp"
#include "support/catch.hpp"

#include <filesystem>
#include <memory>

using namespace tinykv;
using storage::sqlite_log;
using storage::sqlite_log_options;

namespace {

struct open_sqlite_log {
  sqlite_log_options options;
  std::shared_ptr<tests::temporary_directory> directory;

  result<sqlite_log> fresh() {
    directory = std::make_shared<tests::temporary_directory>();
    options.path = directory->file("log");
    return sqlite_log::open(options);
  }
  result<sqlite_log> reopen(sqlite_log before) {
    { auto const closed = std::move(before); }
    return sqlite_log::open(options);
  }
  std::uint64_t used(sqlite_log const&) const {
    return std::filesystem::file_size(options.path) + std::filesystem::file_size(options.path + "-wal");
  }
};

void run(sqlite_log_options options) {
  for (auto const& each : testing::log_storage_suite(open_sqlite_log{std::move(options), nullptr})) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

}  // namespace

TEST_CASE("sqlite_log keeps the promises of LogStorage", "[conformance][log][sqlite]") {
  sqlite_log_options options;
  options.wal_bytes = 256 << 10;
  run(options);
}

TEST_CASE("sqlite_log keeps them when it compacts and checkpoints at every turn", "[conformance][log][sqlite]") {
  sqlite_log_options options;
  options.checkpoint_pages = 1;
  options.wal_bytes = 0;
  options.record_bytes_max = 200;
  options.dead_bytes_max = 0;
  options.move_bytes_max = 100;
  options.drop_rows_max = 2;
  run(options);
}
