#pragma once

#include <tinykv/policy/kv_engine.hpp>

#include <string>
#include <vector>

namespace tinykv::kv {

/// Committed values of transactions, by key and start timestamp (spec 5.1).
inline constexpr policy::family default_family{0};
/// Commit records of transactions, by key and commit timestamp.
inline constexpr policy::family write_family{1};
/// Locks of transactions, by encoded key.
inline constexpr policy::family lock_family{2};
/// Raw pairs: a family of their own, so that raw and transactional use cannot damage each other (DESIGN.md §5.3).
inline constexpr policy::family raw_family{3};
/// What the machine knows of itself (codec/kv_records.hpp).
inline constexpr policy::family meta_family{4};

/// The names to open an engine with; the order gives the numbers above. Stored: only append.
inline std::vector<std::string> family_names() { return {"default", "write", "lock", "raw", "meta"}; }

}  // namespace tinykv::kv
