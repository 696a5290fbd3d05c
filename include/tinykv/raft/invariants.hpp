#pragma once

#include <tinykv/raft/core.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tinykv::raft {

/// What must hold of a peer at every moment, and what must not go back from one moment to the next. A copy of few numbers,
/// so that it can be taken before every input.
struct image {
  peer_id self;                                 ///< Whose.
  raft::role role = role::follower;             ///< Its role.
  hard_state state;                             ///< As of now, durable or not.
  position truncated;                           ///< Where the log begins.
  std::vector<term_run> runs;                   ///< The terms behind it.
  log_index window_first;                       ///< The first entry in memory.
  log_index last;                               ///< The last entry.
  log_index durable;                            ///< The last entry on the own disk.
  log_index released;                           ///< Entries handed out to be stored.
  log_index applied;                            ///< Taken by the machine.
  log_index handed;                             ///< Handed out to the machine.
  membership group;                             ///< In force.
  log_index group_since;                        ///< The entry that put it in force.
  std::vector<log_index> pending;               ///< Configuration entries that are not applied.
  bool installing = false;                      ///< A snapshot is being installed.
  bool removed = false;                         ///< No member any more.
  std::optional<log_index> first_own;           ///< Of a leader: the empty entry of its term.
  std::vector<peer_progress> peers;             ///< Of a leader.
  peer_id transferee;                           ///< Of a leader: to whom it hands over.

  /// The image of `seen`.
  static image of(core const& seen);
  /// The term of the entry at `i`, as far as it is known.
  std::optional<term> term_at(log_index i) const;
};

/// The broken ones of the invariants of a single moment, in words; empty if all hold. Ids (R-n) are used by tests.
std::vector<std::string> check(image const& now);
/// The same of a peer.
inline std::vector<std::string> check(core const& now) { return check(image::of(now)); }

/// The broken ones of the invariants of one input, which led from `before` to `after`; empty if all hold. Not for `recover`.
std::vector<std::string> check(image const& before, image const& after);
/// The same of a peer.
inline std::vector<std::string> check(image const& before, core const& after) { return check(before, image::of(after)); }

}  // namespace tinykv::raft

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/raft/impl/invariants.ipp>
#endif
