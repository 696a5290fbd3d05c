#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/id.hpp>
#include <tinykv/core/result.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tinykv::policy {

/// The files that a group may have: at most one of each, so that the space they take is bounded.
enum class snapshot_slot : std::uint8_t {
  incoming = 0,  ///< Chunks of a snapshot that another store sends.
  outgoing = 1,  ///< A copy of the own machine, to be sent to others.
  current = 2,   ///< What a machine that is not durable by itself is restored from (SAFETY.md §6).
};

/// Keeps the spool files of snapshots: plain bytes, appended to and read.
///
/// The model promises:
///  1. After `sync` of a file its bytes survive a crash; before, any suffix of them may be missing or damaged.
///  2. `publish` makes a synced file the group's `current` one, in place of the one before. When it returns, that survives
///     a crash; a crash in between leaves the old one or the new one, whole.
///  3. `create` and `remove` need not survive a crash: an old file may be there again.
///  4. `read` gives what was appended, fewer bytes than asked only at the end of the file.
///  5. Each call takes memory in proportion to its own data, whatever the size of the file.
/// The caller promises:
///  6. One call at a time for each file; different files from any threads.
///  7. `append`, `sync`, `read` only for files that are there.
/// On failure: `rejected` (not_found), `fatal` (io, disk_full, corrupt). After a failed `append` or `sync` of a file only
/// `create` and `remove` of it are sensible.
template <class S>
concept SnapshotStorage = std::movable<S> && requires(S& files, group_id group, snapshot_slot slot, std::string_view data,
                                                      std::uint64_t offset, std::size_t count) {
  { S::durable } -> std::convertible_to<bool>;
  { files.create(group, slot) } -> std::same_as<result<done>>;              // empty, in place of one that is there
  { files.append(group, slot, data) } -> std::same_as<result<done>>;
  { files.sync(group, slot) } -> std::same_as<result<done>>;
  { files.size(group, slot) } -> std::same_as<result<std::optional<std::uint64_t>>>;  // nullopt = no such file
  { files.read(group, slot, offset, count) } -> std::same_as<result<bytes>>;
  { files.publish(group, slot) } -> std::same_as<result<done>>;             // becomes `current`
  { files.remove(group, slot) } -> std::same_as<result<done>>;              // fine if there is none
};

/// The choice of no snapshots: a group's log is never compacted, and `status` says so (SAFETY.md §6).
struct no_snapshots {
  static constexpr bool durable = true;  ///< There is nothing to lose.
};

}  // namespace tinykv::policy
