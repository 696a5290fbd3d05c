#pragma once

#include "support/catch.hpp"

#include <tinykv/kv/families.hpp>
#include <tinykv/policy/kv_engine.hpp>
#include <tinykv/storage/memory_kv.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tinykv::tests {

/// What a disk would hold: all batches in order, and how many of them are synced. An engine over the first n of them is
/// what the contract of KvEngine allows after a crash, for any n from `synced` up.
struct disk {
  std::vector<policy::kv_batch> batches;
  std::size_t synced = 0;
  std::size_t steps_until_failure = ~std::size_t{0};  ///< Writes and syncs.

  /// The disk after a crash that left `survivors` batches.
  disk after_crash(std::size_t survivors) const {
    disk out{batches, survivors, ~std::size_t{0}};
    out.batches.resize(survivors);
    return out;
  }
};

/// An engine over a `disk`, which it fills first with what the disk holds.
class disk_engine {
 public:
  using view_type = storage::memory_view;
  static constexpr bool durable = true;

  explicit disk_engine(disk& d) : disk_(&d) {
    for (auto const& batch : d.batches) REQUIRE(memory_.write(batch));
  }
  result<done> write(policy::kv_batch const& batch) {
    if (disk_->steps_until_failure-- == 0) return fatal(error_code::io, "the disk is gone");
    disk_->batches.push_back(batch);
    return memory_.write(batch);
  }
  result<done> sync() {
    if (disk_->steps_until_failure-- == 0) return fatal(error_code::io, "the disk is gone");
    disk_->synced = disk_->batches.size();
    return done{};
  }
  result<view_type> view() const { return memory_.view(); }

 private:
  disk* disk_;
  storage::memory_kv memory_{kv::family_names()};
};
static_assert(policy::KvEngine<disk_engine>);

}  // namespace tinykv::tests
