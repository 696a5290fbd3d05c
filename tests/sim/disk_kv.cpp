#include <tinykv/sim/disk_kv.hpp>

#include "support/catch.hpp"

#include <tinykv/testing/conformance/kv_engine.hpp>

#include <memory>
#include <set>

namespace sim = tinykv::sim;
namespace policy = tinykv::policy;
using tinykv::bytes;
using tinykv::store_id;

namespace {

struct opener {
  std::shared_ptr<sim::world> in = std::make_shared<sim::world>(1);
  std::shared_ptr<std::uint64_t> stores = std::make_shared<std::uint64_t>(0);
  tinykv::result<sim::disk_kv> fresh() { return sim::disk_kv{*in, store_id{++*stores}, 3}; }
  tinykv::result<sim::disk_kv> reopen(sim::disk_kv) {
    in->crash(store_id{*stores});
    return sim::disk_kv{*in, store_id{*stores}, 3};
  }
};

}  // namespace

TEST_CASE("a simulated engine keeps the promises of KvEngine", "[sim][kv][conformance]") {
  for (auto const& each : tinykv::testing::kv_engine_suite(opener{})) {
    if (each.name.find("views from another thread") == 0) continue;  // a simulated world has one thread
    INFO(each.name);
    auto const found = each.run();
    INFO(found.text());
    CHECK(found.complaints().empty());
  }
}

TEST_CASE("a crash keeps a prefix of the unsynced batches, of any length, and all synced ones", "[sim][kv]") {
  std::set<std::size_t> lengths;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    sim::world in{seed};
    sim::disk_kv kv{in, store_id{1}, 2};
    for (int i = 0; i < 6; ++i) {
      policy::kv_batch batch;
      batch.put({0}, bytes::copy_of(std::to_string(i)), bytes::copy_of("v"));
      batch.put({1}, bytes::copy_of(std::to_string(i)), bytes::copy_of("w"));
      REQUIRE(kv.write(batch));
      if (i == 2) REQUIRE(kv.sync());
    }
    in.crash(store_id{1});
    CHECK_FALSE(kv.view());
    sim::disk_kv next{in, store_id{1}, 2};
    auto const view = *next.view();
    std::size_t kept = 0;
    while (kept < 6 && view.get({0}, std::to_string(kept))->has_value()) ++kept;
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(view.get({0}, std::to_string(i))->has_value() == (i < kept));
      CHECK(view.get({1}, std::to_string(i))->has_value() == (i < kept));
    }
    lengths.insert(kept);
  }
  CHECK(lengths == std::set<std::size_t>{3, 4, 5, 6});
}
