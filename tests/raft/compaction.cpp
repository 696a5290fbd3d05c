#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {

// Follows 2 in term 4; (1,1) (2,1) (3,2) (4,4) (5,4) are applied, (6,4) is not committed.
peer follower() {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 2, 4, 4, 4}));
  p.step(append(2, 4, at(6, 4), {}, 5));
  REQUIRE(p.see().applied == log_index{5});
  p.sent();
  return p;
}

}  // namespace

TEST_CASE("a compacted log knows the term of its last lost entry and of those behind it, and no other", "[raft][compaction]") {
  for (std::uint64_t i = 1; i <= 5; ++i) {
    CAPTURE(i);
    auto p = follower();
    p.compact(i);
    std::vector<std::uint64_t> const terms{0, 1, 1, 2, 4, 4, 4};
    for (std::uint64_t k = 0; k <= 7; ++k) {
      auto const known = p.core().log().term_at(log_index{k});
      if (k < i || k > 6) CHECK_FALSE(known.has_value());
      else CHECK(known == std::optional{term{terms[k]}});
    }
    CHECK(p.see().first == log_index{i + 1});
    CHECK(p.core().log().last_term() == term{4});
  }
}

TEST_CASE("a log that is compacted to its end goes on from there", "[raft][compaction]") {
  auto p = follower();
  p.step(append(2, 4, at(6, 4), {}, 6));
  p.compact(6);
  CHECK(p.core().log().size() == 0);
  CHECK(p.core().log().last_term() == term{4});
  p.sent();
  p.step(append(2, 4, at(6, 4), {entry(7, 4)}, 7));
  CHECK(p.only(message_kind::append_reply).index == log_index{7});
  CHECK(p.handed == log_index{7});
}

TEST_CASE("compacting again to the same place changes nothing, and further goes on", "[raft][compaction]") {
  auto p = follower();
  p.compact(3);
  p.compact(3);
  CHECK(p.see().first == log_index{4});
  p.compact(5);
  CHECK(p.see().first == log_index{6});
  CHECK(p.core().log().last() == log_index{6});
}

TEST_CASE("an append from before the start of the log is judged by what is known", "[raft][compaction]") {
  auto p = follower();
  p.compact(4);
  p.step(append(2, 4, at(1, 1), entries(2, {1, 2, 4, 4, 4, 4}), 5));
  CHECK(p.only(message_kind::append_reply).index == log_index{7});
  CHECK(p.see().last == log_index{7});
}

TEST_CASE("a compacted peer starts again from its truncation", "[raft][compaction][restart]") {
  auto p = follower();
  p.compact(4);
  p.restart();
  CHECK(p.see().first == log_index{5});
  CHECK(p.see().last == log_index{6});
  CHECK(p.see().applied == log_index{5});
  CHECK(p.see().configuration == voters({1, 2, 3}));
}

TEST_CASE("a truncation carries the configuration in force after its own index", "[raft][compaction][membership]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.step(append(2, 1, at(1, 1),
                {entry(2, 1), change(3, 1, group({1, 2}, {}, {}, 1)), entry(4, 1), change(5, 1, group({1, 2}, {3}, {}, 2)), entry(6, 1)}, 6));
  REQUIRE(p.see().applied == log_index{6});
  auto const version_at = [&](std::uint64_t i) { return p.core().truncation_at(log_index{i}).configuration.version; };
  CHECK(p.core().truncation_at(log_index{2}) == raft::truncation{at(2, 1), voters({1, 2, 3})});
  CHECK(version_at(0) == 0);
  CHECK(version_at(3) == 1);
  CHECK(version_at(4) == 1);
  CHECK(version_at(5) == 2);
  CHECK(version_at(6) == 2);
  p.compact(4);
  CHECK(version_at(4) == 1);
  CHECK(version_at(5) == 2);
  CHECK(p.see().configuration == group({1, 2}, {3}, {}, 2));
  p.restart();
  CHECK(p.see().configuration == group({1, 2}, {3}, {}, 2));
  CHECK(p.core().truncation_at(log_index{4}).configuration == group({1, 2}, {}, {}, 1));
}

TEST_CASE("a leader sends from the first entry that it has, and none before", "[raft][compaction]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  for (int i = 0; i < 5; ++i) REQUIRE(p.propose("x"));
  p.step(accepted(2, 1, 6));
  p.compact(4);
  p.sent();
  auto no = reply(message_kind::append_reply, 3, 1, true);
  no.index = log_index{0};
  p.step(accepted(3, 1, 4));
  auto const sent = p.sent(message_kind::append);
  REQUIRE(!sent.empty());
  CHECK(sent[0].index == log_index{4});
  CHECK(sent[0].log_term == term{1});
  CHECK(sent[0].entries.front().index == log_index{5});
  CHECK(p.snapshots.empty());
}

TEST_CASE("an entry that the machine has not taken cannot be lost", "[raft][compaction]") {
  static bool caught;
  caught = false;
  struct broken {};
  auto const before = tinykv::set_check_handler([](char const*, char const*, int) {
    caught = true;
    throw broken{};
  });
  auto p = follower();
  CHECK_THROWS_AS(p.core().compacted(log_index{6}), broken);
  CHECK_THROWS_AS(p.core().truncation_at(log_index{6}), broken);
  tinykv::set_check_handler(before);
  CHECK(caught);
}
