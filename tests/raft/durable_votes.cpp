#include "raft/harness.hpp"

using namespace raft_tests;

TEST_CASE("a vote given in a term that is durable already is written before the grant leaves", "[raft][election][disk]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  p.step(vote_request(3, 5, at(1, 1)));  // its log is shorter: refused, but the term rises
  REQUIRE(p.only(message_kind::vote_reply).refused);
  REQUIRE(p.on_disk.state.term == term{5});
  REQUIRE(p.on_disk.state.vote == peer_id{});

  p.disk_works = false;
  p.step(vote_request(2, 5, at(2, 1)));
  CHECK(p.sent(message_kind::vote_reply).empty());
  REQUIRE(p.persist());
  CHECK(p.on_disk.state.vote == peer_id{2});
  CHECK(!p.only(message_kind::vote_reply).refused);

  p.disk_works = true;
  p.restart();
  p.step(vote_request(3, 5, at(9, 4)));  // whatever its log is now: the vote of this term is gone
  CHECK(p.only(message_kind::vote_reply).refused);
}
