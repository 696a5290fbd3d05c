#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;
using tinykv::error_code;

namespace {

// Peer 1 leads {1,2,3} in term 1; 2 holds everything, 3 nothing. Nothing of it is left in `sent`.
peer leader(raft::options o = options_of(1)) {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), o);
  make_leader(p);
  p.step(accepted(2, 1, 1));
  p.sent();
  return p;
}

}  // namespace

TEST_CASE("a transfer to a peer that holds everything is done at once", "[raft][transfer]") {
  cluster c{1, 2, 3};
  c.elect(1);
  REQUIRE(c[1].core().transfer_to(peer_id{2}));
  c.deliver();
  CHECK(c[2].leads());
  CHECK(c[2].see().term == term{2});
  CHECK(c[1].see().leader == peer_id{2});
  CHECK(c[3].see().leader == peer_id{2});  // although it had heard its leader just before: the request was `forced`
}

TEST_CASE("only a request that the leader asked for overrides a lease", "[raft][transfer]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1), {}));
  p.sent();
  auto request = vote_request(3, 2, at(1, 1));
  p.step(request);
  CHECK(p.sent().empty());
  CHECK(p.see().term == term{1});
  request.forced = true;
  p.step(request);
  CHECK_FALSE(p.only(message_kind::vote_reply).refused);
}

TEST_CASE("an ordinary campaign is not forced, one that the leader asked for is and skips the pre-vote", "[raft][transfer]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  for (int i = 0; i < 100 && p.see().role != role::pre_candidate; ++i) p.tick();
  for (auto const& m : p.sent(message_kind::pre_vote_request)) CHECK_FALSE(m.forced);
  p.step(reply(message_kind::pre_vote_reply, 2, 2));
  for (auto const& m : p.sent(message_kind::vote_request)) CHECK_FALSE(m.forced);

  auto q = lonely(disk_of(voters({1, 2, 3}), {1}));
  q.step(append(2, 1, at(1, 1), {}));
  q.sent();
  q.step(mail(message_kind::timeout_now, 2, 1));
  auto const asked = q.sent(message_kind::vote_request);
  REQUIRE(asked.size() == 2);
  for (auto const& m : asked) CHECK(m.forced);
}

TEST_CASE("a transfer to a lagging peer waits until it has caught up", "[raft][transfer]") {
  auto p = leader();
  REQUIRE(p.core().transfer_to(peer_id{3}));
  p.pump();
  CHECK(p.see().transferee == peer_id{3});
  CHECK(p.sent(message_kind::timeout_now).empty());
  p.step(accepted(3, 1, 1));
  auto const said = p.only(message_kind::timeout_now);
  CHECK(said.to == peer_id{3});
  CHECK(said.term == term{1});
}

TEST_CASE("the word is repeated as long as the target answers as a follower", "[raft][transfer]") {
  auto p = leader();
  REQUIRE(p.core().transfer_to(peer_id{2}));
  p.pump();
  CHECK(p.sent(message_kind::timeout_now).size() == 1);
  p.step(reply(message_kind::heartbeat_reply, 3, 1));
  CHECK(p.sent(message_kind::timeout_now).empty());
  p.step(reply(message_kind::heartbeat_reply, 2, 1));
  CHECK(p.sent(message_kind::timeout_now).size() == 1);
}

TEST_CASE("a transfer is refused to who is no voter and by who does not lead", "[raft][transfer]") {
  auto p = lonely(disk_of(group({1, 2}, {3}), {}));
  CHECK(p.core().transfer_to(peer_id{2}).error().code == error_code::not_leader);
  make_leader(p);
  CHECK(p.core().transfer_to(peer_id{3}).error().code == error_code::invalid_argument);
  CHECK(p.core().transfer_to(peer_id{9}).error().code == error_code::invalid_argument);
  CHECK(p.core().transfer_to(peer_id{}).error().code == error_code::invalid_argument);
  CHECK(p.see().transferee == peer_id{});
}

TEST_CASE("proposals and changes are busy during a transfer and welcome after it was given up", "[raft][transfer]") {
  auto p = leader();
  REQUIRE(p.core().transfer_to(peer_id{3}));
  CHECK(p.propose("x").error().code == error_code::busy);
  CHECK(p.core().propose_barrier(term{1}).error().code == error_code::busy);
  CHECK(p.core().change_membership(group({1, 2}), 0).error().code == error_code::busy);
  for (int i = 0; i < 9; ++i) p.tick();
  CHECK(p.see().transferee == peer_id{3});
  p.step(reply(message_kind::heartbeat_reply, 2, 1));
  p.tick();
  CHECK(p.see().transferee == peer_id{});
  REQUIRE(p.leads());
  CHECK(p.propose("x"));
  p.sent();
  p.step(accepted(3, 1, 2));
  CHECK(p.sent(message_kind::timeout_now).empty());  // too late
}

TEST_CASE("another target replaces the one before and has its own time", "[raft][transfer]") {
  auto p = leader();
  REQUIRE(p.core().transfer_to(peer_id{3}));
  for (int i = 0; i < 8; ++i) {
    p.tick();
    p.step(reply(message_kind::heartbeat_reply, 2, 1));
  }
  p.sent();
  p.fetch_works = false;
  REQUIRE(p.core().transfer_to(peer_id{3}));  // the same again changes nothing
  REQUIRE(p.core().transfer_to(peer_id{2}));
  p.pump();
  CHECK(p.see().transferee == peer_id{2});
  CHECK(p.only(message_kind::timeout_now).to == peer_id{2});
  for (int i = 0; i < 9; ++i) {
    p.tick();
    p.step(reply(message_kind::heartbeat_reply, 3, 1));
  }
  CHECK(p.see().transferee == peer_id{2});
}

TEST_CASE("asking again for the same target does not begin its time anew", "[raft][transfer]") {
  auto p = leader();
  REQUIRE(p.core().transfer_to(peer_id{3}));
  for (int i = 0; i < 10; ++i) {
    REQUIRE(p.core().transfer_to(peer_id{3}));
    p.tick();
    p.step(reply(message_kind::heartbeat_reply, 2, 1));
  }
  CHECK(p.see().transferee == peer_id{});
}

TEST_CASE("a leader that is asked to lead itself ends the transfer", "[raft][transfer]") {
  auto p = leader();
  REQUIRE(p.core().transfer_to(peer_id{3}));
  REQUIRE(p.core().transfer_to(peer_id{1}));
  CHECK(p.see().transferee == peer_id{});
  CHECK(p.propose("x"));
}

TEST_CASE("a target that is removed meanwhile is no target any more", "[raft][transfer]") {
  auto p = leader();
  REQUIRE(p.core().change_membership(group({1, 2}), 0));
  REQUIRE(p.core().transfer_to(peer_id{3}));
  p.pump();
  p.step(accepted(2, 1, 2));
  CHECK(p.see().configuration == once_with(3, group({1, 2}, {}, {}, 1)));
  CHECK(p.see().transferee == peer_id{});
  CHECK(p.propose("x"));
}

TEST_CASE("a word from who does not lead, or from an earlier term, starts no campaign", "[raft][transfer]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  p.step(append(2, 2, at(2, 1), {}));
  p.step(mail(message_kind::timeout_now, 3, 2));
  p.step(mail(message_kind::timeout_now, 2, 1));
  CHECK(p.see().role == role::follower);
  CHECK(p.see().term == term{2});
  p.step(mail(message_kind::timeout_now, 2, 2));
  CHECK(p.see().role == role::candidate);
  CHECK(p.see().term == term{3});
}

TEST_CASE("a higher term ends a leader's transfer with its leadership", "[raft][transfer]") {
  cluster c{1, 2, 3};
  c.elect(1);
  c.cut_off(3);
  REQUIRE(c[1].core().transfer_to(peer_id{3}));
  c.deliver();
  c.heal();
  c[2].core().campaign();
  c[2].pump();
  c.deliver();
  CHECK(c[2].leads());
  CHECK(c[1].see().transferee == peer_id{});
}

TEST_CASE("reads are confirmed during a transfer", "[raft][transfer]") {
  auto p = leader();
  REQUIRE(p.core().transfer_to(peer_id{3}));
  p.core().read_index(read_id{1});
  p.pump();
  auto answer = reply(message_kind::heartbeat_reply, 2, 1);
  for (answer.round = 1; answer.round <= 2; ++answer.round) p.step(answer);  // one was open when the read came
  CHECK(p.granted.count(read_id{1}) == 1);
}

// --- priorities ---

TEST_CASE("a peer of priority 0 never campaigns by itself, but takes a leadership that is handed to it", "[raft][priority]") {
  cluster c({1, 2}, [](raft::options& o) { o.election_priority = o.self == peer_id{2} ? 0 : 100; });
  c.cut_off(1);
  for (int i = 0; i < 200; ++i) c[2].tick();
  c.deliver();
  CHECK(c[2].see().role == role::follower);
  CHECK(c[2].see().term == term{0});
  c.heal();
  c.elect(1);
  REQUIRE(c[1].core().transfer_to(peer_id{2}));
  c.deliver();
  CHECK(c[2].leads());
}

TEST_CASE("a peer of low priority campaigns after the others have had their chance", "[raft][priority]") {
  auto const earliest = [](std::uint32_t priority) {
    std::uint32_t least = 1000;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      auto o = options_of(1, seed);
      o.election_priority = priority;
      auto p = lonely(disk_of(voters({1, 2, 3}), {}), o);
      std::uint32_t ticks = 0;
      for (; p.see().role == role::follower; ++ticks) p.tick();
      least = std::min(least, ticks);
    }
    return least;
  };
  CHECK(earliest(100) == 10);
  CHECK(earliest(50) == 20);
  CHECK(earliest(1) >= 29);
  CHECK(earliest(1) <= 30);
}

TEST_CASE("who may not be needed is elected all the same when it is the only one left with the log", "[raft][priority]") {
  cluster c({1, 2, 3}, [](raft::options& o) { o.election_priority = o.self == peer_id{3} ? 1 : 100; });
  c.elect(1);
  c.blocked = [](auto const& m) { return m.from.value == 2 || m.to.value == 2; };
  REQUIRE(c[1].propose("held by 1 and 3"));
  c.deliver();
  c.cut_off(1);
  CHECK(c.elect_any({2, 3}) == 3);
}
