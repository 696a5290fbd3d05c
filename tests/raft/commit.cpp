#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;

TEST_CASE("an entry of an older term is not committed by counting, not even on every peer", "[raft][commit]") {
  // Figure 8 of the paper: (2,2) on a majority in term 4 may still be overwritten by a leader of term 3.
  auto p = lonely(disk_of(voters({1, 2, 3, 4, 5}), {1, 2}, {term{3}, {}, {}}));
  for (int i = 0; i < 100 && p.see().role != role::pre_candidate; ++i) p.tick();
  for (auto const from : {2U, 3U}) p.step(reply(message_kind::pre_vote_reply, from, 4));
  for (auto const from : {2U, 3U}) p.step(reply(message_kind::vote_reply, from, 4));
  REQUIRE(p.leads());
  for (auto const from : {2U, 3U, 4U, 5U}) p.step(accepted(from, 4, 2));
  CHECK(p.see().commit == log_index{0});
  p.step(accepted(2, 4, 3));
  CHECK(p.see().commit == log_index{0});
  p.step(accepted(3, 4, 3));
  CHECK(p.see().commit == log_index{3});
}

TEST_CASE("figure 8 played out: the overwritten entry was never applied anywhere", "[raft][commit]") {
  cluster c{{1, 2, 3, 4, 5}, [](raft::options& o) { o.pre_vote = false; o.check_quorum = false; }};
  c.elect(1);
  // (a) 1 gives its entry to 2 only.
  c.blocked = [](raft::message const& m) { return m.from == peer_id{1} && m.to != peer_id{2}; };
  REQUIRE(c[1].propose("old"));
  auto const slot = c[1].see().last;
  c.deliver();
  CHECK(c[2].see().last == slot);
  CHECK(c[1].see().commit < slot);
  // (b) 1 falls silent, 5 wins with 3 and 4 and puts another entry there.
  c.blocked = [](raft::message const& m) { return m.from.value <= 2 || m.to.value <= 2; };
  for (int i = 0; i < 100 && !c[5].leads(); ++i) {
    c[5].tick();
    c.deliver();
  }
  REQUIRE(c[5].leads());
  auto const theirs = c[5].core().log().term_at(slot);
  // (c) 5 falls silent before anybody has its entry... then everybody is there again.
  c.heal();
  c.tick(100);
  REQUIRE((c[1].leads() || c[2].leads() || c[3].leads() || c[4].leads() || c[5].leads()));
  auto const& one = c[1].machine;
  for (std::uint64_t id = 2; id <= 5; ++id) {
    auto const common = static_cast<std::ptrdiff_t>(std::min(one.size(), c[id].machine.size()));
    CHECK(std::equal(one.begin(), one.begin() + common, c[id].machine.begin()));
  }
  CHECK(theirs.has_value());
}

TEST_CASE("a leader counts its own entry only when it is durable", "[raft][commit][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.step(accepted(2, 1, 1));
  REQUIRE(p.see().commit == log_index{1});
  p.disk_works = false;
  REQUIRE(p.propose("x"));
  p.step(accepted(2, 1, 2));
  CHECK(p.see().commit == log_index{1});
  p.persist();
  CHECK(p.see().commit == log_index{2});
}

TEST_CASE("the others may commit past the leader's own disk, which then waits to apply", "[raft][commit][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.step(accepted(2, 1, 1));
  p.disk_works = false;
  REQUIRE(p.propose("x"));
  p.sent();
  p.step(accepted(2, 1, 2));
  p.step(accepted(3, 1, 2));
  CHECK(p.see().commit == log_index{2});
  CHECK(p.see().durable == log_index{1});
  CHECK(p.handed == log_index{1});
  auto told = 0;
  for (auto const& m : p.sent(message_kind::append)) told += m.commit == log_index{2};
  CHECK(told == 2);  // others are told at once
  p.persist();
  CHECK(p.handed == log_index{2});
}

TEST_CASE("a follower applies only what is committed and durable here", "[raft][commit][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  p.disk_works = false;
  p.step(append(2, 1, at(0, 0), entries(1, {1, 1}), 2));
  CHECK(p.see().commit == log_index{2});
  CHECK(p.handed == log_index{0});
  p.persist();
  CHECK(p.handed == log_index{2});
}

TEST_CASE("a learner's copy does not commit", "[raft][commit]") {
  auto group = voters({1, 2, 3});
  group.learners.push_back({peer_id{4}, tinykv::store_id{4}});
  auto p = lonely(disk_of(group, {}));
  make_leader(p);
  p.step(accepted(4, 1, 1));
  CHECK(p.see().commit == log_index{0});
  p.step(accepted(3, 1, 1));
  CHECK(p.see().commit == log_index{1});
}

TEST_CASE("a group of an even size needs more than half", "[raft][commit]") {
  auto p = lonely(disk_of(voters({1, 2, 3, 4}), {}));
  for (int i = 0; i < 100 && p.see().role != role::pre_candidate; ++i) p.tick();
  for (auto const from : {2U, 3U}) p.step(reply(message_kind::pre_vote_reply, from, 1));
  p.step(reply(message_kind::vote_reply, 2, 1));
  CHECK_FALSE(p.leads());
  p.step(reply(message_kind::vote_reply, 3, 1));
  REQUIRE(p.leads());
  p.step(accepted(2, 1, 1));
  CHECK(p.see().commit == log_index{0});
  p.step(accepted(3, 1, 1));
  CHECK(p.see().commit == log_index{1});
}

TEST_CASE("a joint configuration commits by both majorities", "[raft][commit]") {
  auto group = voters({1, 2, 3});
  group.outgoing = voters({3, 4, 5}).voters;
  auto p = lonely(disk_of(group, {}));
  for (int i = 0; i < 100 && p.see().role != role::pre_candidate; ++i) p.tick();
  for (auto const from : {2U, 3U, 4U}) p.step(reply(message_kind::pre_vote_reply, from, 1));
  for (auto const from : {2U, 3U, 4U}) p.step(reply(message_kind::vote_reply, from, 1));
  REQUIRE(p.leads());
  p.step(accepted(2, 1, 1));
  p.step(accepted(4, 1, 1));
  CHECK(p.see().commit == log_index{0});
  p.step(accepted(5, 1, 1));
  CHECK(p.see().commit == log_index{1});
}

TEST_CASE("answers of an earlier term do not commit in a later one", "[raft][commit]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  make_leader(p);
  auto const now = p.see().term.value;
  p.step(accepted(2, now - 1, 3));
  p.step(accepted(3, now - 1, 3));
  CHECK(p.see().commit == log_index{0});
}
