#pragma once

#include <tinykv/core/region.hpp>
#include <tinykv/raft/values/membership.hpp>

#include <algorithm>
#include <map>
#include <vector>

namespace tinykv::kv {

/// The copy of a configuration that a region keeps, sorted by peer: while it is joint, voters of one side only are
/// incoming or demoting (SAFETY.md §9).
inline std::vector<region_peer> peers_of(raft::membership const& group) {
  auto const has = [](std::vector<raft::member> const& all, peer_id peer) {
    return std::any_of(all.begin(), all.end(), [&](raft::member const& m) { return m.peer == peer; });
  };
  std::map<peer_id, region_peer> out;
  for (auto const& m : group.learners) out[m.peer] = {m.peer, m.store, peer_role::learner};
  for (auto const& m : group.outgoing)
    out[m.peer] = {m.peer, m.store, has(group.voters, m.peer) ? peer_role::voter : peer_role::demoting};
  auto const newcomer = group.outgoing.empty() ? peer_role::voter : peer_role::incoming;
  for (auto const& m : group.voters)
    out[m.peer] = {m.peer, m.store, has(group.outgoing, m.peer) ? peer_role::voter : newcomer};
  std::vector<region_peer> peers;
  for (auto const& [id, peer] : out) peers.push_back(peer);
  return peers;
}

}  // namespace tinykv::kv
