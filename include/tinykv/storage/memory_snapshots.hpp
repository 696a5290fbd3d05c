#pragma once

#include <tinykv/policy/snapshot_storage.hpp>

#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace tinykv::storage {

/// A `SnapshotStorage` in memory, for tests and for stores that are rebuilt from others: the files are gone with the
/// object, and take the memory of their whole size until they are removed. Any thread.
class memory_snapshots {
 public:
  static constexpr bool durable = false;  ///< Nothing outlives the object.

  /// An empty file.
  result<done> create(group_id group, policy::snapshot_slot slot) {
    std::lock_guard const lock{state_->mutex};
    state_->files[{group, slot}] = {};
    return done{};
  }
  /// Adds a copy of `data`.
  result<done> append(group_id group, policy::snapshot_slot slot, std::string_view data) {
    auto copy = bytes::copy_of(data);
    std::lock_guard const lock{state_->mutex};
    auto const found = state_->files.find({group, slot});
    if (found == state_->files.end()) return missing();
    auto& file = found->second;
    if (copy.empty()) return done{};
    auto const at = std::exchange(file.size, file.size + copy.size());
    file.blocks.emplace_hint(file.blocks.end(), at, std::move(copy));
    return done{};
  }
  /// Nothing to do.
  result<done> sync(group_id group, policy::snapshot_slot slot) {
    std::lock_guard const lock{state_->mutex};
    return state_->files.contains({group, slot}) ? result<done>{} : missing();
  }
  /// In bytes; nullopt when there is no such file.
  result<std::optional<std::uint64_t>> size(group_id group, policy::snapshot_slot slot) const {
    std::lock_guard const lock{state_->mutex};
    auto const found = state_->files.find({group, slot});
    return found == state_->files.end() ? std::optional<std::uint64_t>{} : found->second.size;
  }
  /// Up to `count` bytes from `offset` on; shares memory with the file when they were appended at once.
  result<bytes> read(group_id group, policy::snapshot_slot slot, std::uint64_t offset, std::size_t count) const {
    std::lock_guard const lock{state_->mutex};
    auto const found = state_->files.find({group, slot});
    if (found == state_->files.end()) return missing();
    return read(found->second, offset, count);
  }
  /// The file becomes the group's `current` one.
  result<done> publish(group_id group, policy::snapshot_slot slot) {
    std::lock_guard const lock{state_->mutex};
    auto file = state_->files.extract({group, slot});
    if (file.empty()) return missing();
    state_->files[{group, policy::snapshot_slot::current}] = std::move(file.mapped());
    return done{};
  }
  /// No such file any more.
  result<done> remove(group_id group, policy::snapshot_slot slot) {
    std::lock_guard const lock{state_->mutex};
    state_->files.erase({group, slot});
    return done{};
  }

 private:
  struct blocks_of_file {
    std::map<std::uint64_t, bytes> blocks;  // by offset, without gaps: growing never copies what is there
    std::uint64_t size = 0;
  };
  struct state {
    std::mutex mutex;  // guards the files
    std::map<std::pair<group_id, policy::snapshot_slot>, blocks_of_file> files;
  };

  static failure missing() { return rejected(error_code::not_found, "there is no such snapshot file"); }

  static bytes read(blocks_of_file const& from, std::uint64_t offset, std::size_t count) {
    if (offset >= from.size) return {};
    auto block = std::prev(from.blocks.upper_bound(offset));
    auto first = block->second.slice(static_cast<std::size_t>(offset - block->first), count);
    if (first.size() == count || ++block == from.blocks.end()) return first;
    auto all = first.str();
    for (; all.size() < count && block != from.blocks.end(); ++block)
      all.append(block->second.view().substr(0, count - all.size()));
    return bytes::adopt(std::move(all));
  }

  std::unique_ptr<state> state_ = std::make_unique<state>();
};

static_assert(policy::SnapshotStorage<memory_snapshots>);

}  // namespace tinykv::storage
