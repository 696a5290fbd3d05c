#include "network.hpp"

using namespace paper;
using raft::snapshot_verdict;

namespace {

raft::snapshot_meta at_eleven() { return {at(11, 11), voters({1, 2, 3})}; }

void install(peer& p, raft::snapshot_meta const& meta, std::uint64_t from = 2, std::uint64_t of_term = 11) {
  REQUIRE(p.core().offered(peer_id{from}, term{of_term}, meta.at) == snapshot_verdict::wanted);
  p.begin_install(meta);
  p.end_install(meta);
}

}  // namespace

TEST_CASE("TestRestoreSnapshot2C: after a snapshot the last entry, its term and the members are the snapshot's", "[raft][paper][7]") {
  auto p = node(2);
  install(p, at_eleven());
  CHECK(p.see().last == log_index{11});
  CHECK(p.core().log().term_at(log_index{11}) == std::optional{term{11}});
  CHECK(p.see().configuration == voters({1, 2, 3}));
}

TEST_CASE("TestRestoreIgnoreSnapshot2C: a snapshot at or below the commit leaves it as it is", "[raft][paper][7]") {
  auto p = node(2);
  p.step(append(2, 1, at(0, 0), entries(1, {1, 1, 1}), 2));
  CHECK(p.core().offered(peer_id{2}, term{1}, at(2, 1)) == snapshot_verdict::held);
  CHECK(p.see().commit == log_index{2});
  CHECK(p.core().offered(peer_id{2}, term{1}, at(1, 1)) == snapshot_verdict::held);
  CHECK(p.see().commit == log_index{2});
  CHECK(p.see().last == log_index{3});
}

// The core asks its host for the snapshot; the transfer is the host's (SAFETY.md §5).
TEST_CASE("TestProvideSnap2C: a follower that is behind the snapshot gets one, and nothing else, on a proposal", "[raft][paper][7][departure]") {
  disk d;
  d.truncated = {at(11, 11), voters({1, 2})};
  d.state.term = term{11};
  d.applied = log_index{11};
  auto p = peer{plain_options(), std::move(d)};
  win(p);
  p.sent();
  auto no = reply(message_kind::append_reply, 2, 12, true);
  no.index = log_index{11};
  p.step(no);
  REQUIRE(p.propose("some data"));
  REQUIRE(p.snapshots.size() == 1);
  CHECK(p.snapshots[0].peer == peer_id{2});
  CHECK(p.snapshots[0].at_least == log_index{11});
  CHECK(p.sent(message_kind::append).empty());
}

TEST_CASE("TestRestoreFromSnapMsg2C: a snapshot tells who leads", "[raft][paper][7]") {
  auto p = node(2);
  p.core().offered(peer_id{1 + 1}, term{2}, at(11, 1));
  CHECK(p.see().leader == peer_id{2});
  CHECK(p.see().term == term{2});
}

TEST_CASE("TestRestoreFromSnapWithOverlapingPeersMsg2C: the members become exactly the snapshot's", "[raft][paper][7]") {
  auto p = node(3);
  install(p, {at(11, 11), voters({2, 3, 4})}, 1 + 4);
  CHECK(p.see().configuration == voters({2, 3, 4}));
}

TEST_CASE("TestSlowNodeRestore2C: a peer that was cut off comes to the leader's commit through a snapshot", "[raft][paper][7]") {
  cluster c({1, 2, 3}, plain);
  hup(c, 1);
  c.cut_off(3);
  for (int i = 0; i < 100; ++i) REQUIRE(c[1].propose("x"));
  c.deliver();
  c[1].compact(c[1].see().applied.value);
  c.heal();
  c[1].tick(2);
  c.deliver();
  REQUIRE(c[1].snapshots.size() == 1);
  c.serve_snapshots();
  REQUIRE(c[1].propose("y"));
  c.deliver();
  CHECK(c[3].see().commit == c[1].see().commit);
  CHECK(c[3].see().first > log_index{100});
}
