#include "network.hpp"

using namespace paper;

TEST_CASE("TestLeaderStartReplication2AB: a proposal grows the log and goes to each other member, uncommitted", "[raft][paper][5.3]") {
  auto p = leader(3);
  p.disk_works = false;
  auto const commit = p.see().commit;
  REQUIRE(p.propose("some data"));
  CHECK(p.see().last == commit + 1);
  CHECK(p.see().commit == commit);
  CHECK(p.see().durable == commit);
  auto const sent = p.sent(message_kind::append);
  REQUIRE(sent.size() == 2);
  for (auto const& m : sent) {
    CHECK(m.index == commit);
    CHECK(m.log_term == term{1});
    CHECK(m.commit == commit);
    REQUIRE(m.entries.size() == 1);
    CHECK(m.entries[0].data.view() == "some data");
  }
}

TEST_CASE("TestLeaderCommitEntry2AB: an acknowledged entry is committed, applied and told", "[raft][paper][5.3]") {
  auto p = leader(3);
  REQUIRE(p.propose("some data"));
  p.sent();
  p.step(accepted(2, 1, 2));
  CHECK(p.see().commit == log_index{2});
  CHECK(p.machine.back().data.view() == "some data");
  auto const next = p.sent(message_kind::append);
  CHECK(to(next, 2).size() == 1);
  CHECK(to(next, 3).size() == 1);
  for (auto const& m : next) CHECK(m.commit == log_index{2});
}

TEST_CASE("TestLeaderAcknowledgeCommit2AB: commit when a majority has the entry", "[raft][paper][5.3]") {
  struct row {
    std::uint64_t size;
    std::vector<std::uint64_t> holders;
    bool committed;
  };
  for (auto const& r : std::initializer_list<row>{{1, {}, true},
                                                  {3, {}, false},
                                                  {3, {2}, true},
                                                  {3, {2, 3}, true},
                                                  {5, {}, false},
                                                  {5, {2}, false},
                                                  {5, {2, 3}, true},
                                                  {5, {2, 3, 4}, true},
                                                  {5, {2, 3, 4, 5}, true}}) {
    auto p = leader(r.size);
    REQUIRE(p.propose("x"));
    for (auto const id : r.holders) p.step(accepted(id, 1, 2));
    CHECK((p.see().commit == log_index{2}) == r.committed);
  }
}

TEST_CASE("TestLeaderCommitPrecedingEntries2AB: with an entry of the own term all before it are committed, in order", "[raft][paper][5.4.2]") {
  for (auto const& log : std::initializer_list<std::initializer_list<std::uint64_t>>{{}, {2}, {1, 2}, {1}}) {
    auto p = node(3, log, {term{2}, {}, {}});
    win(p);
    REQUIRE(p.propose("x"));
    p.step(accepted(2, 3, p.see().last.value));
    REQUIRE(p.machine.size() == log.size() + 2);
    for (std::size_t i = 0; i < p.machine.size(); ++i) CHECK(p.machine[i].index == log_index{i + 1});
    CHECK(p.machine.back().data.view() == "x");
  }
}

TEST_CASE("TestFollowerCommitEntry2AB: a follower takes the commit of an append and applies exactly that", "[raft][paper][5.3]") {
  for (std::uint64_t commit = 1; commit <= 4; ++commit) {
    auto p = node(3, {}, {term{1}, {}, {}});
    p.step(append(2, 1, at(0, 0), entries(1, {1, 1, 1, 1}), commit));
    CHECK(p.see().commit == log_index{commit});
    CHECK(p.machine.size() == commit);
  }
}

// Our refusal names where the logs may part.
TEST_CASE("TestFollowerCheckMessageType_MsgAppend2AB: an append is accepted iff the entry before it matches", "[raft][paper][5.3][departure]") {
  struct row {
    position before;
    bool refused;
  };
  for (auto const& r : std::initializer_list<row>{{at(0, 0), false}, {at(1, 1), false}, {at(2, 2), false}, {at(1, 2), true}, {at(3, 3), true}}) {
    auto p = node(3, {1, 2}, {term{2}, {}, log_index{1}});
    p.step(append(2, 2, r.before, {}));
    auto const answer = p.only(message_kind::append_reply);
    if (r.before.index >= log_index{1} || r.before.index == log_index{}) CHECK(answer.term == term{2});
    if (r.before == at(1, 2)) continue;  // (1,1) is committed here: no honest leader says (1,2), nothing is compared below the commit
    CHECK(answer.refused == r.refused);
  }
}

TEST_CASE("TestFollowerAppendEntries2AB: conflicts are cut and replaced, duplicates change nothing", "[raft][paper][5.3]") {
  struct row {
    position before;
    std::vector<raft::entry> sent;
    std::vector<std::uint64_t> log;
    std::size_t stored;
  };
  for (auto const& r : std::initializer_list<row>{{at(2, 2), entries(3, {3}), {1, 2, 3}, 1},
                                                  {at(1, 1), entries(2, {3, 4}), {1, 3, 4}, 2},
                                                  {at(0, 0), entries(1, {1}), {1, 2}, 0},
                                                  {at(0, 0), entries(1, {3}), {3}, 1}}) {
    auto p = node(3, {1, 2});
    p.disk_works = false;
    p.step(append(2, 4, r.before, r.sent));
    CHECK(terms_of(p) == r.log);
    std::size_t stored = 0;
    for (auto const& w : p.writing) stored += w.entries.size();
    CHECK(stored == r.stored);
  }
}

TEST_CASE("TestLeaderSyncFollowerLog2AB: the divergent logs of figure 7 become the leader's", "[raft][paper][5.3][figure 7]") {
  std::initializer_list<std::uint64_t> const leads{1, 1, 1, 4, 4, 5, 5, 6, 6, 6};
  for (auto const& follower : std::initializer_list<std::initializer_list<std::uint64_t>>{{1, 1, 1, 4, 4, 5, 5, 6, 6},
                                                                                          {1, 1, 1, 4},
                                                                                          {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},
                                                                                          {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},
                                                                                          {1, 1, 1, 4, 4, 4, 4},
                                                                                          {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}}) {
    auto a = peer{plain_options(1), disk_of(voters({1, 2, 3}), leads, {term{8}, {}, {}})};
    auto b = peer{plain_options(2), disk_of(voters({1, 2, 3}), follower, {term{8}, {}, {}})};
    hup(a);
    a.step(reply(message_kind::vote_reply, 3, 9));
    REQUIRE(a.leads());
    REQUIRE(a.propose("x"));
    for (int i = 0; i < 50; ++i) {
      for (auto& m : a.sent())
        if (m.to == peer_id{2} && m.kind != message_kind::vote_request) b.step(m);
      for (auto& m : b.sent()) a.step(m);
    }
    CHECK(terms_of(b) == terms_of(a));
    CHECK(terms_of(b).size() == leads.size() + 2);
  }
}

TEST_CASE("TestVoteRequest2AB: a request for votes names the last entry and goes to every other member", "[raft][paper][5.4.1]") {
  struct row {
    std::vector<raft::entry> log;
    std::uint64_t of_term;
  };
  for (auto const& r : std::initializer_list<row>{{entries(1, {1}), 2}, {entries(1, {1, 2}), 3}}) {
    auto p = node(3);
    p.step(append(2, r.of_term - 1, at(0, 0), r.log));
    p.sent();
    hup(p);
    auto const asked = p.sent(message_kind::vote_request);
    REQUIRE(asked.size() == 2);
    for (auto const& m : asked) {
      CHECK(m.term == term{r.of_term});
      CHECK(m.index == r.log.back().index);
      CHECK(m.log_term == r.log.back().term);
    }
  }
}

TEST_CASE("TestVoter2AB: a candidate with an older log is denied", "[raft][paper][5.4.1]") {
  struct row {
    std::initializer_list<std::uint64_t> log;
    position candidate;
    bool refused;
  };
  for (auto const& r : std::initializer_list<row>{{{1}, at(1, 1), false},
                                                  {{1}, at(2, 1), false},
                                                  {{1, 1}, at(1, 1), true},
                                                  {{1}, at(1, 2), false},
                                                  {{1}, at(2, 2), false},
                                                  {{1, 1}, at(1, 2), false},
                                                  {{2}, at(1, 1), true},
                                                  {{2}, at(2, 1), true},
                                                  {{2, 1 + 1}, at(1, 1), true}}) {
    auto p = node(2, r.log);
    p.step(vote_request(2, 3, r.candidate));
    CHECK(p.only(message_kind::vote_reply).refused == r.refused);
  }
}

TEST_CASE("TestLeaderOnlyCommitsLogFromCurrentTerm2AB: acknowledgements of entries of earlier terms commit nothing", "[raft][paper][5.4.2]") {
  for (std::uint64_t index = 1; index <= 4; ++index) {
    auto p = node(3, {1, 2}, {term{2}, {}, {}});
    win(p);
    REQUIRE(p.propose("x"));
    p.step(accepted(2, 3, index));
    CHECK(p.see().commit == log_index{index < 3 ? 0 : index});
  }
}

TEST_CASE("TestLeaderElectionOverwriteNewerLogs2AB: uncommitted entries of a higher term are overwritten by a leader without them",
          "[raft][paper][5.4]") {
  // 1 and 2 hold (1,1); 3 holds (1,2) of a leader that nobody followed; 3, 4 and 5 know term 2, 1 and 2 do not.
  std::map<std::uint64_t, std::unique_ptr<peer>> peers;
  auto const group = voters({1, 2, 3, 4, 5});
  for (auto const id : {1U, 2U}) peers[id] = std::make_unique<peer>(plain_options(id), disk_of(group, {1}));
  peers[3] = std::make_unique<peer>(plain_options(3), disk_of(group, {2}));
  for (auto const id : {4U, 5U}) peers[id] = std::make_unique<peer>(plain_options(id), disk_of(group, {}, {term{2}, peer_id{3}, {}}));
  auto const deliver = [&] {
    for (int i = 0; i < 50; ++i)
      for (auto& [id, p] : peers)
        for (auto& m : p->sent()) peers[m.to.value]->step(m);
  };
  hup(*peers[1]);
  deliver();
  CHECK_FALSE(peers[1]->leads());
  CHECK(peers[1]->see().term == term{2});
  hup(*peers[1]);
  deliver();
  CHECK(peers[1]->leads());
  CHECK(peers[1]->see().term == term{3});
  for (auto& [id, p] : peers) CHECK(terms_of(*p) == std::vector<std::uint64_t>{1, 3});
}

TEST_CASE("TestDuelingCandidates2AB: a candidate with a short log disrupts and cannot win", "[raft][paper][5.4.1]") {
  cluster c({1, 2, 3}, plain);
  c.blocked = [](auto const& m) { return (m.from.value == 1 && m.to.value == 3) || (m.from.value == 3 && m.to.value == 1); };
  hup(c, 1);
  hup(c, 3);
  CHECK(c[1].leads());
  CHECK(c[3].see().role == role::candidate);
  c.heal();
  hup(c, 3);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    CHECK(c[id].see().role == role::follower);
    CHECK(c[id].see().term == term{2});
  }
  CHECK(c[1].see().last == log_index{1});
  CHECK(c[2].see().last == log_index{1});
  CHECK(c[3].see().last == log_index{0});
}

TEST_CASE("TestCandidateConcede2AB: a candidate that was cut off follows the leader of its term and gets the log", "[raft][paper][5.2]") {
  cluster c({1, 2, 3}, plain);
  c.cut_off(1);
  hup(c, 1);
  hup(c, 3);
  c.heal();
  c[3].tick(2);
  c.deliver();
  REQUIRE(c[3].propose("force follower"));
  c.deliver();
  c[3].tick(2);
  c.deliver();
  CHECK(c[1].see().role == role::follower);
  CHECK(c[1].see().term == term{1});
  for (std::uint64_t id = 1; id <= 3; ++id) {
    CHECK(terms_of(c[id]) == std::vector<std::uint64_t>{1, 1});
    CHECK(c[id].see().commit == log_index{2});
  }
}

TEST_CASE("TestRecvMessageType_MsgRequestVote2AB: twenty rows of role, log and earlier vote", "[raft][paper][5.4.1]") {
  struct row {
    role now;
    position candidate;
    std::uint64_t vote;
    bool refused;
  };
  // The voter's log is (1,2) (2,2); the request is of term 3.
  for (auto const& r : std::initializer_list<row>{
           {role::follower, at(0, 0), 0, true},   {role::follower, at(1, 0), 0, true},   {role::follower, at(2, 0), 0, true},
           {role::follower, at(3, 0), 0, true},   {role::follower, at(0, 1), 0, true},   {role::follower, at(1, 1), 0, true},
           {role::follower, at(2, 1), 0, true},   {role::follower, at(3, 1), 0, true},   {role::follower, at(0, 2), 0, true},
           {role::follower, at(1, 2), 0, true},   {role::follower, at(2, 2), 0, false},  {role::follower, at(3, 2), 0, false},
           {role::follower, at(0, 3), 0, false},  {role::follower, at(1, 3), 0, false},  {role::follower, at(2, 3), 0, false},
           {role::follower, at(3, 2), 2, false},  {role::follower, at(3, 2), 1, true},   {role::leader, at(3, 3), 1, true},
           {role::candidate, at(3, 3), 1, true},  {role::candidate, at(2, 2), 1, true}}) {
    auto p = r.now == role::follower ? node(3, {2, 2}, {term{3}, peer_id{r.vote == 1 ? 3 : r.vote}, {}}) : node(3, {2, 2});
    if (r.now != role::follower) hup(p);
    if (r.now == role::leader) p.step(reply(message_kind::vote_reply, 3, 3));
    REQUIRE(p.see().role == r.now);
    REQUIRE(p.see().term == term{3});
    p.sent();
    p.step(vote_request(2, 3, r.candidate));
    CHECK(p.only(message_kind::vote_reply).refused == r.refused);
  }
}

TEST_CASE("TestAllServerStepdown2AB: any role follows a higher term, and its log is untouched", "[raft][paper][5.1]") {
  for (auto const now : {role::follower, role::candidate, role::leader})
    for (auto const kind : {message_kind::vote_request, message_kind::append}) {
      auto p = node(3);
      if (now != role::follower) hup(p);
      if (now == role::leader) p.step(reply(message_kind::vote_reply, 2, 1));
      REQUIRE(p.see().role == now);
      auto const last = p.see().last;
      auto m = mail(kind, 2, 3);
      m.log_term = term{3};
      m.index = log_index{kind == message_kind::append ? 2U : 0U};
      p.step(m);
      CHECK(p.see().role == role::follower);
      CHECK(p.see().term == term{3});
      CHECK(p.see().last == last);
      CHECK(p.see().leader == peer_id{kind == message_kind::append ? 2U : 0U});
    }
}

// Our leader has no progress of its own: what its own disk holds counts.
TEST_CASE("TestProgressLeader2AB: the leader's own share grows with each proposal", "[raft][paper][5.3][departure]") {
  auto p = leader(2);
  for (std::uint64_t i = 0; i < 5; ++i) {
    CHECK(p.see().durable == log_index{i + 1});
    CHECK(p.see().last == log_index{i + 1});
    REQUIRE(p.propose("foo"));
  }
}

TEST_CASE("TestLogReplication2AB: proposals before and after a change of the leader are committed everywhere", "[raft][paper][5.3]") {
  for (auto const change : {false, true}) {
    cluster c({1, 2, 3}, plain);
    hup(c, 1);
    REQUIRE(c[1].propose("one"));
    c.deliver();
    std::uint64_t lead = 1;
    if (change) {
      hup(c, 2);
      lead = 2;
    }
    REQUIRE(c[lead].propose("two"));
    c.deliver();
    for (std::uint64_t id = 1; id <= 3; ++id) {
      CHECK(c[id].see().commit == log_index{change ? 4U : 3U});
      std::vector<std::string> commands;
      for (auto const& e : c[id].machine)
        if (!e.data.empty()) commands.emplace_back(e.data.view());
      CHECK(commands == std::vector<std::string>{"one", "two"});
    }
  }
}

TEST_CASE("TestSingleNodeCommit2AB: one peer commits its empty entry and two commands", "[raft][paper][5.3]") {
  auto p = node(1);
  hup(p);
  REQUIRE(p.propose("some data"));
  REQUIRE(p.propose("some data"));
  CHECK(p.see().commit == log_index{3});
}

TEST_CASE("TestCommitWithoutNewTermEntry2AB: entries without a quorum are committed with a new leader's empty entry", "[raft][paper][5.4.2]") {
  cluster c({1, 2, 3, 4, 5}, plain);
  hup(c, 1);
  c.blocked = [](auto const& m) { return m.from.value == 1 && m.to.value > 2; };
  REQUIRE(c[1].propose("some data"));
  REQUIRE(c[1].propose("some data"));
  c.deliver();
  CHECK(c[1].see().commit == log_index{1});
  c.heal();
  hup(c, 2);
  CHECK(c[2].see().commit == log_index{4});
  CHECK(c[1].see().commit == log_index{4});
}

TEST_CASE("TestCommitWithHeartbeat2AB: the answer to a heartbeat brings a lagging follower to the commit", "[raft][paper][5.3]") {
  cluster c({1, 2, 3, 4, 5}, plain);
  hup(c, 1);
  c.cut_off(5);
  REQUIRE(c[1].propose("some data"));
  REQUIRE(c[1].propose("some data"));
  c.deliver();
  CHECK(c[5].see().commit == log_index{1});
  c.heal();
  c[1].tick(2);
  c.deliver();
  CHECK(c[5].see().commit == log_index{3});
}

TEST_CASE("TestHeartbeatUpdateCommit2AB: a heartbeat commits nothing that its receiver is not known to hold", "[raft][paper][5.3]") {
  cluster c({1, 2, 3, 4, 5}, plain);
  hup(c, 1);
  c.cut_off(1);
  REQUIRE(c[1].propose("stale"));
  REQUIRE(c[1].propose("stale"));
  c.deliver();
  hup(c, 2);
  REQUIRE(c[2].propose("new"));
  c.deliver();
  auto const committed = c[2].see().commit;
  c.heal();
  c[2].tick(2);
  c.deliver();
  CHECK(c[1].see().commit == committed);
  CHECK(terms_of(c[1]) == terms_of(c[2]));
  for (auto const& e : c[1].machine) CHECK(e.data.view() != "stale");
}

TEST_CASE("TestOldMessages2AB: an append of an earlier term is ignored", "[raft][paper][5.1]") {
  cluster c({1, 2, 3}, plain);
  hup(c, 1);
  hup(c, 2);
  hup(c, 1);
  auto old = append(2, 2, at(2, 2), entries(3, {2}));
  c[1].step(old);
  c.deliver();
  REQUIRE(c[1].propose("some data"));
  c.deliver();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    CHECK(terms_of(c[id]) == std::vector<std::uint64_t>{1, 2, 3, 3});
    CHECK(c[id].see().commit == log_index{4});
  }
}

TEST_CASE("TestProposal2AB: a proposal is committed iff a quorum lives", "[raft][paper][5.3]") {
  for (std::uint64_t dead = 0; dead <= 3; ++dead) {
    cluster c({1, 2, 3, 4, 5}, plain);
    c.blocked = [&](auto const& m) { return m.from.value > 5 - dead || m.to.value > 5 - dead; };
    hup(c, 1);
    auto const elected = dead <= 2;
    CHECK(c[1].leads() == elected);
    CHECK(c[1].propose("x").has_value() == elected);
    c.deliver();
    CHECK(c[1].see().commit == log_index{elected ? 2U : 0U});
    CHECK(c[1].see().term == term{1});
  }
}

// Terms of the entries are not beyond the sender's: our follower drops appends that no leader could have sent.
TEST_CASE("TestHandleMessageType_MsgAppend2AB: eleven rows of previous entry, conflict and commit", "[raft][paper][5.3][departure]") {
  struct row {
    position before;
    std::vector<raft::entry> sent;
    std::uint64_t commit;
    std::uint64_t last;
    std::uint64_t committed;
    bool refused;
  };
  // The follower's log is (1,1) (2,2).
  for (auto const& r : std::initializer_list<row>{
           {at(2, 3), {}, 3, 2, 0, true},
           {at(3, 3), {}, 3, 2, 0, true},
           {at(1, 1), {}, 1, 2, 1, false},
           {at(0, 0), entries(1, {2}), 1, 1, 1, false},
           {at(2, 2), entries(3, {2, 2}), 3, 4, 3, false},
           {at(2, 2), entries(3, {2}), 4, 3, 3, false},
           {at(1, 1), entries(2, {2}), 4, 2, 2, false},
           {at(1, 1), {}, 3, 2, 1, false},
           {at(1, 1), entries(2, {2}), 3, 2, 2, false},
           {at(2, 2), {}, 3, 2, 2, false},
           {at(2, 2), {}, 4, 2, 2, false}}) {
    auto p = node(3, {1, 2});
    p.step(append(2, 3, r.before, r.sent, r.commit));
    CHECK(p.see().last == log_index{r.last});
    CHECK(p.see().commit == log_index{r.committed});
    CHECK(p.only(message_kind::append_reply).refused == r.refused);
  }
}

TEST_CASE("TestLeaderIncreaseNext2AB: after an empty entry and a proposal on three entries, next is 6", "[raft][paper][5.3]") {
  auto p = node(2, {1, 2, 3});
  win(p);
  p.step(accepted(2, 4, 4));
  REQUIRE(p.propose("some data"));
  REQUIRE(p.see().peers.size() == 1);
  CHECK(p.see().peers[0].next == log_index{6});
}
