#include <tinykv/sim/disk_snapshots.hpp>

#include "support/catch.hpp"

#include <tinykv/policy/composition.hpp>
#include <tinykv/sim/simulated.hpp>
#include <tinykv/testing/conformance/snapshot_storage.hpp>

#include <memory>
#include <set>

namespace sim = tinykv::sim;
namespace policy = tinykv::policy;
using policy::snapshot_slot;
using tinykv::group_id;
using tinykv::store_id;

namespace {

struct opener {
  std::shared_ptr<sim::world> in = std::make_shared<sim::world>(1);
  std::shared_ptr<std::uint64_t> stores = std::make_shared<std::uint64_t>(0);
  tinykv::result<sim::disk_snapshots> fresh() { return sim::disk_snapshots{*in, store_id{++*stores}}; }
  tinykv::result<sim::disk_snapshots> reopen(sim::disk_snapshots) {
    in->crash(store_id{*stores});
    return sim::disk_snapshots{*in, store_id{*stores}};
  }
};

constexpr group_id group{3};

/// What a crash leaves of one file, over many seeds.
template <class Write>
std::set<std::string> left(snapshot_slot slot, Write write) {
  std::set<std::string> out;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    sim::world in{seed};
    sim::disk_snapshots files{in, store_id{1}};
    write(files);
    in.crash(store_id{1});
    sim::disk_snapshots next{in, store_id{1}};
    auto const data = next.read(group, slot, 0, 1000);
    out.insert(data ? data->str() : "none");
    in.crash(store_id{1});  // what one crash has left stays
    sim::disk_snapshots again{in, store_id{1}};
    auto const same = again.read(group, slot, 0, 1000);
    CHECK((same ? same->str() : "none") == (data ? data->str() : "none"));
  }
  return out;
}
std::string const z1(1, '\0');

struct plain {
  using machine = int;
  using log = int;
  using transport = int;
};
struct without_snapshots : plain {
  using snapshots = policy::no_snapshots;
};
struct with_snapshots : plain {
  using snapshots = int;
};

}  // namespace

TEST_CASE("simulated snapshot files keep the promises of SnapshotStorage", "[sim][snapshot][conformance]") {
  for (auto const& each : tinykv::testing::snapshot_storage_suite(opener{})) {
    if (each.name.find("different files are used from different threads") == 0) continue;  // a simulated world has one
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

TEST_CASE("a crash cuts or damages what was appended since the last sync, and nothing before", "[sim][snapshot][faults]") {
  auto const found = left(snapshot_slot::incoming, [](sim::disk_snapshots& files) {
    REQUIRE(files.create(group, snapshot_slot::incoming));
    REQUIRE(files.append(group, snapshot_slot::incoming, "ab"));
    REQUIRE(files.sync(group, snapshot_slot::incoming));
    REQUIRE(files.append(group, snapshot_slot::incoming, "cd"));
  });
  CHECK(found == std::set<std::string>{"ab", "abc", "abcd", "ab" + z1, "ab" + z1 + z1, "abc" + z1});
}

TEST_CASE("a new file that was not synced is the old one after a crash, or a part of the new one", "[sim][snapshot][faults]") {
  auto const found = left(snapshot_slot::incoming, [](sim::disk_snapshots& files) {
    REQUIRE(files.create(group, snapshot_slot::incoming));
    REQUIRE(files.append(group, snapshot_slot::incoming, "old"));
    REQUIRE(files.sync(group, snapshot_slot::incoming));
    REQUIRE(files.create(group, snapshot_slot::incoming));
    REQUIRE(files.append(group, snapshot_slot::incoming, "n"));
  });
  CHECK(found == std::set<std::string>{"old", "", "n", z1});
  auto const never_synced = left(snapshot_slot::incoming, [](sim::disk_snapshots& files) {
    REQUIRE(files.create(group, snapshot_slot::incoming));
  });
  CHECK(never_synced == std::set<std::string>{"none", ""});
}

TEST_CASE("a removed file may be there again after a crash", "[sim][snapshot][faults]") {
  auto const found = left(snapshot_slot::incoming, [](sim::disk_snapshots& files) {
    REQUIRE(files.create(group, snapshot_slot::incoming));
    REQUIRE(files.append(group, snapshot_slot::incoming, "old"));
    REQUIRE(files.sync(group, snapshot_slot::incoming));
    REQUIRE(files.remove(group, snapshot_slot::incoming));
  });
  CHECK(found == std::set<std::string>{"old", "none"});
}

TEST_CASE("a published file stays, whatever becomes of the slot it came from", "[sim][snapshot][faults]") {
  auto const publish = [](sim::disk_snapshots& files, char const* data) {
    REQUIRE(files.create(group, snapshot_slot::incoming));
    REQUIRE(files.append(group, snapshot_slot::incoming, data));
    REQUIRE(files.sync(group, snapshot_slot::incoming));
    REQUIRE(files.publish(group, snapshot_slot::incoming));
  };
  auto const write = [&](sim::disk_snapshots& files) {
    publish(files, "one");
    publish(files, "two");
    REQUIRE(files.create(group, snapshot_slot::incoming));
    REQUIRE(files.append(group, snapshot_slot::incoming, "x"));
  };
  CHECK(left(snapshot_slot::current, write) == std::set<std::string>{"two"});
  CHECK(left(snapshot_slot::incoming, write) == std::set<std::string>{"none", "", "x", z1});
}

TEST_CASE("a handle of an earlier life is dead, and a disk error ends a life", "[sim][snapshot][faults]") {
  sim::world in{1};
  sim::disk_snapshots old{in, store_id{1}};
  REQUIRE(old.create(group, snapshot_slot::incoming));
  in.crash(store_id{1});
  CHECK(old.create(group, snapshot_slot::outgoing).error().outcome == tinykv::outcome::fatal);
  CHECK(old.size(group, snapshot_slot::incoming).error().outcome == tinykv::outcome::fatal);
  CHECK(old.remove(group, snapshot_slot::incoming).error().outcome == tinykv::outcome::fatal);
  sim::disk_snapshots files{in, store_id{1}};
  REQUIRE(files.create(group, snapshot_slot::incoming));
  REQUIRE(files.append(group, snapshot_slot::incoming, "x"));
  in.weather.disk_error_per_million = 1'000'000;
  CHECK(files.sync(group, snapshot_slot::incoming).error().outcome == tinykv::outcome::fatal);
  in.weather.disk_error_per_million = 0;
  CHECK(files.sync(group, snapshot_slot::incoming).error().outcome == tinykv::outcome::fatal);
}

TEST_CASE("a simulated composition has simulated snapshot files, or none", "[sim][snapshot]") {
  CHECK(std::is_same_v<sim::simulated<plain>::snapshots, policy::no_snapshots>);
  CHECK(std::is_same_v<sim::simulated<without_snapshots>::snapshots, policy::no_snapshots>);
  CHECK(std::is_same_v<sim::simulated<with_snapshots>::snapshots, sim::disk_snapshots>);
}
