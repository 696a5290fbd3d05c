#pragma once

#include <tinykv/core/id.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinykv {

/// Counts the changes of a region (spec 3.1). Both parts begin at 1, so that 0 can mean "not looked at".
struct region_epoch {
  std::uint64_t conf_ver = 1;  ///< Rises when a peer comes or goes.
  std::uint64_t version = 1;   ///< Rises when the range changes.

  /// Equal iff nothing changed.
  friend constexpr bool operator==(region_epoch const&, region_epoch const&) = default;
};

/// What a peer is in its region. Stored and sent: never renumber (SAFETY.md §9).
enum class peer_role : std::uint8_t {
  voter = 0,     ///< Votes and is counted.
  learner = 1,   ///< Receives entries, is never counted.
  incoming = 2,  ///< A voter of the joint configuration that is being entered.
  demoting = 3,  ///< A voter of the joint configuration that is being left.
};

/// How far the data of a region are to be trusted. Stored: never renumber (SAFETY.md §9).
enum class region_state : std::uint8_t {
  normal = 0,     ///< Serves.
  applying = 1,   ///< A snapshot is being installed.
  tombstone = 2,  ///< The peer left; nothing of it is here.
  merging = 3,    ///< About to become a part of its neighbour.
};

/// One replica of a region.
struct region_peer {
  peer_id peer;                            ///< The Raft node.
  store_id store;                          ///< Where it is.
  peer_role role = peer_role::voter;       ///< What it is there.

  /// Equal iff all fields are.
  friend constexpr bool operator==(region_peer const&, region_peer const&) = default;
};

/// A range of keys and the Raft group that keeps it.
struct region {
  group_id id;                     ///< Also the Raft group.
  std::string start;               ///< Inclusive.
  std::string end;                 ///< Exclusive; empty = no end.
  region_epoch epoch;              ///< Changes with range and peers.
  std::vector<region_peer> peers;  ///< A copy of the configuration, for those who route (SAFETY.md §6).

  /// True iff `key` lies in the range.
  bool contains(std::string_view key) const { return key >= start && (end.empty() || key < end); }

  /// Equal iff all fields are.
  friend bool operator==(region const&, region const&) = default;
};

}  // namespace tinykv
