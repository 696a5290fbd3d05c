#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/raft/values/entry.hpp>
#include <tinykv/raft/values/membership.hpp>

#include <vector>

namespace tinykv::raft {

/// What a peer must remember over a crash beside its log (paper, figure 2). `vote` is 0 when none was cast in `term`.
struct hard_state {
  tinykv::term term;  ///< Never falls.
  peer_id vote;       ///< At most one per term (I-6).
  log_index commit;   ///< A hint after a restart; stored with the entries that came with it.

  /// Equal iff all fields are.
  friend constexpr bool operator==(hard_state const&, hard_state const&) = default;
};

/// Where a log begins: the entry at `at` and all before it are gone, their effect is in the machine, and
/// `configuration` was in force after it. (0,0) for a log that has not been cut.
struct truncation {
  position at;               ///< The last entry that is gone.
  membership configuration;  ///< In force after it; the home of the configuration (SAFETY.md §6).
  peer_id owner{};           ///< Whose log it is. The configuration need not know the peer yet, or any more.
  bool left = false;         ///< The owner has left the group: what is here is to be cleared away, or is.

  /// Equal iff all fields are.
  friend bool operator==(truncation const&, truncation const&) = default;
};

/// The entries from `first` on have `term`, up to where the next run begins.
struct term_run {
  log_index first;    ///< The first of the run.
  tinykv::term term;  ///< Its term.

  /// Equal iff both fields are.
  friend constexpr bool operator==(term_run const&, term_run const&) = default;
};

/// All that a peer starts from: what its log and its machine gave.
struct start_state {
  hard_state state;                       ///< As stored; zeros for a peer that never stored any.
  truncation truncated;                   ///< As stored.
  std::vector<term_run> runs;             ///< Of all entries above `truncated`, rising in index and term; empty = none.
  log_index last;                         ///< The last entry; `truncated.at.index` when there is none.
  std::vector<entry> tail;                ///< Every entry above the stored commit, in order, up to `last`.
  std::vector<entry> configurations;      ///< Every configuration entry above `truncated`, in order.
  log_index applied;                      ///< Of the machine.
};

}  // namespace tinykv::raft
