#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/raft/values/state.hpp>

#include <algorithm>
#include <deque>

namespace tinykv::raft {

/// What this peer's own disk holds, learnt from tickets (SAFETY.md §2). Completions are never matched by index or term:
/// (10,t3), then (10,t4), then (10,t3) again must not let the first write stand for the third.
class durability {
 public:
  /// All that was loaded is durable.
  void restore(hard_state const& state, log_index last) {
    term_ = state.term;
    vote_ = state.vote;
    commit_ = state.commit;
    last_ = last;
  }

  term durable_term() const { return term_; }   ///< The term on the disk.
  peer_id durable_vote() const { return vote_; }  ///< The vote on the disk, cast in that term.
  log_index durable_commit() const { return commit_; }  ///< The commit on the disk; it may lag behind the known one.
  log_index last() const { return last_; }      ///< The last entry on the disk that is still in the log.
  bool settled() const { return open_.empty(); }  ///< True iff nothing is under way.

  /// The next ticket, for a Ready after which the disk will hold this hard state and the entries up to `last`.
  ticket open(hard_state const& state, log_index last) {
    ++newest_;
    auto const same = !open_.empty() && open_.back().last == last && open_.back().state == state;
    if (!same) open_.push_back({newest_, last, state});  // else no writes: durable when the one before is
    return newest_;
  }
  /// The entries from `from` on are no longer in the log: no ticket under way stands for them.
  void cut(log_index from) {
    last_ = std::min(last_, from - 1);
    for (auto& t : open_) t.last = std::min(t.last, from - 1);
  }
  /// The log was replaced by a durable snapshot that ends at `last`, which says that `last` is committed; no ticket under
  /// way stands for an entry.
  void reset(log_index last) {
    last_ = commit_ = last;
    for (auto& t : open_) t.last = last;
  }
  /// `number` and all before it are durable. One that is not open is passed over.
  void complete(ticket number) {
    while (!open_.empty() && open_.front().number <= number) {
      last_ = std::max(last_, open_.front().last);
      term_ = open_.front().state.term;
      vote_ = open_.front().state.vote;
      commit_ = std::max(commit_, open_.front().state.commit);
      open_.pop_front();
    }
  }

 private:
  struct open_ticket {
    ticket number;
    log_index last;
    hard_state state;
  };
  std::deque<open_ticket> open_;
  ticket newest_;
  log_index last_;
  tinykv::term term_;
  peer_id vote_;
  log_index commit_;
};

}  // namespace tinykv::raft
