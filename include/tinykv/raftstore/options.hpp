#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/core/time.hpp>
#include <tinykv/raft/options.hpp>
#include <tinykv/raft/values/membership.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace tinykv::raftstore {

/// What a store does with a data directory in which no store has been yet (SAFETY.md §6). One that has been used goes on
/// as it is, whatever this says.
enum class first_start : std::uint8_t {
  refuse,     ///< Say so and do not start: the directory may have been lost.
  bootstrap,  ///< Begin the group with the configuration given.
  join,       ///< Begin without a group and wait to be added to one. (Whoever leads it then makes the peer here.)
};

/// The group that a store is opened with.
struct group_options {
  group_id group{1};                                       ///< Its number; the same on all stores.
  raftstore::first_start first_start = first_start::refuse;  ///< See there.
  position start;                                          ///< Where the log begins: (0,0), or (5,5) for a region.
  raft::membership configuration;                          ///< Of the bootstrap; the peer on this store is looked up in it.
};

/// When entries that are applied leave the log of a group (SAFETY.md §4). Only what the machine holds durably may go, and
/// nothing that a snapshot under way needs.
struct compaction_options {
  std::uint64_t entries_max = 65536;                     ///< More applied entries than this in the log: compact.
  std::uint64_t bytes_max = 64ULL << 20;                 ///< The same in bytes, by `cost_of`.
  std::uint64_t entries_kept = 1024;                     ///< Left in the log when it is compacted, for followers a little behind.
  std::uint64_t follower_entries_max = 262144;           ///< A leader keeps what its slowest live follower lacks, up to so many
  std::uint64_t follower_bytes_max = 256ULL << 20;       ///< entries and bytes in the log; beyond that it gets a snapshot.
  std::uint64_t hold_bytes_max = 1ULL << 30;             ///< What a snapshot under way goes on from stays until the log is
                                                         ///< larger than this; then its receiver will need another one.
  std::uint64_t piece_entries_max = 8192;                ///< Deleted in one log batch.
};

/// How snapshots travel (SAFETY.md §5).
struct snapshot_options {
  std::uint64_t window_bytes_max = 1ULL << 20;           ///< Sent and not yet answered, for each receiver.
  std::uint64_t bytes_per_second_max = 64ULL << 20;      ///< Of all snapshots that this store sends.
  std::uint64_t file_bytes_max = 1ULL << 40;             ///< A larger one is not taken in.
  std::uint32_t resend_ticks = 10;                       ///< Without an answer: send again from the last one.
  std::uint32_t patience_ticks = 300;                    ///< Without an answer: give up; the peer may ask again.
};

/// The numbers of one store. Every queue has its bound here.
struct options {
  std::uint64_t seed = 0;                                  ///< Of everything random: uuid, start number, timeouts. Must differ
                                                           ///< from start to start; programs: std::random_device.
  duration tick_interval = std::chrono::milliseconds{100}; ///< One Raft tick.
  duration disk_stall_max = std::chrono::seconds{2};       ///< A log write in flight for longer: leaderships are given up.
  raft::options raft;                                      ///< Of each group; `self` and `seed` are set by the store.
  group_options first_group;                               ///< The group it starts with.
  compaction_options compaction;                           ///< Of each group.
  snapshot_options snapshots;                              ///< Of the store.
  std::uint64_t unsynced_entries_max = 65536;              ///< A lazily synced machine is synced after so many entries,
  duration unsynced_max = std::chrono::seconds{30};        ///< or so long after it was changed: what a start must repeat.
  std::uint32_t changes_max = 64;                          ///< Waiting changes of members and handovers per group.
  std::uint32_t proposals_max = 65536;                     ///< Unanswered proposals per group; more are refused as busy.
  std::uint32_t reads_max = 65536;                         ///< Unanswered reads per group; more are refused as busy.
  std::uint32_t inbox_calls_max = 1U << 18;                ///< Calls that wait to be looked at; more are refused as busy.
  std::uint32_t inbox_messages_max = 65536;                ///< Appends that wait to be stepped; more are dropped.
  std::uint32_t inbox_urgent_max = 1U << 20;               ///< The same for votes, heartbeats and rounds.
  std::uint64_t inbox_bytes_max = 64ULL << 20;             ///< The same in bytes of entries, appends only.
};

/// A configuration of voters whose peer ids are their store ids, as static clusters use.
inline raft::membership static_members(std::vector<std::uint64_t> stores) {
  std::sort(stores.begin(), stores.end());
  raft::membership out;
  for (auto const s : stores) out.voters.push_back({peer_id{s}, store_id{s}});
  return out;
}

/// The options of a store of a static cluster: a fresh directory begins the group with all of `stores`.
inline options static_cluster(std::vector<std::uint64_t> stores, std::uint64_t seed) {
  options out;
  out.seed = seed;
  out.first_group.first_start = first_start::bootstrap;
  out.first_group.configuration = static_members(std::move(stores));
  return out;
}

}  // namespace tinykv::raftstore
