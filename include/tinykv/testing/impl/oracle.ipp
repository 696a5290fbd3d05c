#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/testing/oracle.hpp>

#include <algorithm>
#include <utility>

namespace tinykv::testing {

TINYKV_DECL void oracle::persisting(store_id store, sim::disk const& before, policy::log_write const& write) {
  if (write.group != group_) return;
  auto const* const stored = before.find(group_);
  sim::disk_group const nothing;
  auto const& disk = stored == nullptr ? nothing : *stored;
  promises_.persisting(store, disk, write);
  if (write.state && write.state->vote != peer_id{} && write.state->vote.value != store.value &&
      (write.state->term != disk.state.term || write.state->vote != disk.state.vote))
    reached_.count(situation::vote_persisted);
  if (write.truncated && !write.drop_entries) reached_.count(situation::log_compacted);
  if (write.truncated && write.drop_entries && write.truncated->at != position{} && disk.truncated.at != position{})
    reached_.count(situation::snapshot_installed);
  if (write.entries.empty()) return;
  auto const first = write.entries.front().index;
  if (first <= disk.last().index && disk.find(first) != nullptr) {
    reached_.count(situation::conflict_cut);
    if (disk.find(first)->term != disk.last().term) reached_.count(situation::conflict_of_terms);
  }
  auto const* const neighbour = disk.find(first - 1);
  auto before_term = neighbour != nullptr ? neighbour->term : disk.truncated.at.term;
  for (auto const& e : write.entries) {
    logs_.holds(e, before_term);
    before_term = e.term;
  }
}

TINYKV_DECL void oracle::sent(store_id store, policy::envelope const& mail) {
  auto const* const stored = disk_of(store);
  sim::disk_group const nothing;
  auto const& disk = stored == nullptr ? nothing : *stored;
  for (auto const& [group, m] : mail.messages) {
    if (group != group_) continue;
    promises_.sent(store, disk, m);
    if (m.kind == raft::message_kind::timeout_now) reached_.count(situation::leadership_handed_over);
    if (m.kind == raft::message_kind::append || m.kind == raft::message_kind::heartbeat) leads(m.from, m.term);
    auto before = m.log_term;
    for (auto const& e : m.entries) {
      logs_.holds(e, before);
      before = e.term;
    }
  }
}

TINYKV_DECL raft::entry const* oracle::entry_of(store_id store, raft::core const& core, log_index index) {
  if (core.log().holds(index)) return &core.log()[index];
  auto const* const disk = disk_of(store);
  return disk == nullptr ? nullptr : disk->find(index);
}

TINYKV_DECL void oracle::turned(store_id store, raft::core const& core) {
  auto const now = core.status();
  promises_.observe(store, in_.host(store).life, now);
  if (now.role == raft::role::leader) {
    leads(now.self, now.term);
    if (std::exchange(led_seen_[store], now.term) != now.term) completeness_.elected(now.self, now.term, core.log());
    appends_.leads(now.self, now.term, core.log());
    rule_.leads(now.self, now.term, now.commit, core.log());
  }
  if (now.role == raft::role::leader && raft::is_joint(now.configuration)) reached_.count(situation::joint_leader);
  // What became committed in this turn did so before or after the configuration changed in it.
  auto const known = members_seen_.find(store);
  auto const before = known == members_seen_.end() ? now.configuration : known->second;
  auto& seen = commit_seen_[store];
  for (auto index = seen + 1; index <= now.commit; ++index) {
    auto const* const e = entry_of(store, core, index);
    if (e == nullptr) continue;  // compacted
    if (!commits_.committed(*e, before, now.configuration, [&](store_id s) { return disk_of(s); })) continue;
    if (e->kind == raft::entry_kind::configuration) reached_.count(situation::members_changed);
    completeness_.committed({e->index, e->term}, now.term);
    answers_.committed(*e);
    if (e->term != now.term) reached_.count(situation::commit_of_old_term);
  }
  seen = std::max(seen, now.commit);
  members_seen_[store] = now.configuration;
}

}  // namespace tinykv::testing
