#pragma once

#include <tinykv/core/id.hpp>

#include <cstdint>
#include <deque>

namespace tinykv::raft {

/// What a leader knows of one other peer.
///
/// `probing`: where the logs part is not known; one append at a time, and `next` moves only by answers. `replicating`:
/// appends follow one another without waiting, `next` runs ahead of `match`, up to a number of unanswered ones.
/// Invariant: match < next.
class progress {
 public:
  /// Of `peer`, of whom nothing is known; its log may reach up to before `next`.
  progress(peer_id peer, log_index next) : peer_(peer), next_(next) {}

  peer_id peer() const { return peer_; }          ///< Whose.
  log_index match() const { return match_; }      ///< The last entry known to be equal and durable there.
  log_index next() const { return next_; }        ///< The next entry to send.
  bool replicating() const { return replicating_; }  ///< False while probing.

  /// True iff an append may be sent now.
  bool may_send(std::uint32_t inflight_max) const {
    if (fetching) return false;
    return replicating_ ? inflight_.size() < inflight_max : !probe_sent_;
  }
  /// An append with entries up to `last` (or none: last = next - 1) has been sent.
  void sent(log_index last) {
    if (!replicating_) {
      probe_sent_ = true;
    } else if (last >= next_) {
      next_ = last + 1;
      inflight_.push_back(last);
    }
  }
  /// The peer holds everything up to `index`. True iff that is news.
  bool accepted(log_index index) {
    while (!inflight_.empty() && inflight_.front() <= index) inflight_.pop_front();
    if (index + 1 >= next_) {
      next_ = index + 1 > next_ ? index + 1 : next_;
      probe_sent_ = false;
      replicating_ = true;
    }
    if (index <= match_) return false;
    match_ = index;
    return true;
  }
  /// The peer has another entry at `index`, or none; it may be equal up to `hint`. An answer to something older than what
  /// is known by now changes nothing: a delayed refusal never moves `next` to or below `match`.
  bool refused(log_index index, log_index hint) {
    if (index <= match_ || index >= next_) return false;
    if (!replicating_ && index + 1 != next_) return false;
    auto const from = (hint < index ? hint : index - 1) + 1;
    next_ = from > match_ ? from : match_ + 1;
    probe();
    return true;
  }
  /// Goes back to one append at a time, from the last entry known to be equal.
  void lost() {
    if (replicating_) next_ = match_ + 1;
    probe();
  }
  /// The peer is alive: a probe that was not answered may be sent again, and when no further append may be sent, the
  /// oldest unanswered one is taken as lost.
  void heard(std::uint32_t inflight_max) {
    probe_sent_ = false;
    if (inflight_.size() >= inflight_max) inflight_.pop_front();
  }

  bool active = true;               ///< Heard of since the last check of the quorum.
  bool nudged = false;              ///< To be sent an append even if it is empty: its answer shows what is missing.
  bool fetching = false;            ///< Entries for it are being read from the log.
  log_index commit_sent;            ///< The commit it was told last.
  std::uint64_t round = 0;          ///< The newest round it answered.

 private:
  void probe() {
    replicating_ = false;
    probe_sent_ = false;
    inflight_.clear();
  }

  peer_id peer_;
  log_index match_;
  log_index next_;
  bool replicating_ = false;
  bool probe_sent_ = false;
  std::deque<log_index> inflight_;  // last index of each unanswered append
};

}  // namespace tinykv::raft
