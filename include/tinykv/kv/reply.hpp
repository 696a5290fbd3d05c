#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/failure.hpp>
#include <tinykv/core/region.hpp>

#include <optional>

namespace tinykv::kv {

/// What applying a command gave; the same on every replica.
struct kv_reply {
  /// Nothing = all writes were done. `conflict` (compare_failed): a condition did not hold. `rejected` (epoch_mismatch,
  /// key_not_in_region, not_found, corrupt, version_mismatch): refused at apply. In each case nothing was written.
  std::optional<failure> error;
  /// With compare_failed: the value that the first failed condition found; nullopt = no such key.
  std::optional<bytes> current;
  /// With epoch_mismatch and key_not_in_region: the region as it is.
  std::optional<tinykv::region> region;

  /// True iff the writes were done.
  bool ok() const { return !error.has_value(); }
  /// Equal iff all fields are.
  friend bool operator==(kv_reply const&, kv_reply const&) = default;
};

}  // namespace tinykv::kv
