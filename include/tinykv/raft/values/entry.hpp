#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/id.hpp>

#include <cstdint>

namespace tinykv::raft {

/// What the data of an entry are. Stored and sent: never renumber.
enum class entry_kind : std::uint8_t {
  command = 0,        ///< A command of the state machine; no data = the empty entry that opens a term.
  configuration = 1,  ///< An encoded `membership_change`.
  barrier = 2,        ///< Nothing to apply: a read through the log waits for it.
};

/// One slot of a Raft log. Copies share the data.
struct entry {
  log_index index;                           ///< Its place.
  tinykv::term term;                         ///< The leader that created it.
  entry_kind kind = entry_kind::command;     ///< What the data are.
  bytes data;                                ///< Opaque to Raft.

  /// Equal iff all fields are.
  friend bool operator==(entry const&, entry const&) = default;
};

/// What an entry is charged for against bounds in bytes: its data and 64 bytes for itself.
inline std::uint64_t cost_of(entry const& e) { return e.data.size() + 64; }

/// The index and term of `e`.
inline position position_of(entry const& e) { return {e.index, e.term}; }

}  // namespace tinykv::raft
