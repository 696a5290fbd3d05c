#pragma once

#include <tinykv/raftstore/replica.hpp>
#include <tinykv/raftstore/snapshot_exchange.hpp>

#include <algorithm>
#include <optional>

namespace tinykv::raftstore {

/// Keeps logs short and machines synced, for all groups of a store. An entry leaves a log only when the machine holds it
/// durably (SAFETY.md §4): by its own `sync`, or, if it is not durable by itself, by a snapshot file (§6). Looks at each
/// group once a tick; an idle one costs a comparison.
template <class Store>
class log_keeper {
 public:
  using machine = typename Store::machine;            ///< What is synced.
  using replica_type = typename Store::replica_type;  ///< One peer.
  static constexpr bool possible = snapshot_exchange<Store>::possible;  ///< Logs may be compacted.
  static constexpr bool persistent = policy::PersistentMachine<machine>;  ///< The machine keeps its own state.

  /// A tick has passed for `r`.
  void tick(Store& store, replica_type& r, instant now) {
    if (r.fenced() || r.install || r.retiring) return;
    if constexpr (persistent) sync_if_due(store, r, now);
    if constexpr (possible) compact(store, r);
  }
  /// `r` has applied something.
  void applied(replica_type& r, instant now) {
    if constexpr (persistent)
      if (!r.care.unsynced_since) r.care.unsynced_since = now;
  }

 private:
  void sync_if_due(Store& store, replica_type& r, instant now) {
    auto& care = r.care;
    if (care.syncing || r.applied() <= care.durable) return;
    auto const much = r.applied() - care.durable > store.options_.unsynced_entries_max;
    auto const old = care.unsynced_since && now - *care.unsynced_since >= store.options_.unsynced_max;
    if (much || old) sync(store, r);
  }

  void sync(Store& store, replica_type& r)
    requires persistent
  {
    if (std::exchange(r.care.syncing, true)) return;
    r.care.unsynced_since.reset();
    store.lanes_.run(policy::lane::apply,
                     [target = r.machine(), seen = r.machine_seen()]() -> result<log_index> {
                       if (seen->broken) return fatal(error_code::machine_failed, "the state machine has given up");
                       auto const synced = target->sync();
                       if (!synced) {
                         seen->broken = true;  // what it holds is not known any more (I-31)
                         return fatal(error_code::machine_failed, synced.error().detail, synced.error().hint);
                       }
                       return target->durable();
                     },
                     [group = r.group(), incarnation = r.incarnation()](Store& s, result<log_index> durable) {
                       auto* to = s.replica_of(group, incarnation);
                       if (!to) return;
                       to->care.syncing = false;
                       if (!durable) return s.fence(*to, durable.error());
                       to->care.durable = std::max(to->care.durable, *durable);
                     });
  }

  void compact(Store& store, replica_type& r) {
    auto& care = r.care;
    auto const& rule = store.options_.compaction;
    auto const bytes = care.size.bytes();
    if (r.applied() - care.truncated <= rule.entries_max && bytes <= rule.bytes_max) return;
    auto const target = compaction_target(rule, {care.truncated, r.applied(), bytes, slowest_follower(r), r.sender.hold()});
    if (target <= care.truncated) return;
    if (target > care.durable) {
      if constexpr (persistent) sync(store, r);
      else store.exchange_.make_own(store, r);
    }
    // In pieces, so that one group's deletions do not keep the log batch of all groups waiting.
    auto const end = std::min({target, care.durable, care.truncated + rule.piece_entries_max});
    if (end <= care.truncated) return;
    policy::log_write write;
    write.group = r.group();
    write.truncated = r.consensus().truncation_at(end);
    write.truncated->owner = r.self();
    store.batches_.open().groups.push_back(std::move(write));
    r.consensus().compacted(end);
    care.truncated = end;
    care.size.compacted(end);
  }

  static std::optional<log_index> slowest_follower(replica_type const& r) {
    std::optional<log_index> out;
    for (auto const& p : r.consensus().status().peers)
      if (p.active && p.state != raft::progress_state::snapshot && (!out || p.match < *out)) out = p.match;
    return out;
  }
};

}  // namespace tinykv::raftstore
