#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {

// The next Ready itself: what is early and what is late (SAFETY.md section 1).
struct taken {
  explicit taken(raft::checked<raft::core>& core) : core_(core) {}
  raft::ready next() {
    REQUIRE(core_.has_ready());
    return core_.take_ready();
  }
  raft::checked<raft::core>& core_;
};

std::vector<message_kind> kinds(std::vector<raft::message> const& all) {
  std::vector<message_kind> out;
  for (auto const& m : all) out.push_back(m.kind);
  return out;
}

}  // namespace

TEST_CASE("grants and refusals of votes are late", "[raft][sending]") {
  for (auto const of_term : {0U, 3U, 9U})
    for (auto const kind : {message_kind::vote_request, message_kind::pre_vote_request}) {
      auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
      p.core().step(vote_request(2, of_term, at(5, 3), kind));
      auto const r = taken{p.core()}.next();
      CHECK(r.early.empty());
      CHECK(r.late.size() == 1);
    }
}

TEST_CASE("a vote is written in the Ready that holds the grant", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
  p.core().step(vote_request(2, 9, at(5, 3)));
  auto const r = taken{p.core()}.next();
  REQUIRE(r.state);
  CHECK(r.state->term == term{9});
  CHECK(r.state->vote == peer_id{2});
}

TEST_CASE("a pre-vote is answered without a write", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
  p.core().step(vote_request(2, 9, at(5, 3), message_kind::pre_vote_request));
  CHECK_FALSE(taken{p.core()}.next().has_writes());
}

TEST_CASE("what a leader sends in its own term is early", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.step(accepted(2, 1, 1));
  p.step(accepted(3, 1, 1));
  REQUIRE(p.core().propose(text("x"), term{1}));
  p.core().tick();
  p.core().tick();
  auto const r = taken{p.core()}.next();
  CHECK(r.late.empty());
  auto const sent = kinds(r.early);
  CHECK(std::count(sent.begin(), sent.end(), message_kind::append) == 2);
  CHECK(std::count(sent.begin(), sent.end(), message_kind::heartbeat) == 2);
  CHECK(r.has_writes());  // early beside a write of the same Ready
}

TEST_CASE("an answer to a heartbeat is early iff its term is durable", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
  p.core().step(mail(message_kind::heartbeat, 2, 3));
  CHECK(kinds(taken{p.core()}.next().early) == std::vector{message_kind::heartbeat_reply});

  p.core().step(mail(message_kind::heartbeat, 2, 4));
  auto const r = taken{p.core()}.next();
  CHECK(r.early.empty());
  CHECK(kinds(r.late) == std::vector{message_kind::heartbeat_reply});
  p.core().step(mail(message_kind::heartbeat, 2, 4));  // the write of the term is still under way
  CHECK(taken{p.core()}.next().early.empty());
  p.core().persisted(r.number);
  p.core().step(mail(message_kind::heartbeat, 2, 4));
  CHECK(kinds(taken{p.core()}.next().early) == std::vector{message_kind::heartbeat_reply});
}

TEST_CASE("an answer to a round goes at once although entries are being written", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
  p.core().step(append(2, 3, at(1, 3), {entry(2, 3)}));
  taken{p.core()}.next();
  p.core().step(mail(message_kind::heartbeat, 2, 3));
  CHECK(kinds(taken{p.core()}.next().early) == std::vector{message_kind::heartbeat_reply});
}

TEST_CASE("a refused append is late", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
  p.core().step(append(2, 3, at(7, 3), {}));
  auto const r = taken{p.core()}.next();
  CHECK(r.early.empty());
  CHECK(kinds(r.late) == std::vector{message_kind::append_reply});
}

TEST_CASE("a request for a read index waits for its term", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
  p.core().step(mail(message_kind::heartbeat, 2, 4));
  p.core().read_index(read_id{1});
  auto const r = taken{p.core()}.next();
  CHECK(r.early.empty());
  auto const late = kinds(r.late);
  CHECK(std::count(late.begin(), late.end(), message_kind::read_request) == 1);
}

TEST_CASE("a Ready after which nothing happened is empty", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
  p.core().step(append(2, 3, at(1, 3), {entry(2, 3)}, 1));
  taken{p.core()}.next();
  CHECK_FALSE(p.core().has_ready());
  auto const r = p.core().take_ready();
  CHECK_FALSE(r.has_writes());
  CHECK(r.early.empty());
  CHECK(r.late.empty());
  CHECK(r.committed.empty());
  CHECK(r.fetches.empty());
}

TEST_CASE("a changed commit starts no batch and rides in the next one", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3, 3}));
  p.step(append(2, 3, at(2, 3), {}, 2));
  CHECK(p.see().commit == log_index{2});
  CHECK(p.writes == 0);
  p.step(append(2, 3, at(2, 3), {entry(3, 3)}, 2));
  CHECK(p.writes == 1);
  CHECK(p.on_disk.state.commit == log_index{2});
}

TEST_CASE("term, vote, commit and entries of one Ready stand together", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
  p.core().step(vote_request(2, 8, at(5, 3)));
  p.core().step(append(2, 8, at(1, 3), {entry(2, 8)}, 2));
  auto const r = taken{p.core()}.next();
  REQUIRE(r.state);
  CHECK(*r.state == raft::hard_state{term{8}, peer_id{2}, log_index{2}});
  CHECK(r.entries.size() == 1);
  REQUIRE(r.committed.size() == 1);  // the other one is not durable here
  CHECK(r.committed[0].index == log_index{1});
}

TEST_CASE("entries are handed out to be stored once, and anew when they were replaced", "[raft][sending]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {3}));
  p.core().step(append(2, 3, at(1, 3), {entry(2, 3), entry(3, 3)}));
  CHECK(taken{p.core()}.next().entries.size() == 2);
  p.core().step(append(2, 3, at(1, 3), {entry(2, 3), entry(3, 3), entry(4, 3)}));
  CHECK(taken{p.core()}.next().entries.size() == 1);
  p.core().step(append(2, 4, at(1, 3), {entry(2, 4)}));
  auto const r = taken{p.core()}.next();
  REQUIRE(r.entries.size() == 1);
  CHECK(r.entries[0] == entry(2, 4));
}
