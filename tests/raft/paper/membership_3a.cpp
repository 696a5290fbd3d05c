#include "network.hpp"

using namespace paper;

// Members change by entries that hold the whole configuration; a new voter is a learner first.
TEST_CASE("TestAddNode3A: the member list after an addition", "[raft][paper][4.1][departure]") {
  cluster c({1}, plain);
  c.join(2, plain);
  hup(c, 1);
  REQUIRE(c.change(1, group({1}, {2})));
  CHECK(c[1].see().configuration == group({1}, {2}, {}, 1));
  REQUIRE(c.change(1, group({1, 2})));
  CHECK(c[1].see().configuration == group({1, 2}, {}, {}, 2));
}

// A group without voters could never do anything again: removing all is refused.
TEST_CASE("TestRemoveNode3A: the member list after a removal", "[raft][paper][4.1][departure]") {
  cluster c({1, 2}, plain);
  hup(c, 1);
  REQUIRE(c.change(1, group({1})));
  CHECK(c[1].see().configuration == once_with(2, group({1}, {}, {}, 1)));
  CHECK_FALSE(c.change(1, group({})));
}

TEST_CASE("TestCommitAfterRemoveNode3A: applying a removal commits what lacked a quorum before", "[raft][paper][4.1]") {
  auto p = leader(2);
  p.machine_works = false;
  REQUIRE(p.core().change_membership(group({1}), 0));
  p.pump();
  REQUIRE(p.propose("hello"));
  p.step(accepted(2, 1, 2));
  CHECK(p.see().commit == log_index{2});
  p.core().applied(log_index{2});
  CHECK(p.see().commit == log_index{3});
}

namespace {

struct trio : cluster {
  trio() : cluster({1, 2, 3}, plain) { hup(*this, 1); }
  void transfer(std::uint64_t from, std::uint64_t target) {
    REQUIRE((*this)[from].core().transfer_to(peer_id{target}));
    (*this)[from].pump();
    deliver();
  }
};

}  // namespace

TEST_CASE("TestLeaderTransferToUpToDateNode3A: the leadership goes there and back", "[raft][paper][3.10]") {
  trio c;
  c.transfer(1, 2);
  CHECK(c[2].leads());
  REQUIRE(c[2].propose("x"));
  c.deliver();
  c.transfer(2, 1);
  CHECK(c[1].leads());
  CHECK(c[1].see().transferee == peer_id{});
}

// A follower answers with the leader's store as a hint; the store, not the core, sends the request on.
TEST_CASE("TestLeaderTransferToUpToDateNodeFromFollower3A: a follower names the leader", "[raft][paper][3.10][departure]") {
  trio c;
  auto const got = c[2].core().transfer_to(peer_id{2});
  REQUIRE_FALSE(got);
  CHECK(got.error().code == tinykv::error_code::not_leader);
  CHECK(got.error().hint == 1);
  c.transfer(got.error().hint, 2);
  CHECK(c[2].leads());
}

TEST_CASE("TestLeaderTransferToSlowFollower3A: a lagging target is caught up first", "[raft][paper][3.10]") {
  trio c;
  c.cut_off(3);
  REQUIRE(c[1].propose("x"));
  c.deliver();
  c.heal();
  c.transfer(1, 3);
  c[1].tick(2);
  c.deliver();
  CHECK(c[3].leads());
}

TEST_CASE("TestLeaderTransferAfterSnapshot3A: a target that needs a snapshot is caught up first", "[raft][paper][3.10]") {
  trio c;
  c.cut_off(3);
  REQUIRE(c[1].propose("x"));
  c.deliver();
  c[1].compact(c[1].see().applied.value);
  c.heal();
  c.transfer(1, 3);
  c[1].tick(2);
  c.deliver();
  CHECK_FALSE(c[3].leads());
  REQUIRE(c[1].snapshots.size() == 1);
  c.serve_snapshots();
  c[1].tick(2);
  c.deliver();
  CHECK(c[3].leads());
}

TEST_CASE("TestLeaderTransferToSelf3A: a transfer to the leader itself has no effect", "[raft][paper][3.10]") {
  trio c;
  c.transfer(1, 1);
  CHECK(c[1].leads());
  CHECK(c[1].see().transferee == peer_id{});
  CHECK(c[1].propose("x"));
}

TEST_CASE("TestLeaderTransferToNonExistingNode3A: a transfer to nobody has no effect", "[raft][paper][3.10]") {
  trio c;
  CHECK_FALSE(c[1].core().transfer_to(peer_id{4}));
  CHECK(c[1].leads());
  CHECK(c[1].propose("x"));
}

TEST_CASE("TestLeaderTransferRemoveNode3A: a target that is removed meanwhile is none any more", "[raft][paper][3.10]") {
  trio c;
  c.blocked = [](auto const& m) { return m.kind == message_kind::timeout_now; };
  auto const at = c[1].core().change_membership(group({1, 2}), 0);
  REQUIRE(at);
  c.transfer(1, 3);
  CHECK(c[1].see().configuration == once_with(3, group({1, 2}, {}, {}, 1)));
  CHECK(c[1].leads());
  CHECK(c[1].see().transferee == peer_id{});
}

TEST_CASE("TestLeaderTransferReceiveHigherTermVote3A: a pending transfer does not keep a third peer from winning", "[raft][paper][3.10]") {
  trio c;
  c.cut_off(3);
  c.transfer(1, 3);
  REQUIRE(c[1].see().transferee == peer_id{3});
  hup(c, 2);
  CHECK(c[2].leads());
  CHECK(c[1].see().transferee == peer_id{});
}

TEST_CASE("TestLeaderTransferBack3A: asking for the leader itself ends a pending transfer", "[raft][paper][3.10]") {
  trio c;
  c.cut_off(3);
  c.transfer(1, 3);
  REQUIRE(c[1].see().transferee == peer_id{3});
  c.transfer(1, 1);
  CHECK(c[1].leads());
  CHECK(c[1].see().transferee == peer_id{});
}

TEST_CASE("TestLeaderTransferSecondTransferToAnotherNode3A: a second target replaces a pending one", "[raft][paper][3.10]") {
  trio c;
  c.cut_off(3);
  c.transfer(1, 3);
  c.transfer(1, 2);
  CHECK(c[2].leads());
}

TEST_CASE("TestTransferNonMember3A: the word to campaign, and votes, change nothing at a peer that is no member", "[raft][paper][3.10]") {
  disk d;
  d.truncated.configuration = voters({2, 3, 4});
  auto p = peer{plain_options(), std::move(d)};
  p.step(mail(message_kind::timeout_now, 2, 1));
  p.step(reply(message_kind::vote_reply, 2, 1));
  p.step(reply(message_kind::vote_reply, 3, 1));
  CHECK(p.see().role == role::follower);
}
