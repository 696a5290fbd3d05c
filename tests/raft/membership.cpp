#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;
using tinykv::error_code;

namespace {

raft::message removed(std::uint64_t from, std::uint64_t version, std::uint64_t of_term = 1) {
  auto m = mail(message_kind::removed, from, of_term);
  m.round = version;
  return m;
}

raft::message accepted_with_commit(std::uint64_t from, std::uint64_t of_term, std::uint64_t index, std::uint64_t commit) {
  auto m = accepted(from, of_term, index);
  m.commit = log_index{commit};
  return m;
}

// Leads in term 1 with the empty entry committed by 2.
peer leader_of(raft::membership members, raft::options o = options_of(1)) {
  o.pre_vote = false;
  disk d;
  d.truncated.configuration = std::move(members);
  auto p = lonely(std::move(d), o);
  for (int i = 0; i < 100 && p.see().role == role::follower; ++i) p.tick();
  for (auto const& m : raft::all_members(p.see().configuration))
    if (m.peer.value != 1 && !p.leads()) p.step(reply(message_kind::vote_reply, m.peer.value, 1));
  REQUIRE(p.leads());
  for (auto const& m : raft::all_members(p.see().configuration))
    if (m.peer.value != 1) p.step(accepted(m.peer.value, 1, 1));
  REQUIRE(p.see().commit == log_index{1});
  p.sent();
  return p;
}

error_code refusal_of(peer& p, raft::membership target, std::uint64_t version) {
  auto const got = p.core().change_membership(std::move(target), version);
  REQUIRE_FALSE(got);
  CHECK(got.error().outcome == tinykv::outcome::rejected);
  return got.error().code;
}

// {1,2,3} led by 1, with 4 and 5 as learners that hold everything.
struct with_learners : cluster {
  with_learners() : cluster{1, 2, 3} {
    join(4);
    join(5);
    elect(1);
    REQUIRE(change(1, group({1, 2, 3}, {4, 5})));
    tick(3);
    REQUIRE((*this)[4].see().last == (*this)[1].see().last);
  }
};

}  // namespace

TEST_CASE("a learner is added, gets the log, is promoted, and the new member elects and commits", "[raft][membership]") {
  with_learners c;
  auto const joined = c[4].see();
  CHECK(joined.configuration == group({1, 2, 3}, {4, 5}, {}, 1));
  REQUIRE(c.change(1, group({1, 2, 3, 4}, {5})));
  for (std::uint64_t id = 1; id <= 5; ++id) CHECK(c[id].see().configuration == group({1, 2, 3, 4}, {5}, {}, 2));
  c.blocked = [](auto const& m) { return m.from.value == 2 || m.to.value == 2; };
  REQUIRE(c[1].propose("with 4"));
  c.deliver();
  CHECK(c[4].see().commit == c[1].see().last);  // 1, 3 and 4 are a majority of four
}

TEST_CASE("one voter more or less needs no joint configuration, more than one does", "[raft][membership]") {
  with_learners c;
  REQUIRE(c.change(1, group({1, 2, 3, 4}, {5})));
  CHECK(c[1].put_in_force.size() == 2);
  REQUIRE(c.change(1, group({1, 4, 5}, {})));
  REQUIRE(c[1].put_in_force.size() == 4);
  CHECK(c[1].put_in_force[2] == group({1, 4, 5}, {}, {1, 2, 3, 4}, 3));
  CHECK(c[1].put_in_force[3] == group({1, 4, 5}, {}, {}, 4));
  CHECK(c[2].removed);
  CHECK(c[3].removed);
  CHECK_FALSE(c[5].removed);
}

TEST_CASE("a joint configuration commits with both majorities only", "[raft][membership]") {
  auto p = leader_of(group({1, 2, 3}, {}, {1, 4, 5}));
  REQUIRE(p.see().last >= log_index{1});
  REQUIRE(p.propose("x"));
  auto const index = p.see().last.value;
  p.step(accepted(2, 1, index));
  p.step(accepted(3, 1, index));
  CHECK(p.see().commit < log_index{index});
  p.step(accepted(5, 1, index));
  CHECK(p.see().commit == log_index{index});
}

TEST_CASE("a joint configuration commits without the one majority never, however many hold it", "[raft][membership]") {
  auto p = leader_of(group({1, 2, 3}, {}, {1, 4, 5}));
  REQUIRE(p.propose("x"));
  auto const index = p.see().last.value;
  p.step(accepted(4, 1, index));
  p.step(accepted(5, 1, index));
  CHECK(p.see().commit < log_index{index});
  p.step(accepted(3, 1, index));
  CHECK(p.see().commit == log_index{index});
}

TEST_CASE("the leader that made it leaves a joint configuration as soon as it is in force", "[raft][membership]") {
  with_learners c;
  c[1].machine_works = false;
  REQUIRE(c.change(1, group({1, 4, 5}, {})));
  c.tick(5);
  CHECK(c[1].see().configuration.version == 1);  // committed, but not applied here
  CHECK(c[2].see().configuration == group({1, 4, 5}, {}, {1, 2, 3}, 2));
  CHECK(c[2].see().commit == c[1].see().last);  // nothing was proposed behind it
  c[1].machine_works = true;
  c[1].core().applied(c[1].handed);
  c.tick(4);
  CHECK(c[1].see().configuration == group({1, 4, 5}, {}, {}, 3));
}

TEST_CASE("whoever leads next leaves the joint configuration", "[raft][membership]") {
  with_learners c;
  c[1].machine_works = false;
  REQUIRE(c.change(1, group({1, 4, 5}, {})));
  c.tick(4);
  REQUIRE(c[4].see().configuration.version == 2);
  c.cut_off(1);
  auto const next = c.elect_any({2, 3, 4, 5});
  c.tick(30);
  CHECK(c[next].see().term > term{1});
  CHECK(c[4].see().configuration == group({1, 4, 5}, {}, {}, 3));
  CHECK(c[5].see().configuration == group({1, 4, 5}, {}, {}, 3));
}

TEST_CASE("a new leader leaves a joint configuration only after a commit in its own term", "[raft][membership]") {
  auto o = options_of(1);
  o.pre_vote = false;
  disk d;
  d.truncated.configuration = group({1, 2}, {}, {1, 3}, 7);
  auto p = lonely(std::move(d), o);
  for (int i = 0; i < 100 && p.see().role == role::follower; ++i) p.tick();
  p.step(reply(message_kind::vote_reply, 2, 1));
  p.step(reply(message_kind::vote_reply, 3, 1));
  REQUIRE(p.leads());
  p.tick(3);
  CHECK(p.see().last == log_index{1});
  p.step(accepted(2, 1, 1));
  CHECK(p.see().last == log_index{1});
  p.step(accepted(3, 1, 1));
  CHECK(p.see().last == log_index{2});
  CHECK(p.see().change_pending);
}

TEST_CASE("a learner is never counted, and votes when it is asked", "[raft][membership]") {
  auto p = leader_of(group({1, 2, 3}, {4, 5, 6}));
  REQUIRE(p.propose("x"));
  for (auto const id : {4U, 5U, 6U}) p.step(accepted(id, 1, 2));
  CHECK(p.see().commit == log_index{1});
  p.step(accepted(3, 1, 2));
  CHECK(p.see().commit == log_index{2});

  disk d;
  d.truncated.configuration = group({2, 3}, {1});
  auto learner = lonely(std::move(d));
  learner.step(vote_request(2, 1, at(0, 0)));
  CHECK_FALSE(learner.only(message_kind::vote_reply).refused);
  CHECK(learner.see().vote == peer_id{2});
}

TEST_CASE("a peer that is asked for a vote answers whatever configuration it knows", "[raft][membership]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  p.step(vote_request(9, 1, at(0, 0)));  // added since
  CHECK_FALSE(p.only(message_kind::vote_reply).refused);

  auto stranger = lonely(disk{});
  stranger.step(vote_request(9, 1, at(0, 0)));
  CHECK_FALSE(stranger.only(message_kind::vote_reply).refused);
}

TEST_CASE("a leader that hears a higher term from a stranger steps down where no lease stands", "[raft][membership]") {
  auto o = options_of(1);
  o.check_quorum = false;
  auto p = leader_of(group({1, 2, 3}), o);
  p.step(vote_request(9, 5, at(9, 4)));  // perhaps added by a later leader
  CHECK_FALSE(p.leads());
  CHECK_FALSE(p.only(message_kind::vote_reply).refused);
}

TEST_CASE("a learner becomes a voter only when it has caught up", "[raft][membership]") {
  auto o = options_of(1);
  o.promotion_lag_max = 3;
  auto p = leader_of(group({1, 2, 3}, {4}), o);
  for (int i = 0; i < 4; ++i) REQUIRE(p.propose("x"));
  p.step(accepted(2, 1, 5));
  CHECK(refusal_of(p, group({1, 2, 3, 4}), 0) == error_code::busy);  // 4 holds (1,1) of 5
  p.step(accepted(4, 1, 2));
  CHECK(p.core().change_membership(group({1, 2, 3, 4}), 0));
}

TEST_CASE("a learner of which nothing is known, or of which nothing was heard for long, does not become a voter", "[raft][membership]") {
  cluster c{1, 2, 3};
  c.elect(1);
  REQUIRE(c.change(1, group({1, 2, 3}, {4})));  // there is no 4
  CHECK(refusal_of(c[1], group({1, 2, 3, 4}), 1) == error_code::busy);
  c.join(4);
  c.tick(5);
  c.cut_off(4);
  c.tick(25);
  CHECK(refusal_of(c[1], group({1, 2, 3, 4}), 1) == error_code::busy);
  c.heal();
  c.tick(5);
  CHECK(c.change(1, group({1, 2, 3, 4})));
}

TEST_CASE("changes are refused to whoever may not make them", "[raft][membership]") {
  auto follower = lonely(disk_of(voters({1, 2, 3}), {1}));
  follower.step(append(2, 1, at(1, 1), {}));
  auto const got = follower.core().change_membership(group({1, 2}), 0);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == error_code::not_leader);
  CHECK(got.error().hint == 2);

  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  CHECK(refusal_of(p, group({1, 2}), 0) == error_code::busy);  // nothing committed in the own term
  p.step(accepted(2, 1, 1));
  CHECK(refusal_of(p, group({1, 2}), 1) == error_code::epoch_mismatch);
  CHECK(p.core().change_membership(group({1, 2}), 1).error().hint == 0);
  REQUIRE(p.core().change_membership(group({1, 2}), 0));
  CHECK(refusal_of(p, group({1, 3}), 0) == error_code::busy);  // one is under way
  p.machine_works = false;
  p.step(accepted(2, 1, 2));
  REQUIRE(p.see().commit == log_index{2});
  CHECK(refusal_of(p, group({1, 3}), 0) == error_code::busy);  // decided, but not in force here
  p.core().applied(log_index{2});
  CHECK(refusal_of(p, group({1, 2, 4}), 0) == error_code::epoch_mismatch);
}

TEST_CASE("malformed changes are refused in words", "[raft][membership]") {
  auto p = leader_of(group({1, 2, 3}, {4}));
  auto const refused = [&](char const* what, raft::membership const& target) {
    INFO(what);
    CHECK(refusal_of(p, target, 0) == error_code::invalid_argument);
    CHECK(p.see().last == log_index{1});
  };
  refused("nobody votes", group({}, {1, 2, 3, 4}));
  refused("joint", group({1, 2}, {}, {1, 2, 3}));
  refused("no change", group({1, 2, 3}, {4}));
  refused("a voter out of nowhere", group({1, 2, 3, 5}, {4}));
  refused("twice", group({1, 2, 3}, {3}));
  refused("not sorted", group({2, 1, 3}, {4}));
  auto moved = group({1, 2, 3}, {4});
  moved.learners[0].store = tinykv::store_id{9};
  refused("a peer on another store", moved);
  auto shared = group({1, 2, 3}, {4, 5});
  shared.learners[1].store = tinykv::store_id{4};
  refused("two peers on one store", shared);
  auto nobody = group({1, 2, 3}, {4, 5});
  nobody.learners[1].store = {};
  refused("no store", nobody);
}

TEST_CASE("an entry made against an older version takes its place in the log and changes nothing", "[raft][membership]") {
  auto p = lonely(disk_of(group({1, 2, 3}, {}, {}, 5), {1}));
  p.step(append(2, 1, at(1, 1), {change(2, 1, group({1, 2}, {}, {}, 5)), change(3, 1, group({1, 3}, {}, {}, 7)),
                                 change(4, 1, group({1, 2, 3}, {4}, {}, 6)), change(5, 1, group({2, 3}, {}, {}, 6))}, 5));
  CHECK(p.handed == log_index{5});
  CHECK(p.see().configuration == group({1, 2, 3}, {4}, {}, 6));
  REQUIRE(p.put_in_force.size() == 1);
  CHECK(p.put_in_force[0].version == 6);
  CHECK_FALSE(p.see().change_pending);
}

TEST_CASE("a configuration takes effect when it is applied, not when it is committed", "[raft][membership]") {
  auto p = leader_of(group({1, 2, 3}));
  p.machine_works = false;
  REQUIRE(p.core().change_membership(group({1, 2}), 0));
  p.pump();
  p.step(accepted(3, 1, 2));
  CHECK(p.see().commit == log_index{2});
  CHECK(p.see().configuration.version == 0);
  CHECK(p.see().peers.size() == 2);
  REQUIRE(p.propose("x"));
  p.step(accepted(3, 1, 3));
  CHECK(p.see().commit == log_index{3});  // 3 still counts
  p.core().applied(log_index{1});
  CHECK(p.see().configuration.version == 0);
  p.core().applied(log_index{2});
  CHECK(p.see().configuration == once_with(3, group({1, 2}, {}, {}, 1)));
  CHECK(p.see().peers.size() == 1);
  REQUIRE(p.propose("y"));
  p.step(accepted(3, 1, 4));
  CHECK(p.see().commit == log_index{3});
}

TEST_CASE("a smaller quorum commits what it holds as soon as it is in force", "[raft][membership]") {
  auto p = leader_of(group({1, 2, 3, 4}));
  p.machine_works = false;
  REQUIRE(p.core().change_membership(group({1, 2, 3}), 0));
  p.pump();
  REQUIRE(p.propose("x"));
  p.step(accepted(2, 1, 3));
  p.step(accepted(4, 1, 2));
  CHECK(p.see().commit == log_index{2});
  p.core().applied(log_index{2});
  CHECK(p.see().commit == log_index{3});
}

TEST_CASE("nothing is handed out behind a configuration entry before that is applied", "[raft][membership]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.machine_works = false;
  p.step(append(2, 1, at(1, 1), {entry(2, 1), change(3, 1, group({1, 2}, {}, {}, 1)), entry(4, 1)}, 4));
  CHECK(p.handed == log_index{3});
  p.core().applied(log_index{2});
  p.pump();
  CHECK(p.handed == log_index{3});
  p.core().applied(log_index{3});
  p.pump();
  CHECK(p.handed == log_index{4});
}

TEST_CASE("nor when the entries are fetched", "[raft][membership]") {
  disk d;
  d.truncated.configuration = voters({1, 2, 3});
  d.log = {entry(1, 1), change(2, 1, group({1, 2}, {}, {}, 1)), entry(3, 1), change(4, 1, group({1, 2}, {3}, {}, 2)), entry(5, 1)};
  d.state = {term{1}, {}, log_index{5}};
  raft::core core{options_of(1)};
  REQUIRE(core.recover(d.load()));
  auto const next = [&] {
    std::vector<std::uint64_t> handed;
    for (int i = 0; i < 3 && core.has_ready(); ++i) {
      auto const r = core.take_ready();
      core.persisted(r.number);
      for (auto const& e : r.committed) handed.push_back(e.index.value);
      for (auto const& f : r.fetches) core.fetched({f, d.read(f)});
    }
    return handed;
  };
  CHECK(next() == std::vector<std::uint64_t>{1, 2});
  core.applied(log_index{1});
  CHECK(next().empty());
  core.applied(log_index{2});
  CHECK(core.members() == group({1, 2}, {}, {}, 1));
  CHECK(next() == std::vector<std::uint64_t>{3, 4});
  core.applied(log_index{4});
  CHECK(next() == std::vector<std::uint64_t>{5});
}

TEST_CASE("a peer with a committed configuration that it has not applied does not campaign, not even when told to", "[raft][membership]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.machine_works = false;
  p.step(append(2, 1, at(1, 1), {change(2, 1, group({1, 2}, {}, {}, 1))}, 2));
  p.tick(100);
  CHECK(p.see().role == role::follower);
  p.step(append(2, 1, at(2, 1), {}, 2));
  p.step(mail(message_kind::timeout_now, 2, 1));
  CHECK(p.see().role == role::follower);
  CHECK(p.see().term == term{1});
  p.core().applied(log_index{2});
  p.step(mail(message_kind::timeout_now, 2, 1));
  CHECK(p.see().role == role::candidate);
}

TEST_CASE("a configuration that is not known to be committed keeps nobody from campaigning", "[raft][membership]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1), {change(2, 1, group({1, 2}, {}, {}, 1))}, 1));
  p.tick(40);
  CHECK(p.see().role == role::pre_candidate);
}

TEST_CASE("a change that was cut from the log is forgotten", "[raft][membership]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1), {change(2, 1, group({1, 2}, {}, {}, 1))}, 1));
  REQUIRE(p.see().change_pending);
  p.step(append(3, 2, at(1, 1), {entry(2, 2)}, 2));
  CHECK_FALSE(p.see().change_pending);
  CHECK(p.see().configuration == voters({1, 2, 3}));
  CHECK(p.handed == log_index{2});
}

TEST_CASE("the configuration of the log is found again after a restart", "[raft][membership][restart]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1), {change(2, 1, group({1, 2}, {}, {}, 1)), change(3, 1, group({1, 2}, {3}, {}, 2))}, 2));
  p.restart();
  CHECK(p.see().configuration == group({1, 2}, {}, {}, 1));
  CHECK(p.see().change_pending);
}

TEST_CASE("the commit of a configuration is stored although it comes alone", "[raft][membership][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1), {entry(2, 1), change(3, 1, group({1, 2}, {}, {}, 1))}, 1));
  auto const writes = p.writes;
  p.step(append(2, 1, at(3, 1), {}, 2));
  CHECK(p.writes == writes);  // a commit alone starts no batch
  p.step(append(2, 1, at(3, 1), {}, 3));
  CHECK(p.writes == writes + 1);
  CHECK(p.on_disk.state.commit == log_index{3});
}

TEST_CASE("that a configuration is committed is told when it is durable", "[raft][membership][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1), {change(2, 1, group({1, 2}, {}, {}, 1))}, 1));
  p.sent();
  p.disk_works = false;
  p.step(append(2, 1, at(2, 1), {}, 2));
  p.step(append(2, 1, at(2, 1), {}, 2));
  CHECK(p.sent(message_kind::append_reply).empty());
  p.persist_all();
  auto const told = p.sent(message_kind::append_reply);
  REQUIRE(!told.empty());
  CHECK(told[0].commit == log_index{2});
}

// --- removal ---

TEST_CASE("a leader that is removed hands over first, and the next one removes it", "[raft][membership][removal]") {
  cluster c{1, 2, 3};
  c.elect(1);
  std::vector<std::uint64_t> handed_to;
  c.seen = [&](auto const& m) {
    if (m.kind == message_kind::timeout_now) handed_to.push_back(m.to.value);
  };
  REQUIRE(c.change(1, group({2, 3})));
  c.tick(5);
  REQUIRE(!handed_to.empty());
  CHECK(std::count(handed_to.begin(), handed_to.end(), handed_to[0]) == static_cast<std::ptrdiff_t>(handed_to.size()));
  CHECK(c[handed_to[0]].leads());
  CHECK(c[2].see().configuration == group({2, 3}, {}, {}, 2));
  CHECK(c[3].see().configuration == group({2, 3}, {}, {}, 2));
  CHECK(c[1].removed);
}

TEST_CASE("a leader that cannot hand over leaves all the same: serves nothing, goes on sending, and ends with the others' knowledge",
          "[raft][membership][removal]") {
  auto p = leader_of(group({1, 2, 3}));
  REQUIRE(p.core().change_membership(group({2, 3}), 0));
  p.pump();
  p.step(accepted(2, 1, 2));
  p.step(accepted(3, 1, 2));
  REQUIRE(p.see().configuration == group({2, 3}, {}, {1, 2, 3}, 1));
  CHECK(p.see().transferee != peer_id{});
  CHECK(p.propose("x").error().code == error_code::busy);
  for (int i = 0; i < 10; ++i) {  // nobody takes over
    p.tick();
    p.step(reply(message_kind::heartbeat_reply, 2, 1));
    p.step(reply(message_kind::heartbeat_reply, 3, 1));
  }
  CHECK(p.see().transferee == peer_id{});
  REQUIRE(p.see().last == log_index{3});  // left without a successor
  p.step(accepted(2, 1, 3));
  p.step(accepted(3, 1, 3));
  REQUIRE(p.see().configuration == group({2, 3}, {}, {}, 2));
  REQUIRE(p.leads());
  CHECK_FALSE(p.removed);
  CHECK(p.propose("x").error().code == error_code::not_leader);
  CHECK(p.core().transfer_to(peer_id{2}).error().code == error_code::not_leader);
  CHECK(p.core().change_membership(group({2}), 2).error().code == error_code::not_leader);
  p.core().read_index(read_id{1});
  p.pump();
  CHECK(p.refused.count(read_id{1}) == 1);
  p.sent();
  p.step(accepted_with_commit(2, 1, 3, 2));
  p.tick(2);
  CHECK(p.sent(message_kind::heartbeat).size() == 2);  // still leads
  p.step(accepted_with_commit(2, 1, 3, 3));
  CHECK(p.leads());  // of two voters both must know
  CHECK_FALSE(p.removed);
  p.sent();
  p.step(accepted_with_commit(3, 1, 3, 3));
  CHECK_FALSE(p.leads());
  CHECK(p.removed);
  CHECK(p.sent(message_kind::timeout_now).size() == 1);
}

TEST_CASE("a leader that becomes a learner goes on as one", "[raft][membership][removal]") {
  cluster c{1, 2, 3};
  c.elect(1);
  REQUIRE(c.change(1, group({2, 3}, {1})));
  c.tick(40);
  CHECK_FALSE(c[1].removed);
  CHECK_FALSE(c[1].leads());
  CHECK(c[1].see().configuration == group({2, 3}, {1}, {}, 2));
  auto const leader = c[2].leads() ? 2U : 3U;
  REQUIRE(c[leader].propose("x"));
  c.deliver();
  CHECK(c[1].see().last == c[leader].see().last);
}

TEST_CASE("a lone voter hands the group over to another one", "[raft][membership][removal]") {
  cluster c{1};
  c.join(2);
  c.elect(1);
  REQUIRE(c.change(1, group({1}, {2})));
  c.tick(4);
  REQUIRE(c.change(1, group({2})));
  c.tick(10);
  CHECK(c[2].leads());
  CHECK(c[2].see().configuration == group({2}, {}, {}, 3));
  CHECK(c[1].removed);
  c[2].restart();  // and stands alone, also over a disk that was told late
  c.elect(2);
}

TEST_CASE("a removed peer is told when the voters know, not before", "[raft][membership][removal]") {
  auto p = leader_of(group({1, 2, 3, 4}));
  REQUIRE(p.core().change_membership(group({1, 2, 3}), 0));
  p.pump();
  p.step(accepted(2, 1, 2));
  p.step(accepted(4, 1, 2));
  REQUIRE(p.see().configuration.version == 1);
  CHECK(p.sent(message_kind::removed).empty());
  p.step(vote_request(4, 2, at(2, 1), message_kind::pre_vote_request));
  CHECK(p.sent(message_kind::removed).empty());
  p.step(accepted_with_commit(3, 1, 1, 1));
  CHECK(p.sent(message_kind::removed).empty());
  p.step(accepted_with_commit(3, 1, 2, 2));
  auto const told = p.only(message_kind::removed);
  CHECK(told.to == peer_id{4});
  CHECK(told.round == 1);
}

TEST_CASE("that the voters know is found out although answers are lost", "[raft][membership][removal]") {
  cluster c{1, 2, 3, 4};
  c.elect(1);
  c.blocked = [&](auto const& m) {
    return m.kind == message_kind::removed || (m.kind == message_kind::append_reply && m.commit >= log_index{2});
  };
  REQUIRE(c.change(1, group({1, 2, 3})));
  c.tick(4);
  REQUIRE(c[1].see().configuration.version == 1);
  REQUIRE(c[3].see().configuration.version == 1);
  c.heal();
  c.tick(3);
  CHECK(c[4].removed);
}

TEST_CASE("those who stay can elect although the leader fails as the first that knows", "[raft][membership][removal]") {
  // Of {1,2,3,4} the 4 leaves. 1, 2 and 4 hold the entry; 1 commits and applies it, and fails. 2 and 3 are a majority of
  // those who stay, but neither of them knows it: 4 must not be gone.
  cluster c{1, 2, 3, 4};
  c.elect(1);
  c.blocked = [](auto const& m) { return m.from.value == 3 || m.to.value == 3; };
  auto committed = log_index{};
  auto const before = c.blocked;
  c.blocked = [&](auto const& m) {
    return before(m) || (m.kind == message_kind::append && m.commit > committed) || m.kind == message_kind::heartbeat;
  };
  committed = c[1].see().commit;
  REQUIRE(c.change(1, group({1, 2, 3})));
  REQUIRE(c[1].see().configuration.version == 1);
  REQUIRE(c[2].see().configuration.version == 0);
  c.cut_off(1);
  auto const next = c.elect_any({2, 3, 4});
  c.tick(60);
  CHECK(c[next].see().configuration.version == 1);
  CHECK((c[4].removed || next == 4));
}

TEST_CASE("who knows that a configuration is committed tells it to the one who must win", "[raft][membership][removal]") {
  // 1 leads {1,2,3} alone with a longer log than 2; 2 knows that the removal of 4 is committed, 3 has the longest log.
  auto p = lonely(disk_of(voters({1, 2, 3, 4}), {1}));
  p.step(append(3, 1, at(1, 1), {change(2, 1, group({1, 2, 3}, {}, {}, 1)), entry(3, 1)}, 1));
  for (int i = 0; i < 100 && p.see().role != role::pre_candidate; ++i) p.tick();
  auto no = reply(message_kind::pre_vote_reply, 2, 1, true);
  no.index = log_index{2};
  no.log_term = term{2};
  p.step(no);
  CHECK(p.see().commit == log_index{1});  // another entry
  no.log_term = term{1};
  p.step(no);
  CHECK(p.see().commit == log_index{2});
  CHECK(p.see().configuration == group({1, 2, 3}, {}, {}, 1));
  CHECK(p.see().role == role::follower);
  p.sent();
  for (int i = 0; i < 100 && p.see().role != role::pre_candidate; ++i) p.tick();
  CHECK(p.sent(message_kind::pre_vote_request).size() == 2);
}

TEST_CASE("an answer to a request for votes carries the commit and its term", "[raft][membership]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 2, 2}));
  p.step(append(2, 3, at(3, 2), {}, 3));
  p.sent();
  p.step(vote_request(3, 3, at(3, 2)));
  auto const said = p.only(message_kind::vote_reply);
  CHECK(said.refused);
  CHECK(said.index == log_index{3});
  CHECK(said.log_term == term{2});
}

TEST_CASE("a peer believes its removal unless it knows of a later configuration", "[raft][membership][removal]") {
  auto const after = [](std::uint64_t version, auto prepare) {
    auto p = lonely(disk_of(group({1, 2, 3}, {}, {}, 5), {1}));
    prepare(p);
    p.step(removed(2, version));
    return p.removed;
  };
  auto const nothing = [](peer&) {};
  CHECK(after(6, nothing));
  CHECK(after(9, nothing));
  CHECK_FALSE(after(5, nothing));  // of that version it is a member
  CHECK_FALSE(after(4, nothing));
  auto const added_again = [](peer& p) {
    p.step(append(2, 1, at(1, 1), {change(2, 1, group({2, 3}, {}, {}, 6)), change(3, 1, group({2, 3}, {1}, {}, 7))}, 1));
  };
  CHECK_FALSE(after(6, added_again));
  CHECK(after(8, added_again));
  auto const another_six = [](peer& p) { p.step(append(2, 1, at(1, 1), {change(2, 1, group({1, 2, 3}, {4}, {}, 6))}, 1)); };
  CHECK(after(6, another_six));  // only one 6 is committed, and it is not this one
}

TEST_CASE("a peer that is added again and applies its own removal on the way is not retired", "[raft][membership][removal]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1),
                {change(2, 1, group({2, 3}, {}, {}, 1)), change(3, 1, group({2, 3}, {1}, {}, 2)), change(4, 1, group({1, 2, 3}, {}, {}, 3))}, 4));
  CHECK(p.put_in_force.size() == 3);
  CHECK_FALSE(p.removed);
  p.tick(40);
  CHECK(p.see().role == role::pre_candidate);
}

TEST_CASE("a retired peer does nothing any more, and its reads are answered", "[raft][membership][removal]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.core().read_index(read_id{7});
  p.step(removed(2, 3));
  CHECK(p.removed);
  CHECK(p.refused.count(read_id{7}) == 1);
  p.sent();
  p.tick(100);
  p.core().campaign();
  p.pump();
  p.step(vote_request(2, 9, at(9, 9)));
  p.step(append(2, 9, at(1, 1), {entry(2, 9)}, 2));
  CHECK(p.sent().empty());
  CHECK(p.see().last == log_index{1});
  CHECK(p.see().term == term{1});
  CHECK(p.core().offered(peer_id{2}, term{9}, at(9, 9)) == raft::snapshot_verdict::ignored);
  p.core().read_index(read_id{8});
  p.pump();
  CHECK(p.refused.count(read_id{8}) == 1);
}

TEST_CASE("a peer whose removal was not told to it asks, and is told", "[raft][membership][removal]") {
  for (auto const priority : {100U, 0U}) {
    CAPTURE(priority);
    cluster c({1, 2, 3, 4}, [&](raft::options& o) { o.election_priority = o.self == peer_id{4} ? priority : 100; });
    c.elect(1);
    c.cut_off(4);
    REQUIRE(c.change(1, group({1, 2, 3})));
    c.tick(4);
    c.heal();
    auto const before = c[1].see().term;
    c.tick(60);
    CHECK(c[4].removed);
    CHECK(c[1].leads());
    CHECK(c[1].see().term == before);  // without disturbing the others
  }
}

TEST_CASE("a learner that was removed without hearing of it asks, and is told", "[raft][membership][removal]") {
  with_learners c;
  c.cut_off(5);
  REQUIRE(c.change(1, group({1, 2, 3}, {4})));
  c.heal();
  c.tick(60);
  CHECK(c[5].removed);
  CHECK(c[1].leads());
}

TEST_CASE("a removed peer without pre-vote does not depose a leader that is heard", "[raft][membership][removal]") {
  cluster c({1, 2, 3, 4}, [](raft::options& o) { o.pre_vote = false; });
  c.elect(1);
  c.cut_off(4);
  REQUIRE(c.change(1, group({1, 2, 3})));
  c.blocked = [](auto const& m) { return m.kind == message_kind::removed; };
  c.tick(100);
  CHECK(c[1].leads());
  CHECK(c[4].see().term > c[1].see().term);
}

// --- liveness of pre-vote, check-quorum, joint configurations and links that work one way ---

TEST_CASE("a joint group whose old half is out of reach elects nobody and goes on when it returns", "[raft][membership][liveness]") {
  with_learners c;
  c.blocked = [](auto const& m) {
    return m.from.value == 2 || m.to.value == 2 || m.from.value == 3 || m.to.value == 3;
  };
  auto stuck = c[1].core().change_membership(group({1, 4, 5}), 1);
  REQUIRE(stuck);
  c.tick(50);
  CHECK_FALSE(c[1].leads());  // check-quorum
  c.heal();
  c.tick(60);
  auto leaders = 0;
  for (std::uint64_t id = 1; id <= 5; ++id) leaders += c[id].leads() ? 1 : 0;
  CHECK(leaders == 1);
}

TEST_CASE("a peer of a later term that can send to nobody but the leader brings it to that term", "[raft][membership][liveness]") {
  cluster c{1, 2, 3};
  c.elect(1);
  c.cut_off(3);
  c[3].core().campaign();  // raises its term alone
  c[3].pump();
  c.deliver();
  auto const later = c[3].see().term;
  REQUIRE(later > c[1].see().term);
  c.blocked = [](auto const& m) { return m.from.value == 3 && m.to.value == 2; };
  c.tick(80);
  CHECK(c[3].see().term >= later);
  auto leaders = 0;
  for (std::uint64_t id = 1; id <= 3; ++id) leaders += c[id].leads() ? 1 : 0;
  CHECK(leaders == 1);
  CHECK(c[3].see().leader != peer_id{});
}

TEST_CASE("a leader that is heard but hears nobody gives way", "[raft][membership][liveness]") {
  cluster c{1, 2, 3};
  c.elect(1);
  c.blocked = [](auto const& m) { return m.to.value == 1; };
  c.tick(80);
  CHECK_FALSE(c[1].leads());
  CHECK((c[2].leads() || c[3].leads()));
}

TEST_CASE("a group of two where the later term sits at the shorter log elects the longer one", "[raft][membership][liveness]") {
  cluster c{1, 2};
  c.elect(1);
  c.cut_off(2);
  REQUIRE(c[1].propose("only at 1"));
  for (int i = 0; i < 3; ++i) {
    c[2].core().campaign();
    c[2].pump();
    c.deliver();
  }
  c.tick(30);
  REQUIRE(c[2].see().term > c[1].see().term);
  c.heal();
  c.tick(80);
  CHECK(c[1].leads());
  CHECK(c[2].see().last == c[1].see().last);
}

TEST_CASE("a configuration that the machine has, and whose commit the log has not, is stored after a restart", "[raft][membership][restart]") {
  disk d;
  d.truncated.configuration = voters({1, 2, 3});
  d.log = {entry(1, 1), change(2, 1, group({1, 2}, {}, {}, 1))};
  d.state = {term{1}, {}, log_index{1}};
  d.applied = log_index{2};  // the machine's disk may still forget it
  raft::core core{options_of(1)};
  REQUIRE(core.recover(d.load()));
  REQUIRE(core.has_ready());
  auto const r = core.take_ready();
  REQUIRE(r.state.has_value());
  CHECK(r.state->commit == log_index{2});
}
