#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/policy/log_storage.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace tinykv::sim {

/// One group on a simulated disk.
struct disk_group {
  raft::hard_state state;            ///< As written last.
  raft::truncation truncated;        ///< As written last.
  std::vector<raft::entry> entries;  ///< Consecutive, from truncated.at.index + 1.

  /// The last entry; the truncation's place when there is none.
  position last() const {
    return entries.empty() ? truncated.at : position{entries.back().index, entries.back().term};
  }
  /// The entry at `index`; null when it is not there.
  raft::entry const* find(log_index index) const {
    if (index <= truncated.at.index || index > last().index) return nullptr;
    return &entries[static_cast<std::size_t>(index - truncated.at.index - 1)];
  }
};

/// What a store's log disk holds: exactly what was committed. A value: a copy kept aside and put back is a disk restored
/// from a backup (F-D11).
class disk {
 public:
  /// Makes one part of a batch durable.
  void apply(policy::log_write const& write);
  /// Replaces the store's own record.
  void set_store_record(bytes record) { store_record_ = std::move(record); }
  /// As `LogStorage::load`.
  policy::log_contents load() const;
  /// As `LogStorage::fetch`.
  result<std::vector<raft::entry>> fetch(group_id group, log_index from, log_index to, std::uint64_t bytes_max) const;

  /// A group; null when it was never written.
  disk_group const* find(group_id group) const;
  /// All groups.
  std::map<group_id, disk_group> const& groups() const noexcept { return groups_; }

 private:
  std::map<group_id, disk_group> groups_;
  std::optional<bytes> store_record_;
};

}  // namespace tinykv::sim

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/sim/impl/disk.ipp>
#endif
