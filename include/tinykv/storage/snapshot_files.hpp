#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/policy/snapshot_storage.hpp>

#include <memory>
#include <string>

namespace tinykv::storage {

/// A durable `SnapshotStorage`: one file per group and slot in a directory of its own, named `<group>.incoming`,
/// `<group>.outgoing`, `<group>.current`. Needs POSIX, nothing else.
///
/// A file that is written is held open until it is synced, so that no error of the disk is missed in between; reading holds
/// nothing open. The store's other files keep two processes from using one directory; this class does not. Any thread, as
/// the contract says.
class snapshot_files {
 public:
  static constexpr bool durable = true;  ///< Synced and published files survive kill -9 and the loss of power.

  /// Opens the directory, or makes it (its parent must be there). `fatal` (io, disk_full) with one line that names it.
  static result<snapshot_files> open(std::string const& directory);

  result<done> create(group_id group, policy::snapshot_slot slot);  ///< An empty file, in place of one that is there.
  /// Adds `data` at the end. `fatal` (io, disk_full), and then for every call but `create` and `remove` of this file.
  result<done> append(group_id group, policy::snapshot_slot slot, std::string_view data);
  /// The file, its name included, survives a crash. Failures as `append`: a failed sync is never repeated (I-31).
  result<done> sync(group_id group, policy::snapshot_slot slot);
  /// In bytes; nullopt when there is no such file.
  result<std::optional<std::uint64_t>> size(group_id group, policy::snapshot_slot slot) const;
  /// Up to `count` bytes from `offset` on; takes no more memory than it gives.
  result<bytes> read(group_id group, policy::snapshot_slot slot, std::uint64_t offset, std::size_t count) const;
  result<done> publish(group_id group, policy::snapshot_slot slot);  ///< Syncs, renames, syncs the directory.
  result<done> remove(group_id group, policy::snapshot_slot slot);   ///< No such file any more.

  snapshot_files(snapshot_files&&) noexcept;             ///< The other one can only be assigned to or destroyed.
  snapshot_files& operator=(snapshot_files&&) noexcept;  ///< Closes the directory held so far.
  ~snapshot_files();                                     ///< Closes; the files stay.

 private:
  class impl;
  explicit snapshot_files(std::unique_ptr<impl> opened);
  std::unique_ptr<impl> impl_;
};

static_assert(policy::SnapshotStorage<snapshot_files>);

}  // namespace tinykv::storage

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/storage/impl/snapshot_files.ipp>
#endif
