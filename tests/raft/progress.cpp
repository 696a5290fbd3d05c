#include <tinykv/raft/progress.hpp>

#include "support/catch.hpp"

using tinykv::log_index;
using tinykv::peer_id;
using tinykv::raft::progress;

namespace {

/// A peer that has accepted up to 5 and to which 6 to 9 are on their way.
progress replicating() {
  progress p{peer_id{2}, log_index{6}};
  p.sent(log_index{5}, 0);
  REQUIRE(p.accepted(log_index{5}));
  for (std::uint64_t i = 6; i <= 9; ++i) p.sent(log_index{i}, 100);
  REQUIRE(p.replicating());
  REQUIRE(p.next() == log_index{10});
  return p;
}

}  // namespace

TEST_CASE("a delayed refusal of what was accepted since changes nothing", "[raft][progress]") {
  auto p = replicating();
  CHECK(!p.refused(log_index{5}, log_index{2}));
  CHECK(!p.refused(log_index{3}, log_index{2}));
  CHECK(p.replicating());
  CHECK(p.next() == log_index{10});
}

TEST_CASE("a refusal of what was never sent changes nothing", "[raft][progress]") {
  auto p = replicating();
  CHECK(!p.refused(log_index{10}, log_index{7}));
  CHECK(p.replicating());
  CHECK(p.next() == log_index{10});
}

TEST_CASE("a refusal goes back to its hint, but never to or below what was accepted", "[raft][progress]") {
  auto p = replicating();
  CHECK(p.refused(log_index{8}, log_index{6}));
  CHECK(!p.replicating());
  CHECK(p.next() == log_index{7});

  auto q = replicating();
  CHECK(q.refused(log_index{8}, log_index{1}));  // it has lost what it had accepted, or lies
  CHECK(q.next() == log_index{6});
  CHECK(q.match() == log_index{5});
}

TEST_CASE("while probing only the answer to the probe counts", "[raft][progress]") {
  progress p{peer_id{2}, log_index{6}};
  p.sent(log_index{5}, 0);
  CHECK(!p.may_send(64, 1000));
  CHECK(!p.refused(log_index{3}, log_index{1}));
  CHECK(p.next() == log_index{6});
  CHECK(p.refused(log_index{5}, log_index{3}));
  CHECK(p.next() == log_index{4});
  CHECK(p.may_send(64, 1000));
}
