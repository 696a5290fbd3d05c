#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/raft/values/state.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <vector>

namespace tinykv::policy {

/// What one group adds to a log batch. Members take effect in the order in which they stand here.
struct log_write {
  group_id group;                              ///< Whose log.
  bool drop_entries = false;                   ///< First forget every entry of the group (snapshot, new group).
  std::optional<raft::truncation> truncated;   ///< Entries at and below are gone; replaces the record.
  std::vector<raft::entry> entries;            ///< The first replaces what is at its index and everything above.
  std::optional<raft::hard_state> state;       ///< Replaces the hard state.
};

/// What is committed at once: many groups, and perhaps the store's own record. A group may occur more than once; later
/// writes win.
struct log_batch {
  std::vector<log_write> groups;      ///< In order.
  std::optional<bytes> store_record;  ///< Opaque; replaces the one before.

  /// True iff there is nothing to commit.
  bool empty() const { return groups.empty() && !store_record; }
};

/// Everything that is known of one group after `load`.
struct group_log {
  group_id group;                              ///< Whose.
  raft::hard_state state;                      ///< Zeros if none was ever written.
  raft::truncation truncated;                  ///< (0,0) if none was ever written.
  std::vector<raft::term_run> runs;            ///< Of all entries above the truncation.
  log_index last;                              ///< The last entry; the truncation's index when there is none.
  std::vector<raft::entry> tail;               ///< Every entry above max(state.commit, truncated.at.index), in order.
  std::vector<raft::entry> configurations;     ///< Every configuration entry above the truncation, in order.
  std::uint64_t bytes = 0;                     ///< The sum of `cost_of` of the entries above the truncation.
};

/// What `load` gives. Groups rise by id; one that was never written does not occur.
struct log_contents {
  std::optional<bytes> store_record;  ///< The latest.
  std::vector<group_log> groups;      ///< Rising by id.
};

/// Keeps the Raft logs and hard states of all groups of a store, and one record of the store itself.
///
/// Words: *durable* survives kill -9 and the loss of power; *volatile* models (`durable = false`) keep nothing over a
/// stop, and the store then draws a new uuid at each start (SAFETY.md §6).
///
/// The model promises:
///  1. When `commit` returns success, the batch is durable, whole. After a crash a prefix of the commits is there, each
///     whole, the last one perhaps although its `commit` did not return.
///  2. `commit` blocks as long as it takes (`blocks = true`), or never (`blocks = false`: it may be called from the home
///     lane).
///  3. `load` gives exactly what the commits so far made. Stored bytes that are not what was written are found by
///     checksum: `load` and `fetch` answer `fatal` (corrupt), never other data.
///  4. `fetch(group, from, to, bytes_max)` gives entries from `from` on, consecutive, at most to `to`; it stops before
///     the sum of `cost_of` passes `bytes_max`, but gives at least one. Entries that are not there: `rejected`
///     (not_found).
///  5. After a failed `commit` every later one fails too: the state of the disk is not known any more (I-31).
///  6. Space is used again: a log that is appended to and truncated for ever takes no more than a small multiple of the
///     most that it held, but for bounds that the model names.
/// The caller promises:
///  7. `load` once, before everything else. `commit` and `fetch` from one thread at a time.
///  8. Entries of a write are consecutive and begin at most one above the group's last entry, above its truncation.
///     `truncated` rises, and lies at most at the last entry; with `drop_entries` it may be anything.
/// On failure: `fatal` (io, corrupt, disk_full); the store stops.
template <class L>
concept LogStorage = std::movable<L> && requires(L& log, log_batch const& batch, group_id group, log_index index,
                                                 std::uint64_t bytes_max) {
  { L::durable } -> std::convertible_to<bool>;
  { L::blocks } -> std::convertible_to<bool>;
  { log.load() } -> std::same_as<result<log_contents>>;
  { log.commit(batch) } -> std::same_as<result<done>>;
  { log.fetch(group, index, index, bytes_max) } -> std::same_as<result<std::vector<raft::entry>>>;
};

}  // namespace tinykv::policy
