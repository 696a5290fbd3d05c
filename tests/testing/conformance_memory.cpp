#include <tinykv/testing/conformance/kv_engine.hpp>
#include <tinykv/testing/conformance/log_storage.hpp>

#include <tinykv/storage/memory_kv.hpp>
#include <tinykv/storage/memory_log.hpp>

#include "support/catch.hpp"

using namespace tinykv;
using storage::memory_kv;
using storage::memory_log;

namespace {

// A volatile model has no disk: what it holds in memory is checked as if it were one.
struct open_memory_log {
  result<memory_log> fresh() { return memory_log{}; }
  result<memory_log> reopen(memory_log before) { return before; }
};
struct open_memory_kv {
  result<memory_kv> fresh() { return memory_kv{{"a", "b", "c"}}; }
  result<memory_kv> reopen(memory_kv before) { return before; }
};

}  // namespace

TEST_CASE("memory_log keeps the promises of LogStorage", "[conformance][log]") {
  for (auto const& each : testing::log_storage_suite(open_memory_log{})) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

TEST_CASE("memory_kv keeps the promises of KvEngine", "[conformance][kv]") {
  for (auto const& each : testing::kv_engine_suite(open_memory_kv{})) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}
