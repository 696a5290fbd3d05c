#include <tinykv/server/region_report.hpp>

#include <tinykv/raftstore/status.hpp>

#include "support/catch.hpp"

using namespace tinykv;

namespace {

raft::member at(std::uint64_t n, std::string address = {}) { return {peer_id{n}, store_id{10 + n}, std::move(address)}; }

/// Members 1, 2 and 3 vote, 4 listens.
raft::membership some_members() { return {7, {at(1, "one:1"), at(2), at(3)}, {}, {at(4)}}; }

wire::add_peer_request adding(std::uint64_t n, bool learner = false) {
  return {group_id{1}, peer_id{n}, store_id{10 + n}, "new:" + std::to_string(n), learner};
}

}  // namespace

TEST_CASE("a new member is added to voters or learners, in order", "[server][admin]") {
  auto const now = some_members();
  CHECK(server::with_peer(now, adding(5))->voters == std::vector{at(1, "one:1"), at(2), at(3), at(5, "new:5")});
  CHECK(server::with_peer(now, adding(5))->learners == now.learners);
  CHECK(server::with_peer(now, adding(5, true))->learners == std::vector{at(4), at(5, "new:5")});
  CHECK(server::with_peer(now, adding(5, true))->voters == now.voters);
  auto const promoted = server::with_peer(now, adding(4));
  CHECK(promoted->voters == std::vector{at(1, "one:1"), at(2), at(3), at(4, "new:4")});
  CHECK(promoted->learners.empty());
}

TEST_CASE("a member that is there keeps what it is, and gets the address of today", "[server][admin]") {
  auto const moved = server::with_peer(some_members(), adding(1, true));
  REQUIRE(moved);
  CHECK(moved->voters == std::vector{at(1, "new:1"), at(2), at(3)});
  CHECK(moved->learners == std::vector{at(4)});
}

TEST_CASE("one number is one peer, and one store has one", "[server][admin]") {
  auto elsewhere = adding(2);
  elsewhere.store = store_id{99};
  CHECK(server::with_peer(some_members(), elsewhere).error().code == error_code::invalid_argument);
  auto second = adding(9);
  second.store = store_id{12};
  CHECK(server::with_peer(some_members(), second).error().code == error_code::invalid_argument);
}

TEST_CASE("a member leaves by either of its names, and one that is not there changes nothing", "[server][admin]") {
  auto const now = some_members();
  for (auto const& name : {wire::peer_name{peer_id{2}, {}}, wire::peer_name{{}, store_id{12}}})
    CHECK(server::without_peer(now, name)->voters == std::vector{at(1, "one:1"), at(3)});
  CHECK(server::without_peer(now, {peer_id{4}, {}})->learners.empty());
  for (auto const& name : {wire::peer_name{peer_id{12}, {}}, wire::peer_name{{}, store_id{2}}})  // the other one's kind of number
    CHECK(*server::without_peer(now, name) == now);
  raft::membership const alone{1, {at(1)}, {}, {at(2)}};
  CHECK(server::without_peer(alone, {peer_id{1}, {}}).error().code == error_code::invalid_argument);
}

TEST_CASE("a change that is asked for while the configuration is joint goes on from where that leads to", "[server][admin]") {
  raft::membership const joint{8, {at(2), at(3), at(5)}, {at(1), at(2), at(3)}, {at(1)}};
  auto const target = server::with_peer(joint, adding(6));
  REQUIRE(target);
  CHECK(target->outgoing.empty());
  CHECK(target->voters == std::vector{at(2), at(3), at(5), at(6, "new:6")});
  CHECK(target->learners == std::vector{at(1)});
}

TEST_CASE("a report says of each member what its leader knows, and of nobody what it does not", "[server][admin]") {
  raftstore::group_status group;
  group.group = group_id{1};
  group.leader_store = store_id{11};
  group.raft.self = peer_id{1};
  group.raft.role = raft::role::leader;
  group.raft.last = log_index{100};
  group.raft.durable = log_index{90};
  group.raft.configuration = some_members();
  group.raft.peers = {{peer_id{2}, raft::progress_state::replicating, log_index{95}, log_index{101}, true},
                      {peer_id{4}, raft::progress_state::snapshot, log_index{0}, log_index{1}, false}};
  auto const seen = server::report_region(group, {{store_id{11}, "flag:1"}, {store_id{12}, "flag:2"}});
  REQUIRE(seen.peers.size() == 4);
  CHECK(seen.leader_address == "one:1");          // the configuration counts before the flags
  CHECK(seen.peers[1].address == "flag:2");
  CHECK(seen.peers[0].state == "leader");
  CHECK(seen.peers[0].lag == 10);                 // its own disk is behind
  CHECK(seen.peers[1].lag == 5);
  CHECK(seen.peers[2].state.empty());
  CHECK(seen.peers[3].state == "snapshot");
  CHECK(seen.peers[3].lag == 100);
  CHECK_FALSE(seen.peers[3].active);
  CHECK_FALSE(seen.changing);

  group.raft.configuration.outgoing = {at(1), at(2)};
  CHECK(server::report_region(group, {}).changing);
  group.raft.configuration.outgoing.clear();
  group.raft.change_pending = true;
  CHECK(server::report_region(group, {}).changing);
  group.raft.role = raft::role::follower;
  for (auto const& each : server::report_region(group, {}).peers) CHECK(each.state.empty());
}
