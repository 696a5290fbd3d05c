#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {

raft::options small_window(std::uint64_t entries_max) {
  auto o = options_of(1);
  o.window_entries_max = entries_max;
  return o;
}

std::vector<raft::message> to(std::vector<raft::message> all, std::uint64_t peer) {
  std::erase_if(all, [&](auto const& m) { return m.to != peer_id{peer}; });
  return all;
}

raft::message refusal(std::uint64_t from, std::uint64_t of_term, std::uint64_t index, position hint) {
  auto m = reply(message_kind::append_reply, from, of_term, true);
  m.index = log_index{index};
  m.hint = hint.index;
  m.log_term = hint.term;
  return m;
}

// Leads in term 1 with entries up to 40 committed by 2, of which the window holds the newest only.
peer leader_with_evicted_log() {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), small_window(64));
  make_leader(p);
  p.step(accepted(2, 1, 1));
  for (std::uint64_t i = 2; i <= 40; ++i) {
    REQUIRE(p.propose("x"));
    p.step(accepted(2, 1, i));
  }
  REQUIRE(p.see().commit == log_index{40});
  REQUIRE(p.core().log().window_first() > log_index{20});
  p.sent();
  p.fetch_works = false;
  return p;
}

}  // namespace

TEST_CASE("a leader is busy at half of the window and free again when its disk returns", "[raft][window]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), small_window(16));
  make_leader(p);
  p.step(accepted(2, 1, 1));
  p.disk_works = false;
  int accepted_count = 0;
  while (p.propose("x")) ++accepted_count;
  CHECK(accepted_count <= 8);
  CHECK(accepted_count >= 7);
  CHECK(p.propose("x").error().code == tinykv::error_code::busy);
  auto const last = p.see().last.value;
  p.step(accepted(2, 1, last));
  p.step(accepted(3, 1, last));
  CHECK(p.see().commit == p.see().last);  // committed by the others, but not on the own disk: still needed
  CHECK_FALSE(p.propose("x"));
  p.persist_all();
  CHECK(p.propose("x"));
}

TEST_CASE("a leader whose entries are not committed is busy although its disk works", "[raft][window]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), small_window(16));
  make_leader(p);
  while (p.propose("x")) {}
  CHECK(p.core().log().size() <= 8);
  p.step(accepted(2, 1, p.see().last.value));
  CHECK(p.propose("x"));
}

TEST_CASE("the window is bounded in bytes too", "[raft][window]") {
  auto o = options_of(1);
  o.window_bytes_max = 10000;
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), o);
  make_leader(p);
  while (p.propose(std::string(500, 'x'))) REQUIRE(p.core().log().bytes() <= 5000);
  CHECK(p.core().log().bytes() > 4000);
}

TEST_CASE("a follower takes twice what a leader may have open, and drops only above that", "[raft][window]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), small_window(16));
  p.disk_works = false;
  for (std::uint64_t i = 1; i <= 16; ++i) p.step(append(2, 1, at(i - 1, i == 1 ? 0 : 1), {entry(i, 1)}));
  CHECK(p.see().last == log_index{16});
  p.step(append(2, 1, at(16, 1), {entry(17, 1)}));
  CHECK(p.see().last == log_index{16});
  for (auto const& m : p.sent()) CHECK_FALSE(m.refused);
  p.step(append(2, 1, at(16, 1), {}, 16));
  p.persist_all();
  p.step(append(2, 1, at(16, 1), {entry(17, 1)}, 16));
  CHECK(p.see().last == log_index{17});
}

TEST_CASE("a follower takes the part of an append that fits", "[raft][window]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), small_window(4));
  p.step(append(2, 1, at(0, 0), entries(1, {1, 1, 1, 1, 1, 1}), 6));
  CHECK(p.see().last == log_index{4});
  CHECK(p.see().commit == log_index{4});  // not what it has not taken
  CHECK(p.sent(message_kind::append_reply).back().index == log_index{4});
  p.step(append(2, 1, at(4, 1), entries(5, {1, 1}), 6));
  CHECK(p.see().last == log_index{6});
}

TEST_CASE("the entry that opens a term always fits, at leader and follower", "[raft][window]") {
  auto full = disk_of(voters({1, 2, 3}), {1, 1, 1, 1, 1, 1, 1, 1});
  auto follower = lonely(full, small_window(8));
  follower.step(append(2, 2, at(8, 1), {entry(9, 2, "")}));
  CHECK(follower.see().last == log_index{9});
  follower.step(append(2, 2, at(9, 2), {entry(10, 2, "")}));  // a second one is not the opening one
  CHECK(follower.see().last == log_index{9});

  auto leader = lonely(full, small_window(8));
  make_leader(leader);
  CHECK(leader.see().last == log_index{9});
  CHECK(leader.propose("x").error().code == tinykv::error_code::busy);
  leader.step(accepted(2, 2, 9));
  CHECK(leader.see().commit == log_index{9});
  CHECK(leader.propose("x"));
}

TEST_CASE("a slow peer is sent what the window no longer holds out of the log", "[raft][fetch]") {
  auto p = leader_with_evicted_log();
  p.step(refusal(3, 1, 0, at(0, 0)));  // nothing yet: the answer to its probe is still due
  p.sent();
  p.fetches.clear();
  p.core().unreachable(peer_id{3});
  p.step(accepted(3, 1, 1));
  REQUIRE(p.fetches.size() == 1);
  auto const asked = p.fetches.front();
  CHECK(asked.purpose == raft::fetch_purpose::send);
  CHECK(asked.peer == peer_id{3});
  CHECK(asked.term == term{1});
  CHECK(asked.from == log_index{2});
  CHECK(asked.to == p.core().log().window_first() - 1);
  CHECK(asked.to <= p.see().commit);
  p.step(accepted(2, 1, 40));
  CHECK(p.fetches.size() == 1);  // one at a time
  p.answer_fetches();
  p.pump();
  auto const sent = to(p.sent(message_kind::append), 3);
  REQUIRE(sent.size() >= 1);
  CHECK(sent[0].index == log_index{1});
  CHECK(sent[0].entries.front().index == log_index{2});
}

TEST_CASE("a fetch that ends after the term moved on sends nothing", "[raft][fetch]") {
  auto p = leader_with_evicted_log();
  p.step(accepted(3, 1, 1));
  REQUIRE(p.fetches.size() == 1);
  auto const asked = p.fetches.front();
  auto const answer = raft::fetch_answer{asked, p.on_disk.read(asked)};
  p.step(mail(message_kind::heartbeat, 2, 2));
  p.sent();
  p.core().fetched(answer);
  p.pump();
  CHECK(p.sent(message_kind::append).empty());

  // Leads again, in term 3, and asks anew; the old answer is still none to this question.
  p.core().step(mail(message_kind::heartbeat, 2, 2));
  make_leader(p);
  p.sent();
  p.fetches.clear();
  p.step(refusal(3, p.see().term.value, 40, at(1, 1)));  // needs the same entries again
  REQUIRE(p.fetches.size() == 1);
  p.core().fetched(answer);
  p.pump();
  CHECK(to(p.sent(message_kind::append), 3).empty());
  p.answer_fetches();
  p.pump();
  CHECK_FALSE(to(p.sent(message_kind::append), 3).empty());
}

TEST_CASE("an empty or malformed answer to a fetch is asked for again, not sent", "[raft][fetch]") {
  auto p = leader_with_evicted_log();
  p.step(accepted(3, 1, 1));
  REQUIRE(p.fetches.size() == 1);
  auto const asked = std::exchange(p.fetches, {}).front();
  p.core().fetched({asked, {}});
  p.pump();
  CHECK(to(p.sent(message_kind::append), 3).empty());
  REQUIRE(p.fetches.size() == 1);
  CHECK(p.fetches.front().from == asked.from);
}

TEST_CASE("entries to apply that left the window come from the log, in order and once", "[raft][fetch]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), small_window(64));
  p.machine_works = false;
  p.fetch_works = false;
  for (std::uint64_t i = 1; i <= 200; ++i) p.step(append(2, 1, at(i - 1, i == 1 ? 0 : 1), {entry(i, 1)}, i));
  CHECK(p.core().log().size() <= 64);
  for (int i = 0; i < 200 && p.handed < log_index{200}; ++i) {
    p.core().applied(p.handed);
    p.answer_fetches();
    p.pump();
  }
  CHECK(p.handed == log_index{200});
  CHECK(p.machine == p.on_disk.log);
}

TEST_CASE("a window that is not needed shrinks when it is applied", "[raft][window]") {
  auto p = leader_with_evicted_log();
  CHECK(p.core().log().size() <= 5);
  CHECK(p.core().log().term_at(log_index{1}) == term{1});  // the terms stay known
}
