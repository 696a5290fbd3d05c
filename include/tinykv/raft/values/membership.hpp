#pragma once

#include <tinykv/core/id.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tinykv::raft {

/// A peer and the store that holds it.
struct member {
  /// The longest address, in bytes.
  static constexpr std::size_t address_bytes_max = 255;

  peer_id peer;         ///< The Raft node.
  store_id store;       ///< Where it is.
  std::string address{};///< How the store is reached (host:port); empty = known by other means. At most address_bytes_max.

  /// Order by peer.
  friend auto operator<=>(member const&, member const&) = default;
};

/// A whole configuration (dissertation, 4.3): who votes and who only listens. While `outgoing` is not empty the
/// configuration is joint: elections and commits need a majority of `voters` and one of `outgoing`. Each list is
/// sorted by peer and holds a peer once. Who is outgoing and no longer a voter, but a learner, is being demoted: it is
/// counted as outgoing until the joint configuration is left, and only listens afterwards.
struct membership {
  /// The most members of a group.
  static constexpr std::size_t members_max = 64;

  std::uint64_t version = 0;      ///< Rises by one with each change that takes effect (SAFETY.md §6).
  std::vector<member> voters;     ///< Who elects and commits.
  std::vector<member> outgoing;   ///< The voters of the configuration that is being left; empty unless joint.
  std::vector<member> learners;   ///< Receive entries, are never counted.
  peer_id highest_peer{};         ///< The highest id that ever was in the group, when it is above those named here; else 0. Ids
                                  ///< are not used twice: a peer that came back empty would vote without what it had acknowledged.

  /// Equal iff all fields are.
  friend bool operator==(membership const&, membership const&) = default;
};

/// What a configuration entry holds: the configuration that takes effect when the entry is applied, if `target.version` is
/// then the version in force plus one (SAFETY.md §6). So a change that was made against an older one changes nothing.
struct membership_change {
  membership target;  ///< Whole.

  /// Equal iff the targets are.
  friend bool operator==(membership_change const&, membership_change const&) = default;
};

}  // namespace tinykv::raft
