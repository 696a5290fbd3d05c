#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {

void until_campaign(peer& p) {
  for (int i = 0; i < 100 && p.see().role == role::follower; ++i) p.tick();
  REQUIRE(p.see().role != role::follower);
}

raft::options without_pre_vote(bool check_quorum = true) {
  auto o = options_of(1);
  o.pre_vote = false;
  o.check_quorum = check_quorum;
  return o;
}

}  // namespace

TEST_CASE("a pre-vote raises no term and writes nothing", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  until_campaign(p);
  CHECK(p.see().role == role::pre_candidate);
  CHECK(p.see().term == term{0});
  CHECK(p.see().vote == peer_id{0});
  CHECK(p.writes == 0);
  auto const asked = p.sent(message_kind::pre_vote_request);
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].term == term{1});
}

TEST_CASE("a pre-candidate with a quorum of grants campaigns in the next term", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 2}));
  until_campaign(p);
  p.sent();
  p.step(reply(message_kind::pre_vote_reply, 2, 3));
  CHECK(p.see().role == role::candidate);
  CHECK(p.see().term == term{3});
  CHECK(p.see().vote == peer_id{1});
  auto const asked = p.sent(message_kind::vote_request);
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].index == log_index{2});
  CHECK(asked[0].log_term == term{2});
}

TEST_CASE("a pre-vote granted for another term does not count", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 2}));
  until_campaign(p);
  for (auto const t : {2, 4, 99}) p.step(reply(message_kind::pre_vote_reply, 2, static_cast<std::uint64_t>(t)));
  CHECK(p.see().role == role::pre_candidate);
  CHECK(p.see().term == term{2});
}

TEST_CASE("grants of a pre-vote are no votes and votes are no grants", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  until_campaign(p);
  p.step(reply(message_kind::vote_reply, 2, 0));
  CHECK(p.see().role == role::pre_candidate);
  p.step(reply(message_kind::pre_vote_reply, 2, 1));
  REQUIRE(p.see().role == role::candidate);
  p.step(reply(message_kind::pre_vote_reply, 3, 1));
  CHECK(p.see().role == role::candidate);
}

TEST_CASE("a vote is counted once for each voter and never for others", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3, 4, 5}), {}), without_pre_vote());
  until_campaign(p);
  for (int i = 0; i < 3; ++i) p.step(reply(message_kind::vote_reply, 2, 1));
  p.step(reply(message_kind::vote_reply, 9, 1));
  CHECK(p.see().role == role::candidate);
  p.step(reply(message_kind::vote_reply, 3, 1));
  CHECK(p.leads());
}

TEST_CASE("a learner's grant is not counted and a learner does not campaign", "[raft][election]") {
  auto group = voters({1, 2, 3});
  group.voters.pop_back();
  group.learners.push_back({peer_id{3}, tinykv::store_id{3}});
  auto p = lonely(disk_of(group, {}), without_pre_vote());
  until_campaign(p);
  CHECK(p.sent(message_kind::vote_request).size() == 1);
  p.step(reply(message_kind::vote_reply, 3, 1));
  CHECK(p.see().role == role::candidate);

  auto learner = peer{options_of(3), disk_of(group, {})};
  learner.tick(200);
  CHECK(learner.see().role == role::follower);
  CHECK(learner.see().term == term{0});
  CHECK(learner.sent(message_kind::vote_request).empty());
}

TEST_CASE("a peer that may not campaign does not renew the lease of a leader that is silent", "[raft][election]") {
  auto o = options_of(1);
  o.election_priority = 0;
  for (std::uint32_t ticks = 20; ticks <= 60; ++ticks) {
    auto p = lonely(disk_of(voters({1, 2, 3}), {1}), o);
    p.step(append(2, 1, at(1, 1), {}));
    p.tick(ticks);
    p.sent();
    p.step(vote_request(3, 2, at(1, 1)));
    CHECK_FALSE(p.only(message_kind::vote_reply).refused);
  }
}

TEST_CASE("a joint configuration is won by both majorities only", "[raft][election]") {
  auto group = voters({1, 2, 3});
  group.outgoing = voters({4, 5, 6}).voters;
  auto p = lonely(disk_of(group, {}), without_pre_vote());
  until_campaign(p);
  for (auto const from : {2U, 3U, 4U}) p.step(reply(message_kind::vote_reply, from, 1));
  CHECK(p.see().role == role::candidate);
  p.step(reply(message_kind::vote_reply, 5, 1));
  CHECK(p.leads());
}

TEST_CASE("a candidate that a quorum refuses becomes a follower at once", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), without_pre_vote());
  until_campaign(p);
  p.step(reply(message_kind::vote_reply, 2, 1, true));
  CHECK(p.see().role == role::candidate);
  p.step(reply(message_kind::vote_reply, 3, 1, true));
  CHECK(p.see().role == role::follower);
}

TEST_CASE("requests for votes leave only when term, vote and log tail are durable", "[raft][election][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), without_pre_vote());
  p.disk_works = false;
  until_campaign(p);
  CHECK(p.sent().empty());
  CHECK(p.persist());
  CHECK(p.on_disk.state.term == term{1});
  CHECK(p.on_disk.state.vote == peer_id{1});
  CHECK(p.sent(message_kind::vote_request).size() == 2);
}

TEST_CASE("a request for votes waits for log entries that are still being written", "[raft][election][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.disk_works = false;
  p.step(append(2, 1, at(1, 1), entries(2, {1})));
  until_campaign(p);
  CHECK(p.sent(message_kind::pre_vote_request).empty());
  p.persist_all();
  CHECK(p.sent(message_kind::pre_vote_request).size() == 2);
}

TEST_CASE("the own vote is counted only once it is durable", "[raft][election][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3, 4, 5}), {}), without_pre_vote());
  p.disk_works = false;
  until_campaign(p);
  p.step(reply(message_kind::vote_reply, 2, 1));
  p.step(reply(message_kind::vote_reply, 3, 1));
  CHECK(p.see().role == role::candidate);
  p.persist_all();
  CHECK(p.leads());
}

TEST_CASE("nobody leads before its own vote is durable, whatever it is sent", "[raft][election][disk][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), without_pre_vote());
  p.disk_works = false;
  until_campaign(p);
  p.step(reply(message_kind::vote_reply, 2, 1));
  p.step(reply(message_kind::vote_reply, 3, 1));  // forged: nobody has been asked yet
  CHECK(p.see().role == role::candidate);
  p.persist_all();
  CHECK(p.leads());
}

TEST_CASE("a single voter leads only when its vote is durable", "[raft][election][disk]") {
  auto p = lonely(disk_of(voters({1}), {}));
  p.disk_works = false;
  until_campaign(p);
  CHECK(p.see().role == role::candidate);
  p.persist();
  CHECK(p.leads());
  CHECK(p.see().commit == log_index{0});
  p.persist();
  CHECK(p.see().commit == log_index{1});
}

TEST_CASE("a completion of an earlier term does not stand for the vote in a later one", "[raft][election][disk]") {
  auto p = lonely(disk_of(voters({1}), {}), without_pre_vote());
  p.disk_works = false;
  until_campaign(p);
  p.step(reply(message_kind::heartbeat_reply, 9, 2));  // the term moves on while its vote is being written
  until_campaign(p);
  REQUIRE(p.see().term == term{3});
  p.persist();
  CHECK_FALSE(p.leads());
  p.persist_all();
  CHECK(p.leads());
}

TEST_CASE("a candidate does not raise its term again while its own vote is being written", "[raft][election][disk]") {
  auto p = lonely(disk_of(voters({1}), {}), without_pre_vote());  // or a disk slower than the timeout would keep it from ever leading
  p.disk_works = false;
  until_campaign(p);
  p.tick(100);
  CHECK(p.see().term == term{1});
  p.persist_all();
  CHECK(p.leads());
}

TEST_CASE("a vote is given once in a term, also over a restart", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  p.step(vote_request(2, 5, at(0, 0)));
  CHECK_FALSE(p.only(message_kind::vote_reply).refused);
  p.step(vote_request(3, 5, at(9, 4)));
  CHECK(p.only(message_kind::vote_reply).refused);
  p.restart();
  CHECK(p.see().vote == peer_id{2});
  p.step(vote_request(3, 5, at(9, 4)));
  CHECK(p.only(message_kind::vote_reply).refused);
  p.step(vote_request(2, 5, at(0, 0)));  // asked again: the answer may have been lost
  CHECK_FALSE(p.only(message_kind::vote_reply).refused);
}

TEST_CASE("a grant leaves only when it is durable", "[raft][election][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  p.disk_works = false;
  p.step(vote_request(2, 5, at(0, 0)));
  CHECK(p.sent().empty());
  p.persist();
  CHECK(p.on_disk.state == raft::hard_state{term{5}, peer_id{2}, {}});
  CHECK_FALSE(p.only(message_kind::vote_reply).refused);
}

TEST_CASE("a vote goes only to a log that is at least as new", "[raft][election]") {
  auto const [index, of_term, granted] = GENERATE(table<std::uint64_t, std::uint64_t, bool>({
      {3, 3, true}, {2, 3, false}, {9, 2, false}, {1, 4, true}, {4, 3, true}, {0, 0, false}}));
  for (auto const kind : {message_kind::vote_request, message_kind::pre_vote_request}) {
    auto p = lonely(disk_of(voters({1, 2, 3}), {1, 2, 3}));
    p.step(vote_request(2, 7, at(index, of_term), kind));
    auto const sent = p.sent();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].refused == !granted);
  }
}

TEST_CASE("a refused vote raises the term but leaves the vote free", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 2, 3}));
  p.step(vote_request(2, 7, at(1, 1)));
  CHECK(p.see().term == term{7});
  CHECK(p.see().vote == peer_id{0});
  p.sent();
  p.step(vote_request(3, 7, at(3, 3)));
  CHECK_FALSE(p.only(message_kind::vote_reply).refused);
}

TEST_CASE("a peer that follows a leader in a term gives no vote in it", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), without_pre_vote(false));
  p.step(append(2, 4, at(0, 0), {}));
  p.sent();
  p.step(vote_request(3, 4, at(9, 3)));
  CHECK(p.only(message_kind::vote_reply).refused);
}

TEST_CASE("whoever hears a leader helps nobody to depose it", "[raft][election][lease]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  p.step(append(2, 1, at(0, 0), {}));
  p.sent();
  p.step(vote_request(3, 9, at(9, 8), message_kind::pre_vote_request));
  CHECK(p.only(message_kind::pre_vote_reply).refused);
  p.step(vote_request(3, 9, at(9, 8)));
  CHECK(p.sent().empty());
  CHECK(p.see().term == term{1});

  p.core().tick();  // the lease ends after a whole election timeout of silence, not before
  for (int i = 1; i < 9; ++i) p.core().tick();
  p.step(vote_request(3, 9, at(9, 8)));
  CHECK(p.see().term == term{1});
  p.core().tick();
  p.step(vote_request(3, 9, at(9, 8)));
  CHECK(p.see().term == term{9});
  CHECK(p.see().vote == peer_id{3});
}

TEST_CASE("a leader with check-quorum is not deposed by a request for votes", "[raft][election][lease]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.step(vote_request(3, 9, at(9, 8)));
  CHECK(p.leads());
}

TEST_CASE("without check-quorum a request of a later term is answered", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), without_pre_vote(false));
  p.step(append(2, 1, at(0, 0), {}));
  p.sent();
  p.step(vote_request(3, 9, at(9, 8)));
  CHECK(p.see().vote == peer_id{3});
}

TEST_CASE("a leader that hears no quorum steps down", "[raft][election][check-quorum]") {
  cluster c{1, 2, 3};
  c.elect(1);
  c.cut_off(1);
  c[1].tick(20);
  CHECK(c[1].see().role != role::leader);
}

TEST_CASE("a leader that hears a bare quorum goes on", "[raft][election][check-quorum]") {
  cluster c{1, 2, 3};
  c.elect(1);
  c.cut_off(3);
  for (int i = 0; i < 100; ++i) {
    c[1].tick();
    c[2].tick();
    c.deliver();
  }
  CHECK(c[1].leads());
}

TEST_CASE("a peer that comes back with a later term is heard although its requests are not", "[raft][election]") {
  // Without pre-vote a cut-off peer raises its term; its refusals of the leader's messages bring the group together again.
  cluster c{{1, 2, 3}, [](raft::options& o) { o.pre_vote = false; }};
  c.elect(1);
  c.cut_off(3);
  c[3].tick(100);
  auto const raised = c[3].see().term;
  REQUIRE(raised > c[1].see().term);
  c.heal();
  c.tick(100);
  auto const leaders = c[1].leads() + c[2].leads() + c[3].leads();
  CHECK(leaders == 1);
  CHECK(c[1].see().term >= raised);
  CHECK(c[1].see().term == c[3].see().term);
}

TEST_CASE("with pre-vote a peer that comes back disturbs nobody", "[raft][election]") {
  cluster c{1, 2, 3};
  c.elect(1);
  auto const before = c[1].see().term;
  c.cut_off(3);
  for (int i = 0; i < 100; ++i) {
    c[1].tick();
    c[2].tick();
    c[3].tick();
    c.deliver();
  }
  CHECK(c[3].see().term == before);
  c.heal();
  c.tick(50);
  CHECK(c[1].leads());
  CHECK(c[1].see().term == before);
}

TEST_CASE("an older term is answered with the later one, which deposes its leader over a one-way link", "[raft][election]") {
  for (auto const kind : {message_kind::append, message_kind::heartbeat, message_kind::vote_request, message_kind::pre_vote_request}) {
    auto p = lonely(disk_of(voters({1, 2, 3}), {1, 7}));
    p.step(mail(kind, 2, 3));
    auto const sent = p.sent();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].to == peer_id{2});
    CHECK(sent[0].term == term{7});
    CHECK(sent[0].refused);

    auto old = peer{options_of(2), disk_of(voters({1, 2, 3}), {1, 3})};
    old.step(sent[0]);
    CHECK(old.see().term == term{7});
    CHECK(old.see().role == role::follower);
  }
}

TEST_CASE("a refusal of an older term waits until the later one is durable", "[raft][election][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  p.disk_works = false;
  p.step(append(2, 9, at(0, 0), {}));
  p.step(append(3, 3, at(0, 0), {}));
  CHECK(p.sent().empty());
  p.persist_all();
  CHECK(p.sent().size() == 2);
}

TEST_CASE("answers of an older term change nothing and get no answer", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 7}));
  for (auto const kind : {message_kind::vote_reply, message_kind::pre_vote_reply, message_kind::append_reply,
                          message_kind::heartbeat_reply, message_kind::read_request, message_kind::read_reply})
    p.step(mail(kind, 2, 3));
  CHECK(p.sent().empty());
  CHECK(p.see().term == term{7});
}

TEST_CASE("a candidate follows whoever leads in its term", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), without_pre_vote());
  until_campaign(p);
  p.step(mail(message_kind::heartbeat, 2, 1));
  CHECK(p.see().role == role::follower);
  CHECK(p.see().leader == peer_id{2});
  p.step(reply(message_kind::vote_reply, 3, 1));
  CHECK(p.see().role == role::follower);
}

TEST_CASE("an abdicated leader does not campaign before an election timeout has passed", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.core().abdicate();
  p.pump();
  CHECK(p.see().role == role::follower);
  p.tick(9);
  CHECK(p.see().role == role::follower);
  auto const before = p.see().term;
  p.tick(20);
  CHECK(p.see().role != role::follower);
  CHECK(p.see().term == before);  // asks first
}

TEST_CASE("a new leader opens its term with an entry of it", "[raft][election]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  make_leader(p);
  CHECK(p.see().last == log_index{3});
  CHECK(p.core().log().term_at(log_index{3}) == p.see().term);
  CHECK(p.core().log()[log_index{3}].data.empty());
}

TEST_CASE("timeouts lie in [n, 2n) and depend on the seed alone", "[raft][election][determinism]") {
  std::vector<int> seen;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    auto const ticks = [&] {
      auto p = lonely(disk_of(voters({1, 2, 3}), {}), options_of(1, seed));
      int n = 0;
      for (; p.see().role == role::follower && n < 100; ++n) p.tick();
      return n;
    };
    auto const n = ticks();
    CHECK(n >= 10);
    CHECK(n < 20);
    CHECK(ticks() == n);
    seen.push_back(n);
  }
  CHECK(*std::min_element(seen.begin(), seen.end()) == 10);
  CHECK(*std::max_element(seen.begin(), seen.end()) == 19);
}
