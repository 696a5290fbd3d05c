#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;
using tinykv::error_code;

namespace {

// Peer 1 leads {1,2,3}; 2 holds the empty entry and is sent to without waiting.
peer leader(raft::options const& o) {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), o);
  make_leader(p);
  p.step(accepted(2, 1, 1));
  p.sent();
  return p;
}

std::vector<raft::message> appends_to_2(peer& p) {
  auto all = p.sent(message_kind::append);
  std::erase_if(all, [](auto const& m) { return m.to != peer_id{2}; });
  return all;
}

}  // namespace

TEST_CASE("appends under way are bounded in bytes", "[raft][limits]") {
  auto o = options_of(1);
  o.inflight_bytes_max = 400;
  auto p = leader(o);
  for (int i = 0; i < 10; ++i) REQUIRE(p.propose(std::string(136, 'x')));  // 200 each
  CHECK(appends_to_2(p).size() == 2);
  p.step(accepted(2, 1, 2));
  CHECK(appends_to_2(p).size() == 1);
  p.step(accepted(2, 1, 11));
  CHECK(p.see().commit == log_index{11});
}

TEST_CASE("one append is let through however large it is", "[raft][limits]") {
  auto o = options_of(1);
  o.inflight_bytes_max = 100;
  auto p = leader(o);
  REQUIRE(p.propose(std::string(1000, 'x')));
  REQUIRE(p.propose(std::string(1000, 'y')));
  CHECK(appends_to_2(p).size() == 1);
  p.step(accepted(2, 1, 2));
  CHECK(appends_to_2(p).size() == 1);
}

TEST_CASE("a follower that is alive frees the oldest of appends that nobody answers", "[raft][limits]") {
  auto o = options_of(1);
  o.inflight_bytes_max = 200;
  auto p = leader(o);
  for (int i = 0; i < 5; ++i) REQUIRE(p.propose(std::string(136, 'x')));
  CHECK(appends_to_2(p).size() == 1);
  p.step(reply(message_kind::heartbeat_reply, 2, 1));
  CHECK(!appends_to_2(p).empty());
}

TEST_CASE("an append holds at most so many entries", "[raft][limits]") {
  auto o = options_of(1);
  o.append_entries_max = 3;
  auto p = lonely(disk_of(voters({1, 2, 3}), {}), o);
  make_leader(p);
  for (int i = 0; i < 9; ++i) REQUIRE(p.propose("x"));
  p.sent();
  p.step(accepted(2, 1, 1));
  auto const sent = appends_to_2(p);
  REQUIRE(sent.size() == 3);
  for (auto const& m : sent) CHECK(m.entries.size() == 3);
}

TEST_CASE("nor more when they are fetched from the log", "[raft][limits]") {
  auto o = options_of(1);
  o.append_entries_max = 3;
  o.window_entries_max = 64;
  auto p = leader(o);
  for (std::uint64_t i = 2; i <= 40; ++i) {
    REQUIRE(p.propose("x"));
    p.step(accepted(2, 1, i));
  }
  p.sent();
  p.step(accepted(3, 1, 1));
  auto all = p.sent(message_kind::append);
  std::erase_if(all, [](auto const& m) { return m.to != peer_id{3}; });
  REQUIRE(all.size() > 2);
  for (auto const& m : all) CHECK(m.entries.size() <= 3);
}

TEST_CASE("a leader is busy when too many bytes wait for a quorum, and free when they are committed", "[raft][limits]") {
  auto o = options_of(1);
  o.uncommitted_bytes_max = 500;
  auto p = leader(o);
  REQUIRE(p.propose(std::string(136, 'x')));
  REQUIRE(p.propose(std::string(136, 'x')));
  auto const got = p.propose(std::string(136, 'x'));
  REQUIRE_FALSE(got);
  CHECK(got.error().code == error_code::busy);
  CHECK(got.error().outcome == tinykv::outcome::rejected);
  REQUIRE(p.propose("small"));  // 469 of 500
  p.step(accepted(2, 1, 2));
  CHECK(p.propose(std::string(136, 'x')));
}

TEST_CASE("one command is let through however large it is, and the next waits", "[raft][limits]") {
  auto o = options_of(1);
  o.uncommitted_bytes_max = 100;
  auto p = leader(o);
  REQUIRE(p.propose(std::string(1000, 'x')));
  CHECK(p.propose("y").error().code == error_code::busy);
  p.step(accepted(2, 1, 2));
  CHECK(p.propose("y"));
}

TEST_CASE("changes of members are not held up by commands that wait", "[raft][limits]") {
  auto o = options_of(1);
  o.uncommitted_bytes_max = 100;
  auto p = leader(o);
  REQUIRE(p.propose(std::string(1000, 'x')));
  CHECK(p.core().change_membership(group({1, 2}), 0));
}

TEST_CASE("a new leadership counts from nothing", "[raft][limits]") {
  auto o = options_of(1);
  o.uncommitted_bytes_max = 300;
  auto p = leader(o);
  while (p.propose(std::string(136, 'x'))) {}
  p.core().abdicate();
  p.step(vote_request(2, 2, at(9, 1)));
  p.tick(40);
  p.step(reply(message_kind::pre_vote_reply, 2, p.see().term.value + 1));
  p.step(reply(message_kind::vote_reply, 2, p.see().term.value));
  REQUIRE(p.leads());
  CHECK(p.propose(std::string(136, 'x')));
}

TEST_CASE("a configuration that is larger than the room of the window is refused as busy", "[raft][limits]") {
  auto o = options_of(1);
  o.window_bytes_max = 8000;
  auto p = leader(o);
  auto target = group({1, 2, 3}, {});
  for (std::uint64_t id = 4; id <= 40; ++id) target.learners.push_back({peer_id{id}, tinykv::store_id{id}, std::string(200, 'a')});
  CHECK(p.core().change_membership(target, 0).error().code == error_code::busy);
}

TEST_CASE("the leave of a joint configuration always fits", "[raft][limits][membership]") {
  auto o = options_of(1);
  o.window_entries_max = 8;
  disk d;
  d.truncated.configuration = group({1, 2}, {}, {1, 3}, 3);
  o.pre_vote = false;
  auto p = lonely(std::move(d), o);
  for (int i = 0; i < 100 && p.see().role == role::follower; ++i) p.tick();
  p.step(reply(message_kind::vote_reply, 2, 1));
  p.step(reply(message_kind::vote_reply, 3, 1));
  REQUIRE(p.leads());
  while (p.propose("x")) {}
  auto const last = p.see().last;
  p.step(accepted(2, 1, 1));
  p.step(accepted(3, 1, 1));
  CHECK(p.see().last == last + 1);
  CHECK(p.see().change_pending);
}
