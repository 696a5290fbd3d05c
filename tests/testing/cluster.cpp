#include <tinykv/testing/cluster.hpp>

#include "support/catch.hpp"

#include <tinykv/testing/trial.hpp>

#include "simulation/registers.hpp"

#include <string>
#include <type_traits>

using namespace std::chrono_literals;
using tinykv::bytes;
using tinykv::store_id;
namespace t = tinykv::testing;
namespace sim = tinykv::sim;

namespace {

struct counter {
  using reply = std::int64_t;
  reply apply(tinykv::log_index, std::string_view) { return ++value; }
  std::int64_t value = 0;
};
struct counting : tinykv::defaults {
  using machine = counter;
};
struct with_registers : tinykv::defaults {
  using machine = registers;
};

/// Says so wherever it is asked for: a machine that is not the same on every replica.
struct undisciplined : counter {
  std::uint64_t digest() const { return reinterpret_cast<std::uintptr_t>(this); }
};
struct not_deterministic : tinykv::defaults {
  using machine = undisciplined;
};

t::cluster_options options(std::uint64_t seed, std::uint32_t stores = 3) {
  t::cluster_options out;
  out.seed = seed;
  out.stores = stores;
  out.store.tick_interval = 10ms;
  return out;
}

template <class P>
bool elects(t::cluster<P>& cluster) {
  return cluster.run_until([&] { return cluster.leader().has_value(); }, 5s);
}

template <class P>
int write(t::cluster<P>& cluster, int count, std::string const& prefix) {
  int succeeded = 0;
  for (int i = 0; i < count; ++i)
    cluster.propose(*cluster.leader(), bytes::copy_of(prefix + std::to_string(i)), 1s, [&](auto got) { succeeded += got.has_value(); });
  cluster.run_until([&] { return cluster.open_calls() == 0; }, 5s);
  return succeeded;
}

}  // namespace

static_assert(std::is_same_v<t::cluster<counting>::composition::log, sim::disk_log>);
static_assert(std::is_same_v<t::cluster<counting>::composition::transport, sim::network>);
static_assert(std::is_same_v<t::cluster<counting>::composition::clock, sim::clock>);
static_assert(std::is_same_v<t::cluster<counting>::composition::executor, sim::executor>);

TEST_CASE("a cluster elects, serves writes and reads everywhere, and converges", "[testing][cluster]") {
  t::cluster<counting> cluster{options(1, 5)};
  REQUIRE(elects(cluster));
  CHECK(write(cluster, 20, "a") == 20);
  int reads = 0;
  for (auto const id : cluster.stores())
    cluster.read(id, 1s, [&](auto at) { reads += at.has_value() && at->value >= 21; });
  CHECK(cluster.run_until([&] { return cluster.open_calls() == 0; }, 3s));
  CHECK(reads == 5);
  CHECK(cluster.converges_within(3s));
  CHECK(cluster.violations().empty());
}

TEST_CASE("what was acknowledged is there after all stores crashed together", "[testing][cluster][crash]") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    t::cluster<counting> cluster{options(seed)};
    REQUIRE(elects(cluster));
    REQUIRE(write(cluster, 10, "a") == 10);
    auto const before = cluster.oracle().states().newest();
    for (auto const id : cluster.stores()) cluster.crash(id);
    CHECK_FALSE(cluster.leader());
    for (auto const id : cluster.stores()) cluster.start(id);
    REQUIRE(elects(cluster));
    REQUIRE(cluster.converges_within(5s));
    CHECK(cluster.core_of(store_id{1})->status().applied > before);
    CHECK(write(cluster, 1, "b") == 1);
    CHECK(cluster.violations().empty());
  }
}

TEST_CASE("a cut off leader acknowledges nothing; the others go on, and it follows after the healing", "[testing][cluster][partition]") {
  t::cluster<counting> cluster{options(3)};
  REQUIRE(elects(cluster));
  auto const old = *cluster.leader();
  cluster.partition({old});
  bool acknowledged = false;
  cluster.propose(old, bytes::copy_of("lost"), 500ms, [&](auto got) { acknowledged = got.has_value(); });
  REQUIRE(cluster.run_until([&] { return cluster.leader() && *cluster.leader() != old; }, 5s));
  CHECK(write(cluster, 5, "a") == 5);
  CHECK_FALSE(acknowledged);
  cluster.heal();
  CHECK(cluster.converges_within(5s));
  CHECK(cluster.core_of(old)->status().last == cluster.core_of(*cluster.leader())->status().last);
  CHECK(cluster.violations().empty());
}

TEST_CASE("a call at a store that dies ends once, as unknown", "[testing][cluster][crash]") {
  t::cluster<counting> cluster{options(4)};
  REQUIRE(elects(cluster));
  auto const leader = *cluster.leader();
  int answers = 0;
  cluster.propose(leader, bytes::copy_of("a"), 1s, [&](auto got) {
    ++answers;
    REQUIRE_FALSE(got);
    CHECK(got.error().outcome == tinykv::outcome::unknown);
  });
  cluster.read(leader, 1s, [&](auto got) {
    ++answers;
    CHECK_FALSE(got);
  });
  cluster.crash(leader);
  CHECK(answers == 2);
  cluster.start(leader);
  cluster.run_for(3s);
  CHECK(answers == 2);
  CHECK(cluster.violations().empty());
}

TEST_CASE("a machine that differs between replicas is found", "[testing][cluster]") {
  t::cluster<not_deterministic> cluster{options(5)};
  REQUIRE(elects(cluster));
  write(cluster, 3, "a");
  cluster.run_for(1s);
  REQUIRE_FALSE(cluster.violations().empty());
  CHECK(cluster.violations().list().front().invariant == "I-5");
}

TEST_CASE("the same seed is the same history, another seed is another one", "[testing][trace]") {
  for (std::uint64_t const seed : {1ULL, 7ULL, 12345678901ULL}) {
    auto const once = t::run_trial<with_registers>(t::draw_plan(seed), draw_command);
    auto const again = t::run_trial<with_registers>(t::draw_plan(seed), draw_command);
    auto const other = t::run_trial<with_registers>(t::draw_plan(seed + 1), draw_command);
    CHECK(once.trace == again.trace);
    CHECK(once.events == again.events);
    CHECK(once.trace != other.trace);
    CHECK(once.violations.empty());
  }
}

TEST_CASE("a few dozen seeds of all kinds of faults pass", "[testing][trial]") {
  t::situations reached;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    auto const result = t::run_trial<with_registers>(t::draw_plan(seed), draw_command);
    INFO("seed " << seed << ": " << result.plan);
    for (auto const& each : result.violations) UNSCOPED_INFO(each.invariant << ": " << each.text);
    REQUIRE(result.violations.empty());
    reached.add(result.reached);
  }
  for (auto const which : {t::situation::leader_crashed, t::situation::conflict_cut, t::situation::proposal_lost, t::situation::read_at_follower,
                           t::situation::crash_with_write_in_flight, t::situation::commit_of_old_term})
    CHECK(reached.of(which) > 0);
}
