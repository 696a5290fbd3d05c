#include <tinykv/raft/durability.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {
raft::hard_state in(std::uint64_t t, std::uint64_t vote = 0) { return {term{t}, peer_id{vote}, {}}; }
}  // namespace

TEST_CASE("the completion of a write does not stand for a later one of the same index and term", "[raft][tickets]") {
  // (10,t3), then (10,t4), then (10,t3) again: SAFETY.md section 2.
  raft::durability d;
  d.restore(in(3), log_index{9});
  auto const first = d.open(in(3), log_index{10});
  d.cut(log_index{10});
  auto const second = d.open(in(4), log_index{10});
  d.cut(log_index{10});
  auto const third = d.open(in(4), log_index{10});
  d.complete(first);
  CHECK(d.last() == log_index{9});
  d.complete(second);
  CHECK(d.last() == log_index{9});
  d.complete(third);
  CHECK(d.last() == log_index{10});
}

TEST_CASE("a cut lowers what is durable already", "[raft][tickets]") {
  raft::durability d;
  d.restore(in(3), log_index{9});
  d.cut(log_index{5});
  CHECK(d.last() == log_index{4});
  d.complete(d.open(in(4), log_index{6}));
  CHECK(d.last() == log_index{6});
}

TEST_CASE("a ticket stands for all before it", "[raft][tickets]") {
  raft::durability d;
  d.open(in(1, 2), log_index{1});
  d.open(in(2, 3), log_index{2});
  auto const third = d.open(in(5, 1), log_index{3});
  d.open(in(6, 1), log_index{3});
  d.complete(third);
  CHECK(d.last() == log_index{3});
  CHECK(d.durable_term() == term{5});
  CHECK(d.durable_vote() == peer_id{1});
  CHECK_FALSE(d.settled());
}

TEST_CASE("tickets rise by one, also for Readies without writes", "[raft][tickets]") {
  raft::durability d;
  CHECK(d.open(in(1), log_index{1}) == ticket{1});
  CHECK(d.open(in(1), log_index{1}) == ticket{2});
  d.complete(ticket{2});
  CHECK(d.settled());
  CHECK(d.open(in(1), log_index{1}) == ticket{3});
}

TEST_CASE("a completion that is unknown or repeated changes nothing", "[raft][tickets]") {
  raft::durability d;
  auto const first = d.open(in(1), log_index{1});
  d.complete(first);
  d.open(in(2), log_index{2});
  d.complete(first);
  d.complete(ticket{0});
  CHECK(d.last() == log_index{1});
  CHECK(d.durable_term() == term{1});
}

TEST_CASE("a rewritten entry is not acknowledged by the write that it replaced", "[raft][tickets][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 1, 1, 1, 1, 1, 1, 1}));
  p.step(append(2, 3, at(9, 1), {}));
  p.sent();
  p.disk_works = false;
  p.step(append(2, 3, at(9, 1), {entry(10, 3)}));
  p.step(append(3, 4, at(9, 1), {entry(10, 4)}));
  p.step(append(2, 5, at(9, 1), {entry(10, 3)}));  // a leader of term 5 that has (10,3)
  p.sent();

  p.persist();
  CHECK(p.see().durable == log_index{9});
  CHECK(p.sent(message_kind::append_reply).empty());
  p.persist();
  CHECK(p.see().durable == log_index{9});
  CHECK(p.sent(message_kind::append_reply).empty());
  p.persist();
  CHECK(p.see().durable == log_index{10});
  auto const m = p.only(message_kind::append_reply);
  CHECK(m.index == log_index{10});
  CHECK(m.term == term{5});
  CHECK(p.on_disk.log.back().term == term{3});
}

TEST_CASE("a leader's entry that was cut and written anew is not counted by the old write", "[raft][tickets][disk]") {
  // Peer 1 leads in term 1, is deposed, loses the entry, leads again and has another one at the same index.
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.step(accepted(2, 1, 1));
  p.disk_works = false;
  REQUIRE(p.propose("first"));
  p.step(append(3, 2, at(1, 1), {entry(2, 2, "theirs")}));
  p.persist();  // the write of "first"
  CHECK(p.see().durable == log_index{1});
  CHECK(p.see().commit == log_index{1});
}
