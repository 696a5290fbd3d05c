#pragma once

#include <tinykv/raft/values/membership.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace tinykv::raft {

/// The greatest v such that a majority of `voters` have `value_of(peer) >= v`; 0 when there are no voters.
/// Counts instead of sorting: groups are small and this allocates nothing.
template <class F>
std::uint64_t majority_value(std::vector<member> const& voters, F const& value_of) {
  std::uint64_t best = 0;
  for (auto const& candidate : voters) {
    auto const v = value_of(candidate.peer);
    auto const reached = std::count_if(voters.begin(), voters.end(), [&](auto const& m) { return value_of(m.peer) >= v; });
    if (2 * static_cast<std::size_t>(reached) > voters.size()) best = std::max(best, v);
  }
  return best;
}

/// The same over a configuration; a joint one needs both majorities (dissertation 4.3).
template <class F>
std::uint64_t quorum_value(membership const& group, F const& value_of) {
  auto const v = majority_value(group.voters, value_of);
  return group.outgoing.empty() ? v : std::min(v, majority_value(group.outgoing, value_of));
}

/// True iff those for whom `holds(peer)` are a quorum. An empty configuration has none.
template <class F>
bool has_quorum(membership const& group, F const& holds) {
  return quorum_value(group, [&](peer_id p) -> std::uint64_t { return holds(p) ? 1 : 0; }) == 1;
}

/// How an election stands.
enum class election : std::uint8_t {
  open,  ///< Answers are missing.
  won,   ///< A quorum granted.
  lost,  ///< A quorum can no longer grant.
};

/// Counts an election; `vote_of(peer)` is empty as long as that peer has not answered.
template <class F>
election tally(membership const& group, F const& vote_of) {
  if (has_quorum(group, [&](peer_id p) { return vote_of(p) == std::optional<bool>{true}; })) return election::won;
  auto const possible = has_quorum(group, [&](peer_id p) { return vote_of(p) != std::optional<bool>{false}; });
  return possible ? election::open : election::lost;
}

/// True iff `peer` is in `list`.
inline bool contains(std::vector<member> const& list, peer_id peer) {
  return std::any_of(list.begin(), list.end(), [&](auto const& m) { return m.peer == peer; });
}

/// True iff `peer` may be elected and is counted.
inline bool is_voter(membership const& group, peer_id peer) {
  return contains(group.voters, peer) || contains(group.outgoing, peer);
}

/// Every member once: voters, then those only outgoing, then learners.
inline std::vector<member> all_members(membership const& group) {
  auto out = group.voters;
  for (auto const& m : group.outgoing)
    if (!contains(out, m.peer)) out.push_back(m);
  for (auto const& m : group.learners)
    if (!contains(out, m.peer)) out.push_back(m);
  return out;
}

}  // namespace tinykv::raft
