#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/raft/values/message.hpp>
#include <tinykv/raft/values/snapshot.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tinykv::raft {

/// Who goes first on a connection, and who is dropped last when a queue is full.
enum class priority : std::uint8_t {
  urgent = 0,  ///< Votes, heartbeats, read rounds and their answers.
  normal = 1,  ///< Appends and their answers.
  bulk = 2,    ///< Snapshot chunks.
};

/// How many priorities there are.
inline constexpr std::size_t priority_count = 3;

/// A message of one group.
struct group_message {
  group_id group;         ///< Whose.
  raft::message message;  ///< What it says.

  /// Equal iff both fields are.
  friend bool operator==(group_message const&, group_message const&) = default;
};

/// A piece of a snapshot of one group, or its answer.
struct group_snapshot {
  group_id group;            ///< Whose.
  snapshot_message message;  ///< What it says.

  /// Equal iff both fields are.
  friend bool operator==(group_snapshot const&, group_snapshot const&) = default;
};

/// What a store sends to another in one turn, of one priority: messages of many groups.
struct envelope {
  raft::priority priority = raft::priority::normal;  ///< Of all of them.
  std::vector<group_message> messages;               ///< In the order of sending.
  std::vector<group_snapshot> snapshots{};           ///< In the order of sending; priority bulk, or urgent for answers.

  /// Equal iff all fields are.
  friend bool operator==(envelope const&, envelope const&) = default;
};

}  // namespace tinykv::raft
