#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/policy/snapshot_storage.hpp>
#include <tinykv/sim/world.hpp>

#include <cstdint>

namespace tinykv::sim {

/// The spool files of a simulated store: a handle of one life on the host's disk. A crash leaves what was synced or
/// published, and of the rest what chance leaves. A disk error (`faults::disk_error_per_million`, at `sync` and `publish`)
/// ends all disks of the host for this life.
class disk_snapshots {
 public:
  static constexpr bool durable = true;  ///< Survives a crash.

  /// Opens the disk of the host of `store`.
  disk_snapshots(world& in, store_id store) : in_(&in), on_(&in.host(store)), life_(on_->life) {}

  /// An empty file.
  result<done> create(group_id group, policy::snapshot_slot slot);
  /// Adds bytes.
  result<done> append(group_id group, policy::snapshot_slot slot, std::string_view data);
  /// The file stays as it is now.
  result<done> sync(group_id group, policy::snapshot_slot slot);
  /// In bytes; nullopt when there is no such file.
  result<std::optional<std::uint64_t>> size(group_id group, policy::snapshot_slot slot) const;
  /// Up to `count` bytes from `offset` on.
  result<bytes> read(group_id group, policy::snapshot_slot slot, std::uint64_t offset, std::size_t count) const;
  /// The file becomes the group's `current` one. A file that was not synced is a broken assumption.
  result<done> publish(group_id group, policy::snapshot_slot slot);
  /// No such file any more.
  result<done> remove(group_id group, policy::snapshot_slot slot);

 private:
  bool usable() const noexcept { return life_ == on_->life && !on_->disk_failed; }
  result<std::string const*> find(group_id group, policy::snapshot_slot slot) const;
  result<done> may_fail();
  void note(std::uint64_t action, group_id group, policy::snapshot_slot slot, std::uint64_t size) const;

  world* in_;
  host* on_;
  std::uint64_t life_;
};

static_assert(policy::SnapshotStorage<disk_snapshots>);

}  // namespace tinykv::sim

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/sim/impl/disk_snapshots.ipp>
#endif
