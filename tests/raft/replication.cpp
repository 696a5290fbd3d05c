#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {

// Peer 1 leads {1,2,3}; `p.sent()` begins with what it sent when it won.
peer leader(std::initializer_list<std::uint64_t> log = {}, raft::options o = options_of(1)) {
  auto p = lonely(disk_of(voters({1, 2, 3}), log), o);
  make_leader(p);
  return p;
}

std::vector<raft::message> to(std::vector<raft::message> all, std::uint64_t peer) {
  std::erase_if(all, [&](auto const& m) { return m.to != peer_id{peer}; });
  return all;
}

raft::message heartbeat(std::uint64_t from, std::uint64_t of_term, std::uint64_t commit, std::uint64_t round = 1) {
  auto m = mail(message_kind::heartbeat, from, of_term);
  m.commit = log_index{commit};
  m.round = round;
  return m;
}

raft::message refusal(std::uint64_t from, std::uint64_t of_term, std::uint64_t index, position hint) {
  auto m = reply(message_kind::append_reply, from, of_term, true);
  m.index = log_index{index};
  m.hint = hint.index;
  m.log_term = hint.term;
  return m;
}

// Peer 1 follows peer 2 in term 1; (1,1) is acknowledged.
peer follower_of_2() {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1), {}));
  CHECK(p.only(message_kind::append_reply).index == log_index{1});
  return p;
}

}  // namespace

TEST_CASE("a new leader probes each peer with one append at a time", "[raft][replication]") {
  auto p = leader({1, 1});
  auto const first = to(p.sent(message_kind::append), 2);
  REQUIRE(first.size() == 1);
  CHECK(first[0].index == log_index{2});
  CHECK(first[0].log_term == term{1});
  CHECK(first[0].entries.size() == 1);
  for (int i = 0; i < 5; ++i) REQUIRE(p.propose("x"));
  CHECK(to(p.sent(message_kind::append), 2).empty());
}

TEST_CASE("after an answer appends follow one another without waiting", "[raft][replication]") {
  auto p = leader();
  p.step(accepted(2, 1, 1));
  p.sent();
  for (std::uint64_t i = 2; i < 7; ++i) {
    REQUIRE(p.propose("x"));
    auto const sent = to(p.sent(message_kind::append), 2);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].index == log_index{i - 1});
    REQUIRE(sent[0].entries.size() == 1);
    CHECK(sent[0].entries[0].index == log_index{i});
  }
}

TEST_CASE("unanswered appends are bounded and go on when one is answered", "[raft][replication][bounds]") {
  auto o = options_of(1);
  o.inflight_appends_max = 3;
  auto p = leader({}, o);
  p.step(accepted(2, 1, 1));
  p.sent();
  for (int i = 0; i < 10; ++i) REQUIRE(p.propose("x"));
  CHECK(to(p.sent(message_kind::append), 2).size() == 3);
  p.step(accepted(2, 1, 2));
  auto const more = to(p.sent(message_kind::append), 2);
  REQUIRE(more.size() == 1);
  CHECK(more[0].index == log_index{4});
  CHECK(more[0].entries.size() == 7);
}

TEST_CASE("an append stops at its bound in bytes but carries at least one entry", "[raft][replication][bounds]") {
  auto o = options_of(1);
  o.append_bytes_max = 300;
  auto p = leader({}, o);
  for (int i = 0; i < 3; ++i) REQUIRE(p.propose(std::string(100, 'x')));
  REQUIRE(p.propose(std::string(1000, 'y')));
  p.sent();
  p.step(accepted(2, 1, 1));
  auto const sent = to(p.sent(message_kind::append), 2);
  REQUIRE(sent.size() == 4);
  for (auto const& m : sent) CHECK(m.entries.size() == 1);  // 164 + 164 > 300
}

TEST_CASE("a leader sends before its own disk has the entry", "[raft][replication][disk]") {
  auto p = leader();
  p.step(accepted(2, 1, 1));
  p.sent();
  p.disk_works = false;
  REQUIRE(p.propose("x"));
  CHECK(to(p.sent(message_kind::append), 2).size() == 1);
}

TEST_CASE("a lost append is found out by a heartbeat and sent again", "[raft][replication]") {
  cluster c{1, 2, 3};
  c.elect(1);
  c.blocked = [](raft::message const& m) { return m.kind == message_kind::append; };
  REQUIRE(c[1].propose("lost"));
  c.deliver();
  c.heal();
  c.tick(6);
  CHECK(c[2].see().last == c[1].see().last);
  CHECK(c[2].see().commit == c[1].see().last);
  CHECK(c[3].see().commit == c[1].see().last);
}

TEST_CASE("appends in any order and any number leave the same log", "[raft][replication]") {
  cluster c{1, 2, 3};
  c.elect(1);
  std::vector<raft::message> kept;
  c.blocked = [&](raft::message const& m) {
    if (m.kind == message_kind::append && m.to == peer_id{2}) kept.push_back(m);
    return m.kind == message_kind::append && m.to == peer_id{2};
  };
  for (int i = 0; i < 6; ++i) {
    REQUIRE(c[1].propose("x"));
    c.deliver();
  }
  c.heal();
  for (auto m = kept.rbegin(); m != kept.rend(); ++m) c[2].step(*m);
  for (auto const& m : kept) c[2].step(m);
  for (auto m = kept.rbegin(); m != kept.rend(); ++m) c[2].step(*m);
  c.tick(6);
  CHECK(c[2].on_disk.log == c[1].on_disk.log);
}

// --- the follower's side ---

TEST_CASE("an append whose predecessor is missing is refused with the end of the log", "[raft][replication][conflict]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  p.step(append(2, 1, at(9, 1), entries(10, {1})));
  auto const m = p.only(message_kind::append_reply);
  CHECK(m.refused);
  CHECK(m.index == log_index{9});
  CHECK(m.hint == log_index{2});
  CHECK(m.log_term == term{1});
  CHECK(p.see().last == log_index{2});
}

TEST_CASE("a refusal passes over a whole term of entries that cannot be equal", "[raft][replication][conflict]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 2, 2, 2, 2, 2, 2}));
  p.step(append(2, 4, at(8, 1), entries(9, {4})));  // the leader has term 1 at index 8
  auto const m = p.only(message_kind::append_reply);
  CHECK(m.refused);
  CHECK(m.hint == log_index{2});
  CHECK(m.log_term == term{1});
}

TEST_CASE("a leader passes over a whole term of its own in one round", "[raft][replication][conflict]") {
  auto p = leader({1, 1, 3, 3, 3, 3, 3, 3});
  p.sent();
  p.step(refusal(2, 4, 8, at(7, 2)));  // the follower ends in term 2: nothing of term 3 is there
  auto const sent = to(p.sent(message_kind::append), 2);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].index == log_index{2});
}

TEST_CASE("logs that differ by terms meet after a round for each differing term", "[raft][replication][conflict]") {
  // As in figure 7 of the paper, worst follower (f): many entries of terms that the leader never saw.
  auto const group = voters({1, 2, 3});
  auto a = peer{options_of(1), disk_of(group, {1, 1, 1, 4, 4, 5, 5, 6, 6, 6})};
  auto b = peer{options_of(2), disk_of(group, {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}, {term{6}, {}, {}})};
  make_leader(a);
  int rounds = 0;
  for (auto more = true; more; ++rounds) {
    more = false;
    for (auto& m : to(a.sent(message_kind::append), 2)) {
      b.step(m);
      more = true;
    }
    for (auto& m : b.sent(message_kind::append_reply)) a.step(m);
    REQUIRE(rounds < 20);
  }
  CHECK(b.on_disk.log == a.on_disk.log);
  CHECK(rounds <= 5);
}

TEST_CASE("a conflicting entry removes itself and all after it, equal ones stay", "[raft][replication][conflict]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 2, 2, 2}));
  p.step(append(2, 3, at(1, 1), {entry(2, 1), entry(3, 3, "new")}));
  CHECK(p.see().last == log_index{3});
  CHECK(p.core().log()[log_index{3}].data == text("new"));
  CHECK(p.on_disk.last() == log_index{3});
  CHECK(p.only(message_kind::append_reply).index == log_index{3});
}

TEST_CASE("a delayed shorter append does not shrink the log", "[raft][replication]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1), entries(2, {1, 1, 1})));
  p.step(append(2, 1, at(1, 1), entries(2, {1})));
  CHECK(p.see().last == log_index{4});
  p.step(append(2, 1, at(1, 1), {}));
  CHECK(p.see().last == log_index{4});
  for (auto const& m : p.sent(message_kind::append_reply)) CHECK_FALSE(m.refused);
}

TEST_CASE("commit is bounded by what the append has shown to be equal", "[raft][replication][commit]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 1, 1}));  // (3,1) and (4,1) may be of another history
  p.step(append(2, 2, at(1, 1), entries(2, {1}), 9));
  CHECK(p.see().commit == log_index{2});
  p.step(append(2, 2, at(1, 1), {}, 9));
  CHECK(p.see().commit == log_index{2});
}

TEST_CASE("commit never falls", "[raft][replication][commit]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 1}));
  p.step(append(2, 1, at(3, 1), {}, 3));
  p.step(append(2, 1, at(1, 1), {}, 1));
  p.step(heartbeat(2, 1, 1));
  CHECK(p.see().commit == log_index{3});
}

TEST_CASE("a leader tells in a heartbeat no more than the receiver is known to hold", "[raft][replication][commit]") {
  auto p = leader();
  p.step(accepted(2, 1, 1));
  REQUIRE(p.propose("x"));
  p.step(accepted(2, 1, 2));
  REQUIRE(p.see().commit == log_index{2});
  p.sent();
  p.tick(2);
  for (auto const& m : p.sent(message_kind::heartbeat)) CHECK(m.commit == log_index{m.to == peer_id{2} ? 2U : 0U});
}

TEST_CASE("a heartbeat that tells of a commit beyond the log raises it to the end of the log only", "[raft][replication][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  p.step(heartbeat(2, 1, ~std::uint64_t{0}));
  CHECK(p.see().commit == log_index{2});
}

TEST_CASE("an idle follower learns the last commit without a further proposal", "[raft][replication][commit]") {
  cluster c{1, 2, 3};
  c.elect(1);
  REQUIRE(c[1].propose("x"));
  c.deliver();
  CHECK(c[2].see().commit == c[1].see().last);
  CHECK(c[3].see().commit == c[1].see().last);
}

// --- acknowledgements and the disk ---

TEST_CASE("an append is acknowledged when it is durable and not before", "[raft][replication][disk]") {
  auto p = follower_of_2();
  p.disk_works = false;
  p.step(append(2, 1, at(1, 1), entries(2, {1, 1})));
  CHECK(p.sent().empty());
  p.persist();
  auto const m = p.only(message_kind::append_reply);
  CHECK(m.index == log_index{3});
  CHECK_FALSE(m.refused);
}

TEST_CASE("a first write that completes acknowledges no more than it holds", "[raft][replication][disk]") {
  auto p = follower_of_2();
  p.disk_works = false;
  p.step(append(2, 1, at(1, 1), entries(2, {1})));
  p.step(append(2, 1, at(2, 1), entries(3, {1})));
  p.persist();
  CHECK(p.only(message_kind::append_reply).index == log_index{2});
  p.persist();
  CHECK(p.only(message_kind::append_reply).index == log_index{3});
  CHECK_FALSE(p.persist());
}

TEST_CASE("a repeated append is acknowledged again, since the answer may be lost", "[raft][replication]") {
  auto p = follower_of_2();
  for (int i = 0; i < 2; ++i) {
    p.step(append(2, 1, at(1, 1), entries(2, {1})));
    CHECK(p.only(message_kind::append_reply).index == log_index{2});
  }
}

TEST_CASE("no acknowledgement is made once the term has moved on", "[raft][replication][disk]") {
  auto p = follower_of_2();
  p.disk_works = false;
  p.step(append(2, 1, at(1, 1), entries(2, {1})));
  p.step(heartbeat(3, 2, 0));
  p.persist_all();
  CHECK(p.on_disk.last() == log_index{2});
  CHECK(p.sent(message_kind::append_reply).empty());
}

TEST_CASE("an acknowledgement waits for the term it carries", "[raft][replication][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  p.disk_works = false;
  p.step(append(2, 5, at(2, 1), {}));  // the entries are durable, term 5 is not
  CHECK(p.sent().empty());
  p.persist_all();
  auto const m = p.only(message_kind::append_reply);
  CHECK(m.term == term{5});
  CHECK(m.index == log_index{2});
}

TEST_CASE("a leader steps down when told of a later term by any answer", "[raft][replication]") {
  for (auto const kind : {message_kind::append_reply, message_kind::heartbeat_reply, message_kind::vote_reply}) {
    auto p = leader();
    p.step(reply(kind, 3, 8, true));
    CHECK(p.see().role == role::follower);
    CHECK(p.see().term == term{8});
  }
}

TEST_CASE("a delayed refusal does not move a peer back below what it has accepted", "[raft][replication]") {
  auto p = leader({1, 1, 1});
  p.step(accepted(2, 2, 4));
  p.sent();
  p.step(refusal(2, 2, 3, at(0, 0)));
  CHECK(p.sent(message_kind::append).empty());
  REQUIRE(p.propose("x"));
  auto const sent = to(p.sent(message_kind::append), 2);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].index == log_index{4});
}

TEST_CASE("a peer told to be unreachable is probed again from what it has accepted", "[raft][replication]") {
  auto p = leader();
  p.step(accepted(2, 1, 1));
  for (int i = 0; i < 4; ++i) REQUIRE(p.propose("x"));
  p.sent();
  p.core().unreachable(peer_id{2});
  REQUIRE(p.propose("y"));
  auto const sent = to(p.sent(message_kind::append), 2);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].index == log_index{1});
  CHECK(sent[0].entries.size() == 5);
}

// --- proposals ---

TEST_CASE("a proposal is refused by a follower with the leader's store, by another term, empty, and too large", "[raft][propose]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  CHECK(p.propose("x").error().code == tinykv::error_code::not_leader);
  CHECK(p.propose("x").error().hint == 0);
  p.step(heartbeat(2, 1, 0));
  CHECK(p.propose("x").error().hint == 2);

  auto l = leader();
  auto const now = l.see().term;
  CHECK(l.core().propose(text("x"), now + 1).error().code == tinykv::error_code::stale_term);
  CHECK(l.core().propose(text("x"), now - 1).error().code == tinykv::error_code::stale_term);
  CHECK(l.propose("").error().code == tinykv::error_code::invalid_argument);
  auto const large = l.propose(std::string((1U << 20) + 1, 'x'));
  CHECK(large.error().code == tinykv::error_code::too_large);
  CHECK(large.error().hint == 1U << 20);
  CHECK(l.propose(std::string(1U << 20, 'x')));
  CHECK(l.see().last == log_index{2});
}
