#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;
using tinykv::error_code;

namespace {

// Leads {1,2,3} in term 1, everything committed and known to the others.
peer settled_leader() {
  auto o = options_of(1);
  o.pre_vote = false;
  disk d;
  d.truncated.configuration = group({1, 2, 3});
  auto p = lonely(std::move(d), o);
  for (int i = 0; i < 100 && p.see().role == role::follower; ++i) p.tick();
  for (std::uint64_t const other : {2U, 3U})
    if (!p.leads()) p.step(reply(message_kind::vote_reply, other, 1));
  REQUIRE(p.leads());
  for (std::uint64_t const other : {2U, 3U}) p.step(accepted(other, 1, 1));
  REQUIRE(p.see().commit == log_index{1});
  p.sent();
  return p;
}

}  // namespace

// A leader that does not know yet that another one leads, and adds peers, must not send those away.
TEST_CASE("a leader takes a peer that it has never heard of for a new one, not for a removed one", "[raft][membership][removal]") {
  auto p = settled_leader();
  p.step(vote_request(4, 3, at(1, 1), message_kind::pre_vote_request));
  CHECK(p.sent(message_kind::removed).empty());
  CHECK(p.leads());
}

TEST_CASE("a peer that was a member and is none any more is told so whenever it asks", "[raft][membership][removal]") {
  auto p = settled_leader();
  REQUIRE(p.core().change_membership(group({1, 2}), 0));
  p.pump();
  for (std::uint64_t const index : {2U, 2U}) {
    auto m = accepted(2, 1, index);
    m.commit = log_index{2};
    p.step(m);
  }
  REQUIRE(p.see().configuration.version == 1);
  p.sent();
  p.step(vote_request(3, 2, at(1, 1), message_kind::pre_vote_request));
  CHECK(p.only(message_kind::removed).to == peer_id{3});
  p.step(vote_request(4, 2, at(1, 1), message_kind::pre_vote_request));
  CHECK(p.sent(message_kind::removed).empty());
}

TEST_CASE("a store does not get a second peer in the step that drops its first", "[raft][membership]") {
  auto p = settled_leader();
  auto target = group({1}, {4});
  target.learners[0].store = tinykv::store_id{3};
  auto const refused = p.core().change_membership(target, 0);  // joint: peer 3 would be counted as outgoing beside peer 4
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == error_code::invalid_argument);
}
