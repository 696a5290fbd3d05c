#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {

raft::message beat_reply(std::uint64_t from, std::uint64_t of_term, std::uint64_t round) {
  auto m = mail(message_kind::heartbeat_reply, from, of_term);
  m.round = round;
  return m;
}

void ask(peer& p, std::uint64_t read) {
  p.core().read_index(read_id{read});
  p.pump();
}

std::uint64_t round_of(std::vector<raft::message> const& sent) {
  std::uint64_t out = 0;
  for (auto const& m : sent)
    if (m.kind == message_kind::heartbeat) out = std::max(out, m.round);
  return out;
}

// Leads {1,2,3} in term 1 with its first entry committed; all its rounds so far are answered.
peer leader() {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.step(accepted(2, 1, 1));
  p.step(beat_reply(2, 1, round_of(p.sent())));
  p.sent();
  return p;
}

// Follows peer 2 in term 1.
peer follower() {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  p.step(append(2, 1, at(2, 1), {}, 2));
  p.sent();
  return p;
}

raft::message answer(std::uint64_t from, read_id read, std::uint64_t index, std::uint64_t of_term = 1) {
  auto m = mail(message_kind::read_reply, from, of_term);
  m.read = read;
  m.index = log_index{index};
  return m;
}

}  // namespace

TEST_CASE("a read at the leader is granted by a round that begins after it, at the commit it found", "[raft][reads]") {
  auto p = leader();
  ask(p, 7);
  auto const round = round_of(p.sent());
  REQUIRE(round > 0);
  CHECK(p.granted.empty());
  p.step(beat_reply(2, 1, round));
  REQUIRE(p.granted.count(read_id{7}) == 1);
  CHECK(p.granted[read_id{7}] == log_index{1});
}

TEST_CASE("an answer to an older round does not confirm a read", "[raft][reads]") {
  auto p = leader();
  p.tick(2);
  auto const before = round_of(p.sent());
  ask(p, 7);  // a round is open already: it began before the read
  p.step(beat_reply(2, 1, before));
  CHECK(p.granted.empty());
  auto const own = round_of(p.sent());
  CHECK(own > before);
  p.step(beat_reply(3, 1, before));
  CHECK(p.granted.empty());
  p.step(beat_reply(3, 1, own));
  CHECK(p.granted.size() == 1);
}

TEST_CASE("one round serves all reads that arrived before it", "[raft][reads]") {
  auto p = leader();
  for (std::uint64_t i = 1; i <= 5; ++i) p.core().read_index(read_id{i});
  p.pump();
  auto const sent = p.sent(message_kind::heartbeat);
  CHECK(sent.size() == 2);
  p.step(beat_reply(3, 1, round_of(sent)));
  CHECK(p.granted.size() == 5);
}

TEST_CASE("a round that was lost is replaced by the next heartbeat", "[raft][reads]") {
  auto p = leader();
  ask(p, 7);
  p.sent();
  p.tick(2);
  p.step(beat_reply(2, 1, round_of(p.sent())));
  CHECK(p.granted.size() == 1);
}

TEST_CASE("answers of the same peer twice are no quorum", "[raft][reads]") {
  auto p = lonely(disk_of(voters({1, 2, 3, 4, 5}), {}));
  for (int i = 0; i < 100 && p.see().role != role::pre_candidate; ++i) p.tick();
  for (auto const from : {2U, 3U}) p.step(reply(message_kind::pre_vote_reply, from, 1));
  for (auto const from : {2U, 3U}) p.step(reply(message_kind::vote_reply, from, 1));
  p.step(accepted(2, 1, 1));
  p.step(accepted(3, 1, 1));
  for (auto const from : {2U, 3U}) p.step(beat_reply(from, 1, round_of(p.out)));
  p.sent();
  ask(p, 7);
  auto const round = round_of(p.sent());
  p.step(beat_reply(2, 1, round));
  p.step(beat_reply(2, 1, round));
  CHECK(p.granted.empty());
  p.step(beat_reply(4, 1, round));
  CHECK(p.granted.size() == 1);
}

TEST_CASE("before the first commit of its term a leader grants no read", "[raft][reads]") {
  // It does not know yet how far its predecessor had committed.
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 1}));
  make_leader(p);
  auto const now = p.see().term.value;
  ask(p, 7);
  p.step(beat_reply(2, now, round_of(p.sent())));
  p.tick(2);
  p.step(beat_reply(2, now, round_of(p.sent())));
  CHECK(p.granted.empty());
  p.step(accepted(2, now, 4));
  CHECK(p.granted.empty());  // a round that began before the index was taken does not count
  p.tick(2);
  p.step(beat_reply(2, now, round_of(p.sent())));
  REQUIRE(p.granted.size() == 1);
  CHECK(p.granted[read_id{7}] == log_index{4});
}

TEST_CASE("reads of a leader that steps down are refused once, those that wait for the term too", "[raft][reads]") {
  auto p = leader();
  ask(p, 7);
  p.step(mail(message_kind::heartbeat, 3, 2));
  REQUIRE(p.refused.size() == 1);
  CHECK(p.refused[read_id{7}].outcome == tinykv::outcome::rejected);
  CHECK(p.refused[read_id{7}].code == tinykv::error_code::leadership_lost);

  auto fresh = lonely(disk_of(voters({1, 2, 3}), {1}));
  make_leader(fresh);
  ask(fresh, 8);
  fresh.core().abdicate();
  fresh.pump();
  CHECK(fresh.refused.size() == 1);
}

TEST_CASE("a single voter grants a read at once", "[raft][reads]") {
  auto p = lonely(disk_of(voters({1}), {}));
  p.tick(40);
  REQUIRE(p.leads());
  ask(p, 7);
  CHECK(p.granted[read_id{7}] == p.see().commit);
}

TEST_CASE("a read may name an index that only the others hold durably", "[raft][reads][disk]") {
  auto p = leader();
  p.disk_works = false;
  REQUIRE(p.propose("x"));
  p.step(accepted(2, 1, 2));
  p.step(accepted(3, 1, 2));
  ask(p, 7);
  p.step(beat_reply(2, 1, round_of(p.sent())));
  REQUIRE(p.granted.size() == 1);
  CHECK(p.granted[read_id{7}] == log_index{2});
  CHECK(p.handed == log_index{1});  // so that the read waits for the disk
}

TEST_CASE("more reads than the bound are refused as busy", "[raft][reads][bounds]") {
  auto o = options_of(1);
  o.pending_reads_max = 3;
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), o);
  for (std::uint64_t i = 1; i <= 4; ++i) ask(p, i);
  REQUIRE(p.refused.size() == 1);
  CHECK(p.refused[read_id{4}].code == tinykv::error_code::busy);

  auto l = lonely(disk_of(voters({1, 2, 3}), {}), o);
  make_leader(l);
  for (std::uint64_t i = 1; i <= 4; ++i) ask(l, i);
  CHECK(l.refused.size() == 1);
  l.sent();
  auto m = mail(message_kind::read_request, 2, 1);
  m.read = read_id{99};
  l.step(m);
  auto const no = l.only(message_kind::read_reply);
  CHECK(no.refused);
  CHECK(no.read == read_id{99});
}

// --- at a follower ---

TEST_CASE("a follower asks its leader and grants what it answers", "[raft][reads][follower]") {
  auto p = follower();
  ask(p, 7);
  auto const asked = p.only(message_kind::read_request);
  CHECK(asked.to == peer_id{2});
  p.step(answer(2, asked.read, 5));
  CHECK(p.granted[read_id{7}] == log_index{5});
}

TEST_CASE("the leader answers a follower with its commit, after a round that began later", "[raft][reads][follower]") {
  auto p = leader();
  p.tick(2);
  auto const before = round_of(p.sent());
  auto m = mail(message_kind::read_request, 3, 1);
  m.read = read_id{42};
  p.step(m);
  p.step(beat_reply(2, 1, before));
  CHECK(p.out.size() > 0);
  auto const round = round_of(p.out);
  CHECK(p.sent(message_kind::read_reply).empty());
  p.step(beat_reply(2, 1, round));
  auto const got = p.only(message_kind::read_reply);
  CHECK(got.to == peer_id{3});
  CHECK(got.read == read_id{42});
  CHECK(got.index == log_index{1});
  CHECK_FALSE(got.refused);
}

TEST_CASE("a leader without a commit of its term keeps a follower's read waiting", "[raft][reads][follower]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  make_leader(p);
  auto m = mail(message_kind::read_request, 3, 2);
  m.read = read_id{42};
  p.step(m);
  p.step(beat_reply(2, 2, round_of(p.sent())));
  p.tick(2);
  p.step(beat_reply(2, 2, round_of(p.sent())));
  CHECK(p.sent(message_kind::read_reply).empty());
}

TEST_CASE("a read that arrived after the question was sent is not served by its answer", "[raft][reads][follower]") {
  auto p = follower();
  ask(p, 7);
  auto const first = p.only(message_kind::read_request);
  ask(p, 8);
  auto const second = p.only(message_kind::read_request);
  CHECK(second.read > first.read);
  p.step(answer(2, first.read, 5));
  CHECK(p.granted.count(read_id{7}) == 1);
  CHECK(p.granted.count(read_id{8}) == 0);
  p.step(answer(2, second.read, 6));
  CHECK(p.granted[read_id{8}] == log_index{6});
}

TEST_CASE("a question that is not answered is asked again", "[raft][reads][follower]") {
  auto p = follower();
  ask(p, 7);
  auto const first = p.only(message_kind::read_request);
  p.core().tick();
  p.core().tick();
  p.pump();
  auto const again = p.only(message_kind::read_request);
  CHECK(again.read > first.read);
  p.step(answer(2, again.read, 9));
  CHECK(p.granted[read_id{7}] == log_index{9});
}

TEST_CASE("an answer of an earlier leader or to another start of this peer is not taken", "[raft][reads][follower]") {
  auto p = follower();
  ask(p, 7);
  auto const first = p.only(message_kind::read_request);
  p.step(answer(3, first.read, 5));                    // not the leader
  p.step(answer(2, first.read + 1, 5));                // never asked
  p.step(answer(2, read_id{~std::uint64_t{0}}, 5));
  CHECK(p.granted.empty());
  p.step(append(3, 2, at(2, 1), {}));                  // a new leader: everything is asked again
  p.step(answer(2, first.read, 5, 1));
  p.step(answer(3, first.read, 5, 2));
  CHECK(p.granted.empty());
  auto const second = p.only(message_kind::read_request);
  CHECK(second.to == peer_id{3});
  p.step(answer(3, second.read, 6, 2));
  CHECK(p.granted[read_id{7}] == log_index{6});
}

TEST_CASE("two starts of a peer ask with different numbers", "[raft][reads][follower]") {
  auto const asked = [](std::uint64_t seed) {
    auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}), options_of(1, seed));
    p.step(append(2, 1, at(2, 1), {}, 2));
    p.sent();
    ask(p, 1);
    return p.only(message_kind::read_request).read.value;
  };
  auto const a = asked(1);
  auto const b = asked(2);
  CHECK((a > b ? a - b : b - a) > 1000000);
}

TEST_CASE("reads that find no leader wait for one, and not for ever", "[raft][reads][follower]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  ask(p, 7);
  CHECK(p.sent().empty());
  p.step(mail(message_kind::heartbeat, 2, 1));
  CHECK(p.sent(message_kind::read_request).size() == 1);
  ask(p, 8);
  for (int i = 0; i < 60; ++i) p.step(mail(message_kind::heartbeat, 2, 1)), p.tick();
  CHECK(p.refused.count(read_id{7}) == 1);
  CHECK(p.refused.count(read_id{8}) == 1);
  CHECK(p.refused[read_id{7}].code == tinykv::error_code::not_leader);
  CHECK(p.refused[read_id{7}].hint == 2);
}

TEST_CASE("reads that waited for a leader are served when this peer becomes it", "[raft][reads][follower]") {
  cluster c{1, 2, 3};
  ask(c[1], 7);
  c.elect(1);
  c.tick(3);
  REQUIRE(c[1].granted.count(read_id{7}) == 1);
  CHECK(c[1].granted[read_id{7}] >= log_index{1});
}

TEST_CASE("a deposed leader that does not know it yet grants nothing", "[raft][reads]") {
  cluster c{1, 2, 3};
  c.elect(1);
  c.cut_off(1);
  ask(c[1], 7);
  for (int i = 0; i < 100 && !c[2].leads() && !c[3].leads(); ++i) {
    c[2].tick();
    c[3].tick();
    c.deliver();
  }
  REQUIRE((c[2].leads() || c[3].leads()));
  c[1].tick(5);
  c.heal();
  c.tick(5);
  CHECK(c[1].granted.empty());
  CHECK(c[1].refused.count(read_id{7}) == 1);
}
