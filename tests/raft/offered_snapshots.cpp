#include "raft/harness.hpp"

using namespace raft_tests;
using raft::snapshot_verdict;

namespace {

raft::snapshot_meta ends_at(std::uint64_t index, std::uint64_t of_term) { return {at(index, of_term), voters({1, 2, 3})}; }

}  // namespace

TEST_CASE("a snapshot that ends in the log is not installed: its entries are committed, those behind it stay", "[raft][snapshot]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 1, 2}));
  CHECK(p.core().offered(peer_id{2}, term{2}, at(3, 1)) == snapshot_verdict::held);
  p.pump();
  CHECK(p.see().commit == log_index{3});
  CHECK(p.see().last == log_index{4});  // it may have been acknowledged
  auto const answer = p.only(message_kind::append_reply);
  CHECK(!answer.refused);
  CHECK(answer.index == log_index{3});
}

TEST_CASE("a snapshot that ends behind the log, or in another history, is wanted", "[raft][snapshot]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 1}));
  CHECK(p.core().offered(peer_id{2}, term{2}, at(9, 2)) == snapshot_verdict::wanted);
  CHECK(p.core().offered(peer_id{2}, term{2}, at(3, 2)) == snapshot_verdict::wanted);
  CHECK(p.see().commit == log_index{0});
}

TEST_CASE("a snapshot that ends below the commit is answered with the commit", "[raft][snapshot]") {
  auto from = disk_of(voters({1, 2, 3}), {1, 1, 1});
  from.state.commit = log_index{3};
  auto p = lonely(from);
  CHECK(p.core().offered(peer_id{2}, term{2}, at(2, 1)) == snapshot_verdict::held);
  p.pump();
  CHECK(p.only(message_kind::append_reply).index == log_index{3});
}

TEST_CASE("while a snapshot is installed appends are dropped unanswered, and a second one is ignored", "[raft][snapshot]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  REQUIRE(p.core().offered(peer_id{2}, term{2}, at(9, 2)) == snapshot_verdict::wanted);
  p.core().installing(ends_at(9, 2));
  p.pump();
  p.sent();
  p.step(append(2, 2, at(2, 1), entries(3, {2}), 3));
  CHECK(p.see().last == log_index{2});
  CHECK(p.sent(message_kind::append_reply).empty());
  CHECK(p.core().offered(peer_id{2}, term{2}, at(12, 2)) == snapshot_verdict::ignored);

  p.core().installed(ends_at(9, 2));
  p.pump();
  CHECK(p.see().last == log_index{9});
  CHECK(p.see().commit == log_index{9});
  CHECK(p.only(message_kind::append_reply).index == log_index{9});
}
