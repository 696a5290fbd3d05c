#include <tinykv/sim/disk_log.hpp>

#include "support/catch.hpp"

#include <tinykv/testing/conformance/log_storage.hpp>

#include <memory>

namespace sim = tinykv::sim;
using tinykv::store_id;

namespace {

struct opener {
  std::shared_ptr<sim::world> in = std::make_shared<sim::world>(1);
  std::shared_ptr<std::uint64_t> stores = std::make_shared<std::uint64_t>(0);
  tinykv::result<sim::disk_log> fresh() { return sim::disk_log{*in, store_id{++*stores}}; }
  tinykv::result<sim::disk_log> reopen(sim::disk_log) {
    in->crash(store_id{*stores});
    return sim::disk_log{*in, store_id{*stores}};
  }
};

tinykv::policy::log_batch record(char const* text) { return {{}, tinykv::bytes::copy_of(text)}; }

}  // namespace

TEST_CASE("a simulated log keeps the promises of LogStorage", "[sim][log][conformance]") {
  for (auto const& each : tinykv::testing::log_storage_suite(opener{})) {
    INFO(each.name);
    auto const found = each.run();
    INFO(found.text());
    CHECK(found.complaints().empty());
  }
}

TEST_CASE("a handle of an earlier life writes and reads nothing", "[sim][log]") {
  sim::world in{1};
  sim::disk_log old{in, store_id{1}};
  REQUIRE(old.commit(record("before")));
  in.crash(store_id{1});
  CHECK(old.commit(record("after")).error().outcome == tinykv::outcome::fatal);
  CHECK_FALSE(old.load());
  sim::disk_log fresh{in, store_id{1}};
  CHECK(fresh.load()->store_record->view() == "before");
}

TEST_CASE("after a failed write all later ones fail, and the batch is there or not", "[sim][log][faults]") {
  int there = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    sim::world in{seed};
    sim::disk_log log{in, store_id{1}};
    REQUIRE(log.commit(record("old")));
    in.weather.disk_error_per_million = 1'000'000;
    REQUIRE(log.commit(record("new")).error().outcome == tinykv::outcome::fatal);
    in.weather.disk_error_per_million = 0;
    CHECK_FALSE(log.commit(record("newer")));
    in.crash(store_id{1});
    auto const kept = sim::disk_log{in, store_id{1}}.load()->store_record->str();
    CHECK((kept == "old" || kept == "new"));
    there += kept == "new";
  }
  CHECK(there > 5);
  CHECK(there < 35);
}
