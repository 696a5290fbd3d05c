#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;
using raft::progress_state;
using raft::snapshot_verdict;

namespace {

// {1,2,3} led by 1 in term 1, ten commands committed by 1 and 2, the log of 1 begins after 8; 3 has nothing.
struct with_compacted_leader : cluster {
  with_compacted_leader() : cluster{1, 2, 3} {
    elect(1);
    cut_off(3);
    for (int i = 0; i < 10; ++i) REQUIRE((*this)[1].propose("x"));
    deliver();
    (*this)[1].compact(8);
  }
};

// Peer 1 leads {1,2,3} in term 1 alone with hand-made messages: entries 1 to 6 are committed by 2, the log begins after 4,
// and 3 has answered that it has nothing.
peer leader_that_needs_a_snapshot() {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  for (int i = 0; i < 5; ++i) REQUIRE(p.propose("x"));
  p.step(accepted(2, 1, 6));
  p.compact(4);
  p.sent();
  auto no = reply(message_kind::append_reply, 3, 1, true);
  no.index = log_index{0};
  p.step(no);
  return p;
}

progress_state state_of(peer& p, std::uint64_t other) {
  for (auto const& x : p.see().peers)
    if (x.peer == peer_id{other}) return x.state;
  FAIL("no such peer");
  return {};
}

raft::snapshot_meta meta(std::uint64_t index, std::uint64_t of_term, raft::membership of = voters({1, 2, 3})) {
  return {at(index, of_term), std::move(of)};
}

// Peer 1 follows 2 in term 3 with entries (1,1) (2,1) (3,2), of which two are committed.
peer follower() {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 2}));
  p.step(append(2, 3, at(2, 1), {}, 2));
  p.sent();
  return p;
}

}  // namespace

TEST_CASE("a follower whose entries are gone gets a snapshot and goes on from there", "[raft][snapshot]") {
  with_compacted_leader c;
  c.heal();
  c.tick(4);
  REQUIRE(c[1].snapshots.size() == 1);
  CHECK(c[1].snapshots[0].peer == peer_id{3});
  CHECK(c[1].snapshots[0].term == term{1});
  CHECK(c[1].snapshots[0].at_least == log_index{8});
  CHECK(state_of(c[1], 3) == progress_state::snapshot);
  c.serve_snapshots();
  CHECK(c[3].see().first == log_index{12});
  CHECK(c[3].see().applied == log_index{11});
  CHECK(state_of(c[1], 3) == progress_state::replicating);
  REQUIRE(c[1].propose("after"));
  c.deliver();
  CHECK(c[3].see().commit == log_index{12});
  CHECK(c[3].machine.size() == 1);
}

TEST_CASE("a snapshot is asked for once until it is answered", "[raft][snapshot]") {
  with_compacted_leader c;
  c.heal();
  c.tick(30);
  CHECK(c[1].snapshots.size() == 1);
  REQUIRE(c[1].propose("x"));
  c.deliver();
  CHECK(c[1].snapshots.size() == 1);
}

TEST_CASE("no snapshot is made for a follower that is not heard of", "[raft][snapshot]") {
  with_compacted_leader c;
  c.tick(40);
  CHECK(c[1].snapshots.empty());
  c.heal();
  c.tick(4);
  CHECK(c[1].snapshots.size() == 1);
}

TEST_CASE("a follower that falls silent before it is known to need a snapshot gets none made", "[raft][snapshot]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  for (int i = 0; i < 5; ++i) REQUIRE(p.propose("x"));
  p.step(accepted(3, 1, 1));
  p.step(accepted(2, 1, 6));
  p.core().unreachable(peer_id{3});
  p.pump();
  for (int i = 0; i < 12; ++i) {  // 3 is not heard of for the whole of a period
    p.tick();
    p.step(reply(message_kind::heartbeat_reply, 2, 1));
  }
  p.compact(6);
  REQUIRE(p.propose("y"));
  p.step(accepted(2, 1, 7));
  p.core().unreachable(peer_id{3});
  REQUIRE(p.propose("z"));
  p.step(accepted(2, 1, 8));
  CHECK(p.snapshots.empty());
  p.step(reply(message_kind::heartbeat_reply, 3, 1));
  CHECK(p.snapshots.size() == 1);
}

TEST_CASE("nothing is sent to a follower that waits for its snapshot but rounds", "[raft][snapshot]") {
  auto p = leader_that_needs_a_snapshot();
  CHECK(state_of(p, 3) != progress_state::replicating);
  for (int i = 0; i < 3; ++i) {
    p.tick(2);
    p.step(reply(message_kind::heartbeat_reply, 3, 1));
    p.step(reply(message_kind::heartbeat_reply, 2, 1));
  }
  REQUIRE(p.propose("x"));
  REQUIRE(state_of(p, 3) == progress_state::snapshot);
  auto sent = p.sent();
  std::erase_if(sent, [](auto const& m) { return m.to != peer_id{3}; });
  for (auto const& m : sent) CHECK(m.kind != message_kind::append);
}

TEST_CASE("late answers from before do not end the wait for a snapshot", "[raft][snapshot]") {
  auto p = leader_that_needs_a_snapshot();
  for (int i = 0; i < 3; ++i) {
    p.tick(2);
    p.step(reply(message_kind::heartbeat_reply, 3, 1));
  }
  REQUIRE(state_of(p, 3) == progress_state::snapshot);
  REQUIRE(p.snapshots.size() == 1);
  p.step(accepted(3, 1, 0));
  p.step(accepted(3, 1, 2));
  CHECK(state_of(p, 3) == progress_state::snapshot);
  CHECK(p.snapshots.size() == 1);
  p.step(accepted(3, 1, 4));  // the snapshot, or one like it, has arrived
  CHECK(state_of(p, 3) == progress_state::replicating);
}

TEST_CASE("after a snapshot that was sent the appends go on behind it, and back if it is not there", "[raft][snapshot]") {
  auto p = leader_that_needs_a_snapshot();
  for (int i = 0; i < 3; ++i) {
    p.tick(2);
    p.step(reply(message_kind::heartbeat_reply, 3, 1));
  }
  p.sent();
  p.core().snapshot_sent(peer_id{3}, log_index{6});
  p.pump();
  REQUIRE(p.propose("x"));
  p.tick(2);
  p.step(reply(message_kind::heartbeat_reply, 3, 1));
  auto appends = p.sent(message_kind::append);
  std::erase_if(appends, [](auto const& m) { return m.to != peer_id{3}; });
  REQUIRE(!appends.empty());
  CHECK(appends.back().index == log_index{6});
  auto no = reply(message_kind::append_reply, 3, 1, true);
  no.index = log_index{6};
  p.step(no);
  p.step(no);
  no.index = log_index{4};
  p.step(no);
  CHECK(p.snapshots.size() == 2);
}

TEST_CASE("a snapshot that failed is asked for again when the follower is heard of", "[raft][snapshot]") {
  auto p = leader_that_needs_a_snapshot();
  for (int i = 0; i < 3; ++i) {
    p.tick(2);
    p.step(reply(message_kind::heartbeat_reply, 3, 1));
  }
  REQUIRE(p.snapshots.size() == 1);
  p.core().snapshot_failed(peer_id{3});
  p.pump();
  REQUIRE(p.propose("x"));
  CHECK(p.snapshots.size() == 1);
  p.step(reply(message_kind::heartbeat_reply, 3, 1));
  CHECK(p.snapshots.size() == 2);
}

TEST_CASE("an answer of the log that the compaction has overtaken is not sent", "[raft][snapshot]") {
  auto o = options_of(1);
  o.window_entries_max = 64;
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), o);
  make_leader(p);
  p.step(accepted(2, 1, 1));
  for (std::uint64_t i = 2; i <= 40; ++i) {
    REQUIRE(p.propose("x"));
    p.step(accepted(2, 1, i));
  }
  p.fetch_works = false;
  p.sent();
  auto no = reply(message_kind::append_reply, 3, 1, true);
  no.index = log_index{0};
  p.step(no);
  p.step(accepted(3, 1, 0));
  REQUIRE(p.fetches.size() == 1);
  auto const asked = p.fetches.front();
  auto const read_before = p.on_disk.read(asked);
  REQUIRE(read_before.front().index == log_index{1});
  p.compact(30);
  p.sent();
  p.core().fetched({asked, read_before});
  p.pump();
  for (auto const& m : p.sent(message_kind::append)) CHECK(m.to != peer_id{3});
  CHECK(p.snapshots.size() == 1);
}

TEST_CASE("a snapshot that goes beyond the commit and is not in the log is wanted", "[raft][snapshot]") {
  auto p = follower();
  CHECK(p.core().offered(peer_id{2}, term{3}, at(9, 3)) == snapshot_verdict::wanted);
  CHECK(p.core().offered(peer_id{2}, term{3}, at(3, 3)) == snapshot_verdict::wanted);  // (3,2) is another entry
  CHECK(p.see().commit == log_index{2});
}

TEST_CASE("a snapshot of what is committed is answered with the commit", "[raft][snapshot]") {
  auto p = follower();
  CHECK(p.core().offered(peer_id{2}, term{3}, at(1, 1)) == snapshot_verdict::held);
  p.pump();
  auto const said = p.only(message_kind::append_reply);
  CHECK_FALSE(said.refused);
  CHECK(said.index == log_index{2});
  CHECK(said.commit == log_index{2});
}

TEST_CASE("a snapshot whose last entry the log holds commits it, and the entries behind it stay", "[raft][snapshot]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 1}));
  p.step(append(2, 1, at(1, 1), {}, 1));
  p.sent();
  CHECK(p.core().offered(peer_id{2}, term{1}, at(2, 1)) == snapshot_verdict::held);
  p.pump();
  CHECK(p.see().commit == log_index{2});
  CHECK(p.see().last == log_index{3});
  CHECK(p.handed == log_index{2});
  CHECK(p.only(message_kind::append_reply).index == log_index{2});
}

TEST_CASE("an offer of a higher term is followed, one of a lower term is told so", "[raft][snapshot]") {
  auto p = follower();
  CHECK(p.core().offered(peer_id{3}, term{2}, at(9, 2)) == snapshot_verdict::ignored);
  p.pump();
  auto const no = p.only(message_kind::append_reply);
  CHECK(no.refused);
  CHECK(no.term == term{3});
  CHECK(no.to == peer_id{3});
  CHECK(p.core().offered(peer_id{3}, term{5}, at(9, 4)) == snapshot_verdict::wanted);
  CHECK(p.see().term == term{5});
  CHECK(p.see().leader == peer_id{3});
  CHECK(p.core().offered(peer_id{3}, term{5}, at(9, 6)) == snapshot_verdict::ignored);  // no leader holds a later term
}

TEST_CASE("an offer keeps a follower from campaigning, as any word of its leader", "[raft][snapshot]") {
  auto p = follower();
  for (int i = 0; i < 60; ++i) {
    p.tick(5);
    p.core().offered(peer_id{2}, term{3}, at(9, 3));
    p.pump();
  }
  CHECK(p.see().role == role::follower);
  CHECK(p.see().leader == peer_id{2});
}

TEST_CASE("during an install appends are dropped unanswered, no campaign begins, and votes are given", "[raft][snapshot]") {
  auto p = follower();
  REQUIRE(p.core().offered(peer_id{2}, term{3}, at(9, 3)) == snapshot_verdict::wanted);
  p.begin_install(meta(9, 3));
  CHECK(p.see().installing);
  p.step(append(2, 3, at(3, 2), {entry(4, 3)}, 4));
  CHECK(p.sent(message_kind::append_reply).empty());
  CHECK(p.see().last == log_index{3});
  CHECK(p.see().commit == log_index{2});
  auto beat = mail(message_kind::heartbeat, 2, 3);
  beat.round = 4;
  beat.commit = log_index{3};
  p.step(beat);
  CHECK(p.only(message_kind::heartbeat_reply).round == 4);
  CHECK(p.see().commit == log_index{2});
  CHECK(p.core().offered(peer_id{2}, term{3}, at(12, 3)) == snapshot_verdict::ignored);
  p.step(mail(message_kind::timeout_now, 2, 3));
  CHECK(p.see().role == role::follower);
  p.tick(100);
  CHECK(p.see().role == role::follower);
  CHECK(p.sent().empty());
  p.step(vote_request(3, 4, at(3, 2)));
  CHECK_FALSE(p.only(message_kind::vote_reply).refused);
}

TEST_CASE("nothing is handed out during an install", "[raft][snapshot]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 2}));
  p.machine_works = false;
  p.disk_works = false;
  p.step(append(2, 3, at(3, 2), {entry(4, 3)}, 4));
  REQUIRE(p.handed == log_index{3});
  REQUIRE(p.core().offered(peer_id{2}, term{3}, at(9, 3)) == snapshot_verdict::wanted);
  p.begin_install(meta(9, 3));
  p.persist_all();
  CHECK(p.handed == log_index{3});
}

TEST_CASE("after the install the peer begins behind it and tells the leader", "[raft][snapshot]") {
  auto p = follower();
  REQUIRE(p.core().offered(peer_id{2}, term{3}, at(9, 3)) == snapshot_verdict::wanted);
  auto const in = meta(9, 3, group({1, 2}, {3}, {}, 4));
  p.begin_install(in);
  p.end_install(in);
  auto const s = p.see();
  CHECK_FALSE(s.installing);
  CHECK(s.first == log_index{10});
  CHECK(s.last == log_index{9});
  CHECK(s.durable == log_index{9});
  CHECK(s.commit == log_index{9});
  CHECK(s.applied == log_index{9});
  CHECK(s.configuration == group({1, 2}, {3}, {}, 4));
  CHECK(p.only(message_kind::append_reply).index == log_index{9});
  p.step(append(2, 3, at(9, 3), {entry(10, 3)}, 10));
  CHECK(p.only(message_kind::append_reply).index == log_index{10});
  CHECK(p.handed == log_index{10});
  auto request = vote_request(3, 9, at(9, 3));
  request.forced = true;
  p.step(request);
  CHECK(p.only(message_kind::vote_reply).refused);  // its log ends at (10,3)
}

TEST_CASE("a write that was under way before the install stands for no entry of the new log", "[raft][snapshot][disk]") {
  auto p = follower();
  p.disk_works = false;
  p.step(append(2, 3, at(2, 1), entries(3, {3, 3, 3, 3, 3, 3, 3, 3, 3, 3}), 2));  // 3 to 12
  REQUIRE(p.see().last == log_index{12});
  auto& core = p.core();
  REQUIRE(core.offered(peer_id{2}, term{4}, at(9, 4)) == snapshot_verdict::wanted);
  core.installing(meta(9, 4));
  auto const open = p.writing.back().number;
  core.installed(meta(9, 4));
  core.step(append(2, 4, at(9, 4), entries(10, {4, 4, 4}), 9));
  core.persisted(open);
  CHECK(core.status().durable == log_index{9});
}

TEST_CASE("what was on its way to the machine does not hold up what follows an install", "[raft][snapshot]") {
  auto o = options_of(1);
  o.apply_bytes_max = 200;
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}), o);
  p.machine_works = false;
  p.step(append(2, 1, at(1, 1), entries(2, {1, 1, 1, 1, 1}), 6));
  REQUIRE(p.handed < log_index{6});
  REQUIRE(p.core().offered(peer_id{2}, term{1}, at(20, 1)) == snapshot_verdict::wanted);
  p.begin_install(meta(20, 1));
  p.end_install(meta(20, 1));
  p.machine_works = true;
  p.step(append(2, 1, at(20, 1), entries(21, {1, 1, 1}), 23));
  CHECK(p.handed == log_index{23});
}

TEST_CASE("an install that ends in a later term is told to the leader of that term", "[raft][snapshot]") {
  auto p = follower();
  REQUIRE(p.core().offered(peer_id{2}, term{3}, at(9, 3)) == snapshot_verdict::wanted);
  p.begin_install(meta(9, 3));
  p.step(append(3, 5, at(9, 3), {}, 9));
  p.sent();
  p.end_install(meta(9, 3));
  auto const said = p.only(message_kind::append_reply);
  CHECK(said.to == peer_id{3});
  CHECK(said.term == term{5});
  CHECK(said.index == log_index{9});
}

TEST_CASE("a read that waits at a follower is answered after an install", "[raft][snapshot]") {
  with_compacted_leader c;
  c[3].core().read_index(read_id{5});
  c.heal();
  c.tick(4);
  c.serve_snapshots();
  c.tick(8);
  REQUIRE(c[3].granted.count(read_id{5}) == 1);
  CHECK(c[3].granted.at(read_id{5}) >= log_index{11});
  CHECK(c[3].see().applied >= c[3].granted.at(read_id{5}));
}

TEST_CASE("a learner gets the log through a snapshot and is promoted", "[raft][snapshot][membership]") {
  with_compacted_leader c;
  c.heal();
  c.join(4);
  REQUIRE(c.change(1, group({1, 2, 3}, {4})));
  c[1].compact(c[1].see().applied.value);
  for (int i = 0; i < 4; ++i) {
    c.tick(3);
    c.serve_snapshots();
  }
  CHECK(c[4].see().configuration == group({1, 2, 3}, {4}, {}, 1));
  REQUIRE(c.change(1, group({1, 2, 3, 4})));
  CHECK(c[4].see().configuration == group({1, 2, 3, 4}, {}, {}, 2));
}

TEST_CASE("a transfer to a peer that needs a snapshot waits for it", "[raft][snapshot][transfer]") {
  with_compacted_leader c;
  c.heal();
  REQUIRE(c[1].core().transfer_to(peer_id{3}));
  c.tick(4);
  CHECK(c[1].leads());
  c.serve_snapshots();
  c.tick(2);
  CHECK(c[3].leads());
}
