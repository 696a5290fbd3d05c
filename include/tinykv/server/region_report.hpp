#pragma once

#include <tinykv/raft/quorum.hpp>
#include <tinykv/server/status_report.hpp>
#include <tinykv/wire/admin_values.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinykv::server {

/// The name of what a leader does with a peer, as printed.
constexpr std::string_view name_of(raft::progress_state state) {
  switch (state) {
    case raft::progress_state::probing: return "probing";
    case raft::progress_state::replicating: return "replicating";
    case raft::progress_state::snapshot: return "snapshot";
  }
  return "unlisted";
}

/// The members of a configuration with their addresses: those that travelled with it, else the ones of `addresses`.
inline std::vector<wire::peer_report> report_peers(raft::membership const& configuration,
                                                   std::map<store_id, std::string> const& addresses) {
  std::vector<wire::peer_report> out;
  for (auto const& peer : peers_of(configuration)) out.push_back({peer, address_of(peer.store, configuration, addresses), {}, {}, 0, false});
  return out;
}

/// What `show` says of one group, without the range. `Group` is a `raftstore::group_status`.
template <class Group>
wire::region_report report_region(Group const& group, std::map<store_id, std::string> const& addresses) {
  auto const& raft = group.raft;
  wire::region_report out;
  out.id = group.group;
  out.state = raft.installing ? region_state::applying : region_state::normal;
  out.role = name_of(raft.role);
  out.term = raft.term;
  out.leader = group.leader_store;
  out.leader_address = address_of(out.leader, raft.configuration, addresses);
  out.version = raft.configuration.version;
  out.changing = raft.change_pending || raft::is_joint(raft.configuration);
  out.last = raft.last;
  out.commit = raft.commit;
  out.applied = raft.applied;
  out.peers = report_peers(raft.configuration, addresses);
  if (raft.role != raft::role::leader) return out;
  for (auto& each : out.peers) {
    if (each.peer.peer == raft.self) {
      each.state = "leader";
      each.match = raft.durable;
      each.active = true;
    }
    for (auto const& seen : raft.peers) {
      if (seen.peer != each.peer.peer) continue;
      each.state = name_of(seen.state);
      each.match = seen.match;
      each.active = seen.active;
    }
    each.lag = raft.last.value - std::min(raft.last, each.match).value;
  }
  return out;
}

/// The member that is meant; none when the configuration has none of that name.
inline std::optional<raft::member> find_member(raft::membership const& configuration, wire::peer_name const& name) {
  for (auto const& m : raft::all_members(configuration))
    if (name.peer != peer_id{} ? m.peer == name.peer : m.store == name.store) return m;
  return {};
}

namespace detail {

inline void erase(std::vector<raft::member>& list, peer_id peer) {
  std::erase_if(list, [&](auto const& m) { return m.peer == peer; });
}
inline void insert(std::vector<raft::member>& list, raft::member m) {
  erase(list, m.peer);
  list.insert(std::upper_bound(list.begin(), list.end(), m, [](auto const& a, auto const& b) { return a.peer < b.peer; }), std::move(m));
}

}  // namespace detail

/// The members when nobody is on the way any more: where a joint configuration leads to.
inline raft::membership settled(raft::membership configuration) {
  configuration.outgoing.clear();
  return configuration;
}

/// The members of `now` and the one that is asked for. `rejected` (invalid_argument) when its peer is on another store, or
/// its store has another peer.
inline result<raft::membership> with_peer(raft::membership const& now, wire::add_peer_request asked) {
  for (auto const& m : raft::all_members(now)) {
    if (m.store == asked.store && asked.peer == peer_id{}) asked.peer = m.peer;
    if (m.peer == asked.peer && m.store != asked.store)
      return rejected(error_code::invalid_argument, "peer " + std::to_string(m.peer.value) + " is on store " + std::to_string(m.store.value) +
                                                        "; numbers of peers are not used again: choose another one");
    if (m.store == asked.store && m.peer != asked.peer)
      return rejected(error_code::invalid_argument,
                      "store " + std::to_string(m.store.value) + " has peer " + std::to_string(m.peer.value) + " of this region already");
  }
  auto out = settled(now);
  raft::member const one{asked.peer, asked.store, asked.address};
  if (asked.learner && raft::contains(out.voters, asked.peer)) {
    detail::insert(out.voters, one);  // it is more than was asked for; its address may be new
    return out;
  }
  detail::erase(out.learners, asked.peer);
  detail::insert(asked.learner ? out.learners : out.voters, one);
  return out;
}

/// The members of `now` without the one that is meant. `rejected` (invalid_argument) when it is the last voter.
inline result<raft::membership> without_peer(raft::membership const& now, wire::peer_name const& name) {
  auto out = settled(now);
  auto const gone = find_member(now, name);
  if (!gone) return out;
  detail::erase(out.voters, gone->peer);
  detail::erase(out.learners, gone->peer);
  if (out.voters.empty())
    return rejected(error_code::invalid_argument, "peer " + std::to_string(gone->peer.value) + " is the last voter; add another one first");
  return out;
}

}  // namespace tinykv::server
