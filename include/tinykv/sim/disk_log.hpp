#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/sim/world.hpp>

#include <cstdint>
#include <vector>

namespace tinykv::sim {

/// The log of a simulated store: a handle of one life on the host's disk. After a crash the handle is dead and the disk
/// holds exactly what was committed; the next life opens another handle.
class disk_log {
 public:
  static constexpr bool durable = true;  ///< Survives a crash.
  static constexpr bool blocks = true;   ///< Belongs on the disk lane, whose tasks take time.

  /// Opens the disk of the host of `store`.
  disk_log(world& in, store_id store) : in_(&in), on_(&in.host(store)), life_(on_->life) {}

  /// What the disk holds.
  result<policy::log_contents> load();
  /// Makes `batch` durable, unless the disk fails.
  result<done> commit(policy::log_batch const& batch);
  /// Reads entries.
  result<std::vector<raft::entry>> fetch(group_id group, log_index from, log_index to, std::uint64_t bytes_max);

 private:
  bool usable() const noexcept { return life_ == on_->life && !on_->disk_failed; }

  world* in_;
  host* on_;
  std::uint64_t life_;
};

static_assert(policy::LogStorage<disk_log>);

}  // namespace tinykv::sim

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/sim/impl/disk_log.ipp>
#endif
