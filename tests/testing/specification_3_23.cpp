#include <tinykv/testing/trial.hpp>

#include "support/catch.hpp"

#include "simulation/registers.hpp"

#include <chrono>
#include <initializer_list>

// The single-region behaviours of the specification's cluster harness, section 3.23, under their names, in the simulated
// world. [departure]: clients compare and set registers instead of scanning their keys, the order of what they saw is held
// against real time (I-17, I-18), and bounds are small so that two seconds of virtual time see what five minutes would.

namespace {

namespace t = tinykv::testing;
using t::fault;

struct with_registers : tinykv::defaults {
  using machine = registers;
};

void generic(std::uint32_t clients, std::initializer_list<fault> faults) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    t::plan plan;
    plan.cluster.seed = seed;
    plan.cluster.stores = 5;
    plan.cluster.store.tick_interval = std::chrono::milliseconds{10};
    plan.clients = clients;
    plan.safety = std::chrono::seconds{2};
    for (auto const f : faults) plan.strength[static_cast<std::size_t>(f)] = 2;
    if (plan.of(fault::drop) != 0) plan.cluster.weather.drop_per_mille = 100;
    if (plan.of(fault::members) != 0) plan.cluster.spares = 2;
    if (plan.of(fault::compaction) != 0) {
      plan.cluster.store.compaction.entries_max = 100;
      plan.cluster.store.compaction.entries_kept = 10;
      plan.cluster.store.compaction.follower_entries_max = 200;
    }
    auto const got = t::run_trial<with_registers>(plan, draw_command);
    for (auto const& v : got.violations) UNSCOPED_INFO(v.invariant << ": " << v.text);
    CHECK(got.violations.empty());
    CHECK(got.reached.of(t::situation::proposal_succeeded) > 0);
  }
}

constexpr auto unreliable = fault::drop;
constexpr auto crash = fault::crash_all;
constexpr auto partitions = fault::partition;
constexpr auto log_limit = fault::compaction;
constexpr auto confchange = fault::members;

}  // namespace

TEST_CASE("TestBasic2B: one client", "[cluster][specification][departure]") { generic(1, {}); }
TEST_CASE("TestConcurrent2B: five clients", "[cluster][specification][departure]") { generic(5, {}); }
TEST_CASE("TestUnreliable2B: messages are lost", "[cluster][specification][departure]") { generic(5, {unreliable}); }
TEST_CASE("TestManyPartitionsOneClient2B: partitions, one client", "[cluster][specification][departure]") { generic(1, {partitions}); }
TEST_CASE("TestManyPartitionsManyClients2B: partitions, five clients", "[cluster][specification][departure]") { generic(5, {partitions}); }
TEST_CASE("TestPersistOneClient2B: all stores stop and return", "[cluster][specification][departure]") { generic(1, {crash}); }
TEST_CASE("TestPersistConcurrent2B: five clients", "[cluster][specification][departure]") { generic(5, {crash}); }
TEST_CASE("TestPersistConcurrentUnreliable2B: and messages are lost", "[cluster][specification][departure]") { generic(5, {unreliable, crash}); }
TEST_CASE("TestPersistPartition2B: and partitions", "[cluster][specification][departure]") { generic(5, {crash, partitions}); }
TEST_CASE("TestPersistPartitionUnreliable2B: all of it", "[cluster][specification][departure]") { generic(5, {unreliable, crash, partitions}); }
TEST_CASE("TestSnapshotRecover2C: short logs", "[cluster][specification][departure]") { generic(1, {crash, log_limit}); }
TEST_CASE("TestSnapshotRecoverManyClients2C: twenty clients", "[cluster][specification][departure]") { generic(20, {crash, log_limit}); }
TEST_CASE("TestSnapshotUnreliable2C: and messages are lost", "[cluster][specification][departure]") { generic(5, {unreliable, log_limit}); }
TEST_CASE("TestSnapshotUnreliableRecover2C: and all stores stop", "[cluster][specification][departure]") { generic(5, {unreliable, crash, log_limit}); }
TEST_CASE("TestSnapshotUnreliableRecoverConcurrentPartition2C: and partitions", "[cluster][specification][departure]") {
  generic(5, {unreliable, crash, partitions, log_limit});
}
TEST_CASE("TestConfChangeRecover3B: members change", "[cluster][specification][departure]") { generic(1, {crash, confchange}); }
TEST_CASE("TestConfChangeRecoverManyClients3B: twenty clients", "[cluster][specification][departure]") { generic(20, {crash, confchange}); }
TEST_CASE("TestConfChangeUnreliable3B: and messages are lost", "[cluster][specification][departure]") { generic(5, {unreliable, confchange}); }
TEST_CASE("TestConfChangeUnreliableRecover3B: and all stores stop", "[cluster][specification][departure]") {
  generic(5, {unreliable, crash, confchange});
}
TEST_CASE("TestConfChangeSnapshotUnreliableRecover3B: and short logs", "[cluster][specification][departure]") {
  generic(5, {unreliable, crash, log_limit, confchange});
}
TEST_CASE("TestConfChangeSnapshotUnreliableRecoverConcurrentPartition3B: and partitions", "[cluster][specification][departure]") {
  generic(5, {unreliable, crash, partitions, log_limit, confchange});
}
