#pragma once

#include <tinykv/raft/values/membership.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
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

/// True iff `peer` is in the configuration, in whatever part.
inline bool is_member(membership const& group, peer_id peer) { return is_voter(group, peer) || contains(group.learners, peer); }

/// The highest peer id that the group has ever had.
inline peer_id highest_peer(membership const& group) {
  auto out = group.highest_peer;
  for (auto const* list : {&group.voters, &group.outgoing, &group.learners})
    for (auto const& m : *list) out = std::max(out, m.peer);
  return out;
}

/// True iff a change of voters is under way (dissertation 4.3).
inline bool is_joint(membership const& group) { return !group.outgoing.empty(); }

/// Nothing if `group` may be asked for: there are voters, every list rises by peer, no peer and no store occurs twice, it
/// is not joint, and nothing in it is 0 or too long. Otherwise what is wrong with it.
inline std::optional<std::string_view> fault_of(membership const& group) {
  if (group.voters.empty()) return "a group needs a voter";
  if (is_joint(group)) return "name the voters to come; the joint configuration is made here";
  if (group.voters.size() + group.learners.size() > membership::members_max) return "too many members";
  auto members = group.voters;
  members.insert(members.end(), group.learners.begin(), group.learners.end());
  auto const sorted = [](auto const& list) {
    return std::is_sorted(list.begin(), list.end(), [](auto const& a, auto const& b) { return a.peer < b.peer; });
  };
  if (!sorted(group.voters) || !sorted(group.learners)) return "members must rise by peer";
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto const& m = members[i];
    if (m.peer == peer_id{} || m.store == store_id{}) return "peers and stores must not be 0";
    if (m.address.size() > member::address_bytes_max) return "an address is too long";
    for (std::size_t j = 0; j < i; ++j)
      if (members[j].peer == m.peer || members[j].store == m.store) return "a peer or a store occurs twice";
  }
  return std::nullopt;
}

}  // namespace tinykv::raft
