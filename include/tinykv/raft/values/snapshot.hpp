#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/id.hpp>
#include <tinykv/raft/values/membership.hpp>

#include <cstdint>

namespace tinykv::raft {

/// What a snapshot holds the effect of.
struct snapshot_meta {
  position at;               ///< The last entry whose effect is in it.
  membership configuration;  ///< In force after that entry.

  /// Equal iff both fields are.
  friend bool operator==(snapshot_meta const&, snapshot_meta const&) = default;
};

/// A piece of a snapshot on its way from a leader, or how far the receiver has come (SAFETY.md §5). Offsets count the bytes
/// of the sender's spool file.
struct snapshot_message {
  /// The largest piece, in bytes.
  static constexpr std::uint64_t chunk_bytes_max = 64ULL << 10;

  peer_id from;          ///< The sender.
  peer_id to;            ///< The receiver.
  tinykv::term term;     ///< Of the leader; an answer repeats it.
  std::uint64_t id = 0;  ///< Which file; drawn by the sender for each one it makes.
  position at;           ///< The last entry in it.
  std::uint64_t size = 0;    ///< Of the whole file.
  std::uint64_t offset = 0;  ///< Where `data` belongs; in an answer: everything before it is in the receiver's spool.
  bytes data;                ///< The piece; empty in an answer.
  bool answer = false;       ///< From the receiver.
  bool refused = false;      ///< An answer that says: no use for it, or it was damaged; begin again or stop.

  /// Equal iff all fields are.
  friend bool operator==(snapshot_message const&, snapshot_message const&) = default;
};

}  // namespace tinykv::raft
