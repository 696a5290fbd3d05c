#pragma once

#include <tinykv/core/id.hpp>

#include <cstdint>
#include <vector>

namespace tinykv::raft {

/// A peer and the store that holds it.
struct member {
  peer_id peer;    ///< The Raft node.
  store_id store;  ///< Where it is.

  /// Order by peer.
  friend constexpr auto operator<=>(member const&, member const&) = default;
};

/// A whole configuration (dissertation, 4.3): who votes and who only listens. While `outgoing` is not empty the
/// configuration is joint: elections and commits need a majority of `voters` and one of `outgoing`. Each list is
/// sorted by peer and holds a peer once.
struct membership {
  std::uint64_t version = 0;      ///< Rises by one with each change that takes effect (SAFETY.md §6).
  std::vector<member> voters;     ///< Who elects and commits.
  std::vector<member> outgoing;   ///< The voters of the configuration that is being left; empty unless joint.
  std::vector<member> learners;   ///< Receive entries, are never counted.

  /// Equal iff all fields are.
  friend bool operator==(membership const&, membership const&) = default;
};

}  // namespace tinykv::raft
