#include <tinykv/raftstore/start.hpp>

#include <tinykv/storage/memory_log.hpp>

#include "support/catch.hpp"

namespace policy = tinykv::policy;
namespace raft = tinykv::raft;
namespace raftstore = tinykv::raftstore;
using raftstore::first_start;
using tinykv::cluster_id;
using tinykv::consensus_kind;
using tinykv::error_code;
using tinykv::log_index;
using tinykv::outcome;
using tinykv::peer_id;
using tinykv::store_id;
using tinykv::term;

namespace {

struct machine {
  using reply = int;
  int apply(log_index, std::string_view) { return 0; }
};

/// Keeps its state, and tells when it was synced.
struct kept_machine {
  using reply = int;
  int apply(log_index, std::string_view) { return 0; }
  tinykv::result<tinykv::done> apply_batch(std::span<policy::command const>, tinykv::position, std::vector<int>&) { return tinykv::done{}; }
  tinykv::position applied() { return at; }
  log_index durable() { return at.index; }
  tinykv::result<tinykv::done> sync() {
    ++syncs;
    return tinykv::done{};
  }
  tinykv::position at;
  int syncs = 0;
};
static_assert(policy::PersistentMachine<kept_machine>);

struct directory {
  tinykv::result<raftstore::store_start> start(first_start how, std::uint64_t store = 1, std::uint64_t cluster = 1,
                                               consensus_kind kind = consensus_kind::raft) {
    machine m;
    return start_with(m, how, store, cluster, kind);
  }
  template <class M>
  tinykv::result<raftstore::store_start> start_with(M& m, first_start how, std::uint64_t store = 1, std::uint64_t cluster = 1,
                                                    consensus_kind kind = consensus_kind::raft) {
    raftstore::options o;
    o.first_group.first_start = how;
    o.first_group.configuration = raftstore::static_members({1, 2, 3});
    struct hosted {
      raftstore::group_options options;
      M* target;
    };
    std::map<tinykv::group_id, hosted> groups{{o.first_group.group, {o.first_group, &m}}};
    policy::no_snapshots files;
    return raftstore::start_store({cluster_id{cluster}, store_id{store}}, kind, log, groups, files, o, source);
  }
  tinykv::storage::memory_log log;
  tinykv::random source{7};
};

raftstore::group_start const& own(tinykv::result<raftstore::store_start> const& start) { return start->groups.at(tinykv::group_id{1}); }

}  // namespace

TEST_CASE("an empty directory does not start by itself, and nothing is written", "[raftstore][start]") {
  directory d;
  auto const got = d.start(first_start::refuse);
  REQUIRE_FALSE(got);
  CHECK(got.error().outcome == outcome::fatal);
  CHECK(got.error().code == error_code::not_found);
  CHECK_FALSE(d.log.load()->store_record);
}

TEST_CASE("a bootstrap begins the group with the configuration given", "[raftstore][start]") {
  directory d;
  auto const got = d.start(first_start::bootstrap);
  REQUIRE(got);
  REQUIRE(got->groups.size() == 1);
  CHECK(own(got).self == peer_id{1});
  CHECK(own(got).state.truncated.configuration == raftstore::static_members({1, 2, 3}));
  auto const stored = *d.log.load();
  CHECK(stored.store_record);
  REQUIRE(stored.groups.size() == 1);
  CHECK(stored.groups[0].truncated.configuration == raftstore::static_members({1, 2, 3}));
}

TEST_CASE("a join begins without a group, and stays so whatever is said later", "[raftstore][start]") {
  directory d;
  auto const got = d.start(first_start::join);
  REQUIRE(got);
  CHECK(got->groups.empty());
  auto const again = d.start(first_start::bootstrap);
  REQUIRE(again);
  CHECK(again->groups.empty());
  CHECK(d.log.load()->groups.empty());
}

TEST_CASE("a used directory goes on as it is, whatever is said about a first start", "[raftstore][start]") {
  for (auto const how : {first_start::refuse, first_start::bootstrap, first_start::join}) {
    directory d;
    auto const first = d.start(first_start::bootstrap);
    REQUIRE(first);
    policy::log_batch batch;
    batch.groups.push_back({tinykv::group_id{1}, false, {}, {{log_index{1}, term{4}, raft::entry_kind::command, {}}},
                            raft::hard_state{term{4}, peer_id{2}, log_index{1}}});
    REQUIRE(d.log.commit(batch));
    auto const again = d.start(how);
    REQUIRE(again);
    REQUIRE(again->groups.size() == 1);
    CHECK(own(again).state.state == raft::hard_state{term{4}, peer_id{2}, log_index{1}});
    CHECK(own(again).state.last == log_index{1});
    CHECK(d.log.load()->groups[0].state.vote == peer_id{2});  // nothing was overwritten
  }
}

TEST_CASE("each start raises the epoch durably, draws a new number and keeps the uuid", "[raftstore][start]") {
  directory d;
  auto const first = d.start(first_start::bootstrap)->who.self();
  CHECK(first.start.epoch == 1);
  for (std::uint64_t epoch = 2; epoch < 6; ++epoch) {
    auto const self = d.start(first_start::refuse)->who.self();
    CHECK(self.start.epoch == epoch);
    CHECK(self.uuid == first.uuid);
    CHECK(self.start.number != first.start.number);
    auto const stored = raftstore::roster::decode(*d.log.load()->store_record);
    REQUIRE(stored);
    CHECK(stored->self() == self);
  }
}

TEST_CASE("a directory of another cluster, store or consensus is refused and left alone", "[raftstore][start]") {
  directory d;
  REQUIRE(d.start(first_start::bootstrap));
  auto const before = *d.log.load()->store_record;
  auto const refused = [&](auto const& got) {
    REQUIRE_FALSE(got);
    CHECK(got.error().outcome == outcome::fatal);
    CHECK(got.error().code == error_code::foreign);
    CHECK(*d.log.load()->store_record == before);
  };
  refused(d.start(first_start::bootstrap, 2));
  refused(d.start(first_start::bootstrap, 1, 9));
  refused(d.start(first_start::bootstrap, 1, 1, consensus_kind::solo));
  CHECK(d.start(first_start::refuse));
}

TEST_CASE("store and cluster 0 are none, and a store outside the configuration does not bootstrap", "[raftstore][start]") {
  directory d;
  CHECK_FALSE(d.start(first_start::bootstrap, 0));
  CHECK_FALSE(d.start(first_start::bootstrap, 1, 0));
  auto const outside = d.start(first_start::bootstrap, 9);
  REQUIRE_FALSE(outside);
  CHECK_FALSE(d.log.load()->store_record);
}

TEST_CASE("a damaged store record is fatal", "[raftstore][start][damage]") {
  directory d;
  REQUIRE(d.start(first_start::bootstrap));
  auto const good = d.log.load()->store_record->str();
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    CHECK_FALSE(raftstore::roster::decode(tinykv::bytes::copy_of(good.substr(0, cut))));
  }
  CHECK_FALSE(raftstore::roster::decode(tinykv::bytes::copy_of(good + "x")));
  CHECK(raftstore::roster::decode(tinykv::bytes::copy_of(good)));
}

TEST_CASE("groups without a store record are damage, not a new store", "[raftstore][start][damage]") {
  directory d;
  policy::log_batch batch;
  batch.groups.push_back({tinykv::group_id{1}, false, {}, {}, raft::hard_state{term{4}, peer_id{2}, {}}});
  REQUIRE(d.log.commit(batch));
  auto const got = d.start(first_start::bootstrap);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == error_code::corrupt);
  CHECK_FALSE(d.log.load()->store_record);
}

TEST_CASE("a machine that keeps its state is synced before the first record of its group", "[raftstore][start]") {
  directory d;
  kept_machine m;
  REQUIRE(d.start_with(m, first_start::bootstrap));
  CHECK(m.syncs == 1);
  m.at = {log_index{0}, term{0}};
  auto const again = d.start_with(m, first_start::refuse);
  REQUIRE(again);
  CHECK(m.syncs == 1);
}
