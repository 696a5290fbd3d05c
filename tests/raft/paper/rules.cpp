#include "network.hpp"

// The rules of the paper (figure 2 and the section named) and of the dissertation that have no case of their own among the
// behaviours of the specification.

using namespace paper;

TEST_CASE("paper 5.1: terms never fall, whatever arrives", "[raft][paper][5.1]") {
  auto p = node(3, {}, {term{5}, {}, {}});
  for (auto const kind : {message_kind::append, message_kind::heartbeat, message_kind::vote_request, message_kind::vote_reply, message_kind::timeout_now}) {
    p.step(mail(kind, 2, 3));
    CHECK(p.see().term == term{5});
  }
}

TEST_CASE("paper 5.1: a request of an earlier term is refused with the later one", "[raft][paper][5.1]") {
  auto p = node(3, {}, {term{5}, {}, {}});
  for (auto const kind : {message_kind::append, message_kind::heartbeat, message_kind::vote_request, message_kind::pre_vote_request}) {
    p.sent();
    p.step(mail(kind, 2, 3));
    auto const answers = p.sent();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].refused);
    CHECK(answers[0].term == term{5});
  }
}

TEST_CASE("paper 5.2: an empty entry opens the term of a leader", "[raft][paper][5.2][8]") {
  auto p = node(3, {1, 1});
  win(p);
  CHECK(terms_of(p) == std::vector<std::uint64_t>{1, 1, 2});
  CHECK(p.core().log()[log_index{3}].data.empty());
}

TEST_CASE("paper 5.2: heartbeats keep followers from campaigning", "[raft][paper][5.2]") {
  cluster c({1, 2, 3}, plain);
  hup(c, 1);
  c.tick(200);
  CHECK(c[1].leads());
  CHECK(c[1].see().term == term{1});
}

TEST_CASE("paper 5.2: granting a vote restarts the election timeout, refusing one in the same term does not", "[raft][paper][5.2]") {
  auto p = node(3, {1}, {term{1}, {}, {}});
  p.tick(9);
  p.step(vote_request(2, 1, at(1, 1)));
  p.tick(9);
  CHECK(p.see().role == role::follower);
  p.step(vote_request(3, 1, at(1, 1)));
  p.tick(10);
  CHECK(p.see().role == role::candidate);
}

TEST_CASE("paper 5.3: log matching: an append never leaves a gap", "[raft][paper][5.3]") {
  auto p = node(3, {1});
  p.step(append(2, 1, at(3, 1), entries(4, {1})));
  CHECK(p.see().last == log_index{1});
  CHECK(p.only(message_kind::append_reply).refused);
}

TEST_CASE("paper 5.3: a follower's commit does not pass what the append has shown to be equal", "[raft][paper][5.3][figure 2]") {
  auto p = node(3, {1, 1, 1});
  p.step(append(2, 2, at(1, 1), {}, 3));
  CHECK(p.see().commit == log_index{1});
}

TEST_CASE("paper 5.3: a refusal skips the whole of a conflicting term", "[raft][paper][5.3]") {
  auto p = node(3, {1, 1, 3, 3, 3, 3, 3}, {term{4}, {}, {}});
  p.step(append(2, 4, at(7, 2), {}));
  auto const no = p.only(message_kind::append_reply);
  CHECK(no.refused);
  CHECK(no.hint == log_index{2});
  CHECK(no.log_term == term{1});
}

TEST_CASE("paper 5.4.2, figure 8: an entry of an earlier term on a majority can still be overwritten", "[raft][paper][5.4.2][figure 8]") {
  cluster c({1, 2, 3, 4, 5}, plain);
  hup(c, 1);
  c.blocked = [](auto const& m) { return m.from.value == 1 && m.to.value > 2; };
  REQUIRE(c[1].propose("of term 1"));  // on 1 and 2
  c.deliver();
  c.cut_off(1);
  c.blocked = [](auto const& m) { return m.from.value <= 2 || m.to.value <= 2; };
  hup(c, 5);  // with 3 and 4
  REQUIRE(c[5].leads());
  auto const theirs = c[5].see().commit;
  c.blocked = [](auto const& m) { return m.from.value == 5 && m.to.value <= 2 && m.kind != message_kind::vote_reply; };
  c[1].tick(2);  // it learns that its term is over
  c.deliver();
  hup(c, 1);
  CHECK_FALSE(c[1].leads());
  c.heal();
  hup(c, 5);
  CHECK(c[5].leads());
  CHECK(c[1].see().commit > theirs);
  for (std::uint64_t id = 1; id <= 5; ++id)
    for (auto const& e : c[id].machine) CHECK(e.data.view() != "of term 1");
}

TEST_CASE("paper 5.4.3: a leader holds every committed entry", "[raft][paper][5.4.3]") {
  for (std::uint64_t next = 1; next <= 3; ++next) {
    cluster c({1, 2, 3}, plain);
    hup(c, 1);
    c.blocked = [](auto const& m) { return m.from.value == 3 || m.to.value == 3; };
    REQUIRE(c[1].propose("committed"));
    c.deliver();
    REQUIRE(c[1].see().commit == log_index{2});
    c.heal();
    hup(c, next);
    CHECK(c[next].leads() == (next != 3));  // 3 lacks it
  }
}

TEST_CASE("paper 5.5: a repeated append changes nothing and is answered again", "[raft][paper][5.5]") {
  auto p = node(3);
  auto const m = append(2, 1, at(0, 0), entries(1, {1, 1}), 1);
  p.step(m);
  p.sent();
  p.step(m);
  CHECK(p.only(message_kind::append_reply).index == log_index{2});
  CHECK(p.see().last == log_index{2});
  CHECK(p.machine.size() == 1);
}

TEST_CASE("paper 7: a snapshot keeps the entries behind it that the log holds", "[raft][paper][7]") {
  auto p = node(3, {1, 1, 1});
  p.step(append(2, 1, at(1, 1), {}, 0));
  CHECK(p.core().offered(peer_id{2}, term{1}, at(2, 1)) == raft::snapshot_verdict::held);
  CHECK(p.see().last == log_index{3});
}

TEST_CASE("dissertation 4.2.3: a removed server that was not told does not disturb a group that hears its leader", "[raft][paper][4.2.3]") {
  cluster c({1, 2, 3, 4}, [](raft::options& o) { o.pre_vote = false; });
  c.elect(1);
  c.cut_off(4);
  REQUIRE(c.change(1, group({1, 2, 3})));
  c.blocked = [](auto const& m) { return m.kind == message_kind::removed; };
  c.tick(60);
  CHECK(c[1].leads());
  CHECK(c[1].see().term == term{1});
}

TEST_CASE("dissertation 4.3: no decision is made in a joint configuration by either majority alone", "[raft][paper][4.3]") {
  for (auto const& helpers : {std::vector<std::uint64_t>{2, 3}, std::vector<std::uint64_t>{4, 5}}) {
    disk d;
    d.truncated.configuration = group({1, 2, 3}, {}, {1, 4, 5});
    auto p = peer{plain_options(), std::move(d)};
    hup(p);
    for (auto const id : helpers) p.step(reply(message_kind::vote_reply, id, 1));
    CHECK_FALSE(p.leads());
    p.step(reply(message_kind::vote_reply, helpers[0] == 2 ? 4 : 2, 1));
    CHECK(p.leads());
  }
}

TEST_CASE("dissertation 4.1 (as corrected in 2015): no change of members before a commit in the own term", "[raft][paper][4.1]") {
  auto p = node(3, {1, 1}, {term{1}, {}, log_index{2}});
  win(p);
  CHECK(p.core().change_membership(group({1, 2}), 0).error().code == tinykv::error_code::busy);
  p.step(accepted(2, 2, 3));
  CHECK(p.core().change_membership(group({1, 2}), 0));
}

TEST_CASE("dissertation 6.2: a follower names the leader it knows", "[raft][paper][6.2]") {
  cluster c({1, 2, 3}, plain);
  hup(c, 2);
  CHECK(c[1].propose("x").error().hint == 2);
}

TEST_CASE("dissertation 6.4: a read is confirmed by a round that began after it, not by one before", "[raft][paper][6.4]") {
  auto p = leader(3);
  p.tick(2);
  auto const before = to(p.sent(message_kind::heartbeat), 2).back().round;
  p.core().read_index(read_id{1});
  p.pump();
  auto answer = reply(message_kind::heartbeat_reply, 2, 1);
  answer.round = before;
  p.step(answer);
  CHECK(p.granted.empty());
  answer.round = before + 1;
  p.step(answer);
  CHECK(p.granted.at(read_id{1}) == log_index{1});
}

TEST_CASE("dissertation 9.6: a server that comes back from a partition deposes nobody", "[raft][paper][9.6]") {
  cluster c{1, 2, 3};
  c.elect(1);
  auto const before = c[1].see().term;
  c.cut_off(3);
  c.tick(100);
  c.heal();
  c.tick(40);
  CHECK(c[1].leads());
  CHECK(c[1].see().term == before);
}

TEST_CASE("dissertation 10.2.1: an entry is committed by the others before the leader's own disk has it", "[raft][paper][10.2.1]") {
  auto p = leader(3);
  p.disk_works = false;
  REQUIRE(p.propose("x"));
  p.step(accepted(2, 1, 2));
  CHECK(p.see().commit == log_index{1});
  p.step(accepted(3, 1, 2));
  CHECK(p.see().commit == log_index{2});
  CHECK(p.machine.size() == 1);  // and applied here only when it is durable here
  p.persist_all();
  CHECK(p.machine.size() == 2);
}
