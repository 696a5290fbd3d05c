#pragma once

#include <tinykv/raft/values/ready.hpp>
#include <tinykv/wire/kv_values.hpp>

#include <map>
#include <string>
#include <string_view>

namespace tinykv::server {

/// The name of a role, as printed.
constexpr std::string_view name_of(raft::role role) {
  switch (role) {
    case raft::role::follower: return "follower";
    case raft::role::pre_candidate: return "pre_candidate";
    case raft::role::candidate: return "candidate";
    case raft::role::leader: return "leader";
  }
  return "unlisted";
}

/// The members of a configuration with what they are in it; a voter of both halves of a joint one stands once.
inline std::vector<region_peer> peers_of(raft::membership const& configuration) {
  std::map<peer_id, region_peer> peers;
  auto const joint = !configuration.outgoing.empty();
  for (auto const& m : configuration.learners) peers[m.peer] = {m.peer, m.store, peer_role::learner};
  for (auto const& m : configuration.outgoing) peers[m.peer] = {m.peer, m.store, peer_role::demoting};
  for (auto const& m : configuration.voters) {
    auto const stays = !joint || peers.contains(m.peer);
    peers[m.peer] = {m.peer, m.store, stays ? peer_role::voter : peer_role::incoming};
  }
  std::vector<region_peer> out;
  for (auto const& [id, peer] : peers) out.push_back(peer);
  return out;
}

/// Where `store` is reached: what travelled with the configuration in force, else the one of `addresses`; empty = not known.
inline std::string address_of(store_id store, raft::membership const& configuration, std::map<store_id, std::string> const& addresses) {
  for (auto const* list : {&configuration.voters, &configuration.outgoing, &configuration.learners})
    for (auto const& m : *list)
      if (m.store == store && !m.address.empty()) return m.address;
  auto const known = addresses.find(store);
  return known == addresses.end() ? std::string{} : known->second;
}

/// What `status` says of one group. `Group` is a `raftstore::group_status`.
template <class Group>
wire::group_status report_group(Group const& group, std::map<store_id, std::string> const& addresses) {
  auto const& raft = group.raft;
  wire::group_status out;
  out.group = group.group;
  out.role = name_of(raft.role);
  out.term = raft.term;
  out.first = raft.first;
  out.last = raft.last;
  out.durable = raft.durable;
  out.commit = raft.commit;
  out.applied = raft.applied;
  out.peers = peers_of(raft.configuration);
  out.leader = group.leader_store;
  out.fenced = group.fenced;
  out.leader_address = address_of(out.leader, raft.configuration, addresses);
  return out;
}

/// What a store says of itself, for clients. `Status` is a `raftstore::store_status`.
template <class Status>
wire::status_reply report(Status const& status, std::map<store_id, std::string> const& addresses, std::string version) {
  wire::status_reply out;
  out.cluster = status.self.cluster;
  out.store = status.self.store;
  out.uuid = status.self.uuid.text();
  out.start_epoch = status.self.start.epoch;
  out.version = std::move(version);
  out.failed = status.failed;
  if (auto const known = addresses.find(out.store); known != addresses.end()) out.address = known->second;
  for (auto const& group : status.groups) out.groups.push_back(report_group(group, addresses));
  for (auto const& [store, why] : status.refused_by) out.refused_by.push_back({store, why});
  return out;
}

}  // namespace tinykv::server
