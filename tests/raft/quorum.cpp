#include <tinykv/raft/quorum.hpp>

#include "harness.hpp"

#include <tinykv/core/random.hpp>

using namespace raft_tests;

TEST_CASE("a majority holds what the middle of the sorted values says", "[raft][quorum]") {
  tinykv::random draw{11};
  for (int i = 0; i < 2000; ++i) {
    raft::membership group;
    std::map<peer_id, std::uint64_t> held;
    auto const size = 1 + draw.below(7);
    for (std::uint64_t id = 1; id <= size; ++id) {
      group.voters.push_back({peer_id{id}, tinykv::store_id{id}});
      held[peer_id{id}] = draw.below(6);
    }
    std::vector<std::uint64_t> sorted;
    for (auto const& [id, v] : held) sorted.push_back(v);
    std::sort(sorted.begin(), sorted.end(), std::greater<>{});
    CHECK(raft::quorum_value(group, [&](peer_id p) { return held.at(p); }) == sorted[size / 2]);
  }
}

TEST_CASE("nobody is no quorum", "[raft][quorum]") {
  CHECK_FALSE(raft::has_quorum(raft::membership{}, [](peer_id) { return true; }));
  CHECK(raft::tally(raft::membership{}, [](peer_id) { return std::optional{true}; }) != raft::election::won);
}

TEST_CASE("a joint quorum is the lesser of two", "[raft][quorum]") {
  auto group = voters({1, 2, 3});
  group.outgoing = voters({3, 4, 5}).voters;
  auto const value = [](peer_id p) { return p.value; };
  CHECK(raft::quorum_value(group, value) == 2);
  CHECK(raft::all_members(group).size() == 5);
  CHECK(raft::is_voter(group, peer_id{5}));
  CHECK_FALSE(raft::is_voter(group, peer_id{6}));
}

TEST_CASE("an election is open until a quorum has granted or can no longer grant", "[raft][quorum]") {
  auto const group = voters({1, 2, 3, 4});
  std::map<peer_id, bool> votes;
  auto const vote_of = [&](peer_id p) { return votes.count(p) == 0 ? std::nullopt : std::optional{votes[p]}; };
  votes[peer_id{1}] = true;
  votes[peer_id{2}] = true;
  CHECK(raft::tally(group, vote_of) == raft::election::open);
  votes[peer_id{3}] = false;
  CHECK(raft::tally(group, vote_of) == raft::election::open);
  votes[peer_id{4}] = false;
  CHECK(raft::tally(group, vote_of) == raft::election::lost);
  votes[peer_id{4}] = true;
  CHECK(raft::tally(group, vote_of) == raft::election::won);
}
