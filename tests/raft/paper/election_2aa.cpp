#include "network.hpp"

#include <set>

using namespace paper;

TEST_CASE("TestFollowerUpdateTermFromMessage2AA: an append of a higher term makes a follower of that term", "[raft][paper][5.1]") {
  auto p = node(3);
  p.step(append(2, 2, at(0, 0), {}));
  CHECK(p.see().role == role::follower);
  CHECK(p.see().term == term{2});
}

TEST_CASE("TestCandidateUpdateTermFromMessage2AA: an append of a higher term makes a candidate a follower", "[raft][paper][5.1]") {
  auto p = node(3);
  hup(p);
  REQUIRE(p.see().role == role::candidate);
  p.step(append(2, 2, at(0, 0), {}));
  CHECK(p.see().role == role::follower);
  CHECK(p.see().term == term{2});
}

TEST_CASE("TestLeaderUpdateTermFromMessage2AA: an append of a higher term makes a leader a follower", "[raft][paper][5.1]") {
  auto p = leader(3);
  p.step(append(2, 2, at(0, 0), {}));
  CHECK(p.see().role == role::follower);
  CHECK(p.see().term == term{2});
}

TEST_CASE("TestStartAsFollower2AA: a peer starts as a follower", "[raft][paper][5.2]") { CHECK(node(3).see().role == role::follower); }

// Our heartbeats carry a commit, bounded by the receiver's match, and the number of a round.
TEST_CASE("TestLeaderBcastBeat2AA: a leader sends a heartbeat to each other member every heartbeat period", "[raft][paper][5.2][departure]") {
  auto p = leader(3);
  p.tick();
  CHECK(p.sent(message_kind::heartbeat).empty());
  p.tick();
  auto const sent = p.sent(message_kind::heartbeat);
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].to == peer_id{2});
  CHECK(sent[1].to == peer_id{3});
  for (auto const& m : sent) {
    CHECK(m.from == peer_id{1});
    CHECK(m.term == term{1});
    CHECK(m.index == log_index{});
    CHECK(m.entries.empty());
    CHECK(m.commit <= p.see().commit);
  }
}

namespace {

// Within 2 * timeout - 1 ticks exactly one campaign, in the term after `p`'s.
void campaigns_once(peer& p) {
  auto const next = p.see().term + 1;
  p.sent();
  std::vector<raft::message> asked;
  for (std::uint32_t i = 1; i < 2 * 10 && asked.empty(); ++i) {
    p.tick();
    asked = p.sent(message_kind::vote_request);
  }
  CHECK(p.see().role == role::candidate);
  CHECK(p.see().term == next);
  CHECK(p.see().vote == peer_id{1});
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].to == peer_id{2});
  CHECK(asked[1].to == peer_id{3});
  CHECK(asked[0].term == next);
}

}  // namespace

TEST_CASE("TestFollowerStartElection2AA: a follower that hears nothing campaigns in the next term", "[raft][paper][5.2]") {
  auto p = node(3, {}, {term{1}, {}, {}});
  campaigns_once(p);
}

TEST_CASE("TestCandidateStartNewElection2AA: a candidate that is not elected campaigns again in the next term", "[raft][paper][5.2]") {
  auto p = node(3);
  hup(p);
  campaigns_once(p);
  CHECK(p.see().term == term{2});
}

TEST_CASE("TestLeaderElectionInOneRoundRPC2AA: a majority elects, less does not", "[raft][paper][5.2]") {
  struct row {
    std::uint64_t size;
    std::vector<std::pair<std::uint64_t, bool>> votes;
    role expected;
  };
  std::vector<row> const rows{
      {1, {}, role::leader},
      {3, {{2, true}, {3, true}}, role::leader},
      {3, {{2, true}}, role::leader},
      {5, {{2, true}, {3, true}, {4, true}, {5, true}}, role::leader},
      {5, {{2, true}, {3, true}, {4, true}}, role::leader},
      {5, {{2, true}, {3, true}}, role::leader},
      {3, {{2, false}, {3, false}}, role::follower},
      {5, {{2, false}, {3, false}, {4, false}, {5, false}}, role::follower},
      {5, {{2, true}, {3, false}, {4, false}, {5, false}}, role::follower},
      {3, {}, role::candidate},
      {5, {{2, true}}, role::candidate},
      {5, {{2, false}, {3, false}}, role::candidate},
      {5, {}, role::candidate},
  };
  for (auto const& r : rows) {
    auto p = node(r.size);
    hup(p);
    for (auto const& [from, yes] : r.votes) p.step(reply(message_kind::vote_reply, from, 1, !yes));
    CHECK(p.see().role == r.expected);
    CHECK(p.see().term == term{1});
  }
}

TEST_CASE("TestFollowerVote2AA: one vote in a term, first come first served", "[raft][paper][5.2]") {
  struct row {
    std::uint64_t vote;
    std::uint64_t asks;
    bool refused;
  };
  for (auto const& r : std::initializer_list<row>{{0, 2, false}, {0, 3, false}, {2, 2, false}, {3, 3, false}, {2, 3, true}, {3, 2, true}}) {
    auto p = node(3, {}, {term{1}, peer_id{r.vote}, {}});
    p.step(vote_request(r.asks, 1, at(0, 0)));
    CHECK(p.only(message_kind::vote_reply).refused == r.refused);
  }
}

TEST_CASE("TestCandidateFallback2AA: an append of the same or a higher term makes a candidate a follower", "[raft][paper][5.2]") {
  for (auto const t : {1U, 2U}) {
    auto p = node(3);
    hup(p);
    p.step(append(2, t, at(0, 0), {}));
    CHECK(p.see().role == role::follower);
    CHECK(p.see().term == term{t});
    CHECK(p.see().leader == peer_id{2});
  }
}

namespace {

// Ticks until `p` campaigns, once more if it does so already.
std::uint32_t timeout_of(peer& p) {
  auto const before = p.see().term;
  std::uint32_t ticks = 0;
  for (; p.see().term == before && ticks < 100; ++ticks) p.tick();
  return ticks;
}

// Our timeouts are drawn from [n, 2n): n itself occurs too.
void every_timeout_occurs(bool as_candidate) {
  std::set<std::uint32_t> seen;
  for (std::uint64_t round = 1; round <= 500; ++round) {
    auto p = node(3, {}, {}, round);
    if (as_candidate) hup(p);
    seen.insert(timeout_of(p));
  }
  for (std::uint32_t t = 11; t < 20; ++t) CHECK(seen.count(t) == 1);
  CHECK(*seen.begin() >= 10);
  CHECK(*seen.rbegin() < 20);
}

void timeouts_rarely_meet(bool as_candidates) {
  auto conflicts = 0;
  for (std::uint64_t round = 1; round <= 1000; ++round) {
    std::multiset<std::uint32_t> seen;
    for (std::uint64_t id = 1; id <= 5; ++id) {
      auto p = node(5, {}, {}, 5 * round + id);
      if (as_candidates) hup(p);
      seen.insert(timeout_of(p));
    }
    conflicts += seen.count(*seen.begin()) > 1 ? 1 : 0;
  }
  CHECK(conflicts <= 300);
}

}  // namespace

TEST_CASE("TestFollowerElectionTimeoutRandomized2AA: every timeout between base and twice base occurs", "[raft][paper][5.2][departure]") {
  every_timeout_occurs(false);
}

TEST_CASE("TestCandidateElectionTimeoutRandomized2AA: every timeout of a candidate occurs", "[raft][paper][5.2][departure]") {
  every_timeout_occurs(true);
}

TEST_CASE("TestFollowersElectionTimeoutNonconflict2AA: two of five followers seldom time out together", "[raft][paper][5.2]") {
  timeouts_rarely_meet(false);
}

TEST_CASE("TestCandidatesElectionTimeoutNonconflict2AA: two of five candidates seldom time out together", "[raft][paper][5.2]") {
  timeouts_rarely_meet(true);
}

TEST_CASE("TestLeaderElection2AA: a majority of living peers elects, less does not", "[raft][paper][5.2]") {
  struct row {
    std::uint64_t size;
    std::set<std::uint64_t> dead;
    role expected;
  };
  for (auto const& r : std::initializer_list<row>{{3, {}, role::leader},
                                                  {3, {2}, role::leader},
                                                  {3, {2, 3}, role::candidate},
                                                  {4, {2, 3}, role::candidate},
                                                  {5, {2, 3}, role::leader}}) {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t id = 1; id <= r.size; ++id) ids.push_back(id);
    cluster c(ids, plain);
    c.blocked = [&](auto const& m) { return r.dead.count(m.from.value) + r.dead.count(m.to.value) != 0; };
    hup(c, 1);
    CHECK(c[1].see().role == r.expected);
    CHECK(c[1].see().term == term{1});
  }
}

TEST_CASE("TestLeaderCycle2AA: each peer in turn campaigns and wins", "[raft][paper][5.2]") {
  cluster c({1, 2, 3}, plain);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    hup(c, id);
    for (std::uint64_t other = 1; other <= 3; ++other) CHECK(c[other].leads() == (other == id));
  }
}

TEST_CASE("TestVoteFromAnyState2AA: any role grants a higher term with a newer log", "[raft][paper][5.1][5.4.1]") {
  for (auto const now : {role::follower, role::candidate, role::leader}) {
    auto p = node(3);
    if (now != role::follower) hup(p);
    if (now == role::leader) p.step(reply(message_kind::vote_reply, 2, 1));
    REQUIRE(p.see().role == now);
    auto const next = p.see().term.value + 1;
    p.sent();
    p.step(vote_request(2, next, at(9, next)));
    CHECK_FALSE(p.only(message_kind::vote_reply).refused);
    CHECK(p.see().role == role::follower);
    CHECK(p.see().term == term{next});
    CHECK(p.see().vote == peer_id{2});
  }
}

// Not in the call itself: once its vote is durable (SAFETY.md §1).
TEST_CASE("TestSingleNodeCandidate2AA: a group of one elects itself", "[raft][paper][5.2][departure]") {
  auto p = node(1);
  hup(p);
  CHECK(p.leads());
}

TEST_CASE("TestCampaignWhileLeader2AA: a leader that is told to campaign changes nothing", "[raft][paper][5.2]") {
  auto p = node(1);
  hup(p);
  hup(p);
  CHECK(p.leads());
  CHECK(p.see().term == term{1});
}

namespace {

void candidate_resets(message_kind kind) {
  cluster c({1, 2, 3}, plain);
  hup(c, 1);
  c.cut_off(3);
  hup(c, 3);
  REQUIRE(c[3].see().role == role::candidate);
  hup(c[1]);
  auto const t = c[1].see().term.value;
  auto m = kind == message_kind::append ? append(1, t + 1, at(0, 0), {}) : mail(kind, 1, t + 1);
  m.to = peer_id{3};
  c[3].step(m);
  CHECK(c[3].see().role == role::follower);
  CHECK(c[3].see().term == term{t + 1});
  CHECK(c[3].see().leader == peer_id{1});
}

}  // namespace

TEST_CASE("TestCandidateResetTermMessageType_MsgHeartbeat2AA: a heartbeat makes an isolated candidate follow", "[raft][paper][5.2]") {
  candidate_resets(message_kind::heartbeat);
}

TEST_CASE("TestCandidateResetTermMessageType_MsgAppend2AA: an append makes an isolated candidate follow", "[raft][paper][5.2]") {
  candidate_resets(message_kind::append);
}

TEST_CASE("TestDisruptiveFollower2AA: a follower of a higher term deposes the leader by its answer", "[raft][paper][5.1]") {
  cluster c({1, 2, 3}, plain);
  hup(c, 1);
  hup(c[3]);
  c[3].sent();  // its requests are lost
  REQUIRE(c[3].see().term == term{2});
  auto beat = mail(message_kind::heartbeat, 1, 1, 3);
  c[3].step(beat);
  c.deliver();
  CHECK(c[1].see().role == role::follower);
  CHECK(c[1].see().term == term{2});
}

// Our leader beats by itself when its period is over; there is no message that asks for it.
TEST_CASE("TestRecvMessageType_MsgBeat2AA: a leader beats to two others, nobody else does", "[raft][paper][5.2][departure]") {
  auto p = leader(3);
  p.tick(2);
  CHECK(p.sent(message_kind::heartbeat).size() == 2);
  auto f = node(3);
  f.tick(2);
  CHECK(f.sent().empty());
  auto c = node(3);
  hup(c);
  c.sent();
  c.tick(2);
  CHECK(c.sent().empty());
}

TEST_CASE("TestSplitVote2AA: after a tie the next campaign elects", "[raft][paper][5.2]") {
  cluster c({1, 2, 3}, plain);
  hup(c, 1);
  auto const t = c[1].see().term;
  c.cut_off(1);
  hup(c[2]);
  hup(c[3]);
  c.deliver();
  CHECK(c[2].see().role == role::candidate);
  CHECK(c[3].see().role == role::candidate);
  hup(c, 3);
  CHECK(c[3].leads());
  CHECK(c[3].see().term == t + 2);
}
