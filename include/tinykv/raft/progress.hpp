#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/raft/values/ready.hpp>

#include <cstdint>
#include <deque>
#include <utility>

namespace tinykv::raft {

/// What a leader knows of one other peer.
///
/// `probing`: where the logs part is not known; one append at a time, and `next` moves only by answers. `replicating`:
/// appends follow one another without waiting, `next` runs ahead of `match`, up to a number of unanswered ones and of
/// bytes in them. `snapshot`: what it lacks is gone from the log; nothing is sent until a snapshot is there.
/// Invariant: match < next.
class progress {
 public:
  /// Of `peer`, of whom nothing is known; its log may reach up to before `next`.
  progress(peer_id peer, log_index next) : peer_(peer), next_(next) {}

  peer_id peer() const { return peer_; }          ///< Whose.
  log_index match() const { return match_; }      ///< The last entry known to be equal and durable there.
  log_index next() const { return next_; }        ///< The next entry to send.
  progress_state state() const { return state_; }  ///< How it is sent to.
  /// True iff appends follow one another.
  bool replicating() const { return state_ == progress_state::replicating; }

  /// True iff an append may be sent now.
  bool may_send(std::uint32_t inflight_max, std::uint64_t bytes_max) const {
    if (fetching || state_ == progress_state::snapshot) return false;
    if (!replicating()) return !probe_sent_;
    return inflight_.empty() || (inflight_.size() < inflight_max && inflight_bytes_ < bytes_max);
  }
  /// An append with entries up to `last` (or none: last = next - 1) of this cost has been sent.
  void sent(log_index last, std::uint64_t cost) {
    if (!replicating()) {
      probe_sent_ = true;
    } else if (last >= next_) {
      next_ = last + 1;
      inflight_.push_back({last, cost});
      inflight_bytes_ += cost;
    }
  }
  /// The peer holds everything up to `index`. True iff that is news.
  bool accepted(log_index index) {
    while (!inflight_.empty() && inflight_.front().last <= index) drop_oldest();
    // A late answer from before the snapshot was asked for shows no way round it.
    auto const needs_snapshot = state_ == progress_state::snapshot && index < snapshot_at_least_;
    if (index + 1 >= next_) {
      next_ = index + 1;
      if (!needs_snapshot) {
        probe_sent_ = false;
        state_ = progress_state::replicating;
      }
    }
    if (index <= match_) return false;
    match_ = index;
    return true;
  }
  /// The peer has another entry at `index`, or none; it may be equal up to `hint`. An answer to something older than what
  /// is known by now changes nothing: a delayed refusal never moves `next` to or below `match`.
  bool refused(log_index index, log_index hint) {
    if (index <= match_ || index >= next_) return false;
    if (state_ == progress_state::snapshot || (!replicating() && index + 1 != next_)) return false;
    auto const from = (hint < index ? hint : index - 1) + 1;
    next_ = from > match_ ? from : match_ + 1;
    probe();
    return true;
  }
  /// Goes back to one append at a time, from the last entry known to be equal.
  void lost() {
    if (state_ == progress_state::snapshot) return;
    if (replicating()) next_ = match_ + 1;
    probe();
  }
  /// From now on only a snapshot helps, one that ends at `at_least` or behind it.
  void need_snapshot(log_index at_least) {
    probe();
    state_ = progress_state::snapshot;
    snapshot_at_least_ = at_least;
  }
  /// The peer was sent a snapshot that ends at `index`; its own word on it may be lost.
  void snapshot_sent(log_index index) {
    if (state_ != progress_state::snapshot) return;
    probe();
    if (index >= next_) next_ = index + 1;
  }
  /// No snapshot came through; it is asked for again when the peer is heard of.
  void snapshot_failed() {
    if (state_ != progress_state::snapshot) return;
    probe();
    probe_sent_ = true;
  }
  /// The peer is alive: a probe that was not answered may be sent again, and when no further append may be sent, the
  /// oldest unanswered one is taken as lost.
  void heard(std::uint32_t inflight_max, std::uint64_t bytes_max) {
    probe_sent_ = false;
    if (inflight_.size() >= inflight_max || (!inflight_.empty() && inflight_bytes_ >= bytes_max)) drop_oldest();
  }

  /// True iff the peer was heard of lately: since the check of the quorum before the last one.
  bool alive() const { return active || active_before_; }
  /// The quorum has been checked: another period begins.
  void begin_period() { active_before_ = std::exchange(active, false); }

  bool active = true;               ///< Heard of since the last check of the quorum.
  bool nudged = false;              ///< To be sent an append even if it is empty: its answer shows what is missing.
  bool fetching = false;            ///< Entries for it are being read from the log.
  log_index commit_sent;            ///< The commit it was told last.
  log_index commit_known;           ///< It knows, durably, that everything up to here is committed.
  std::uint64_t round = 0;          ///< The newest round it answered.

 private:
  struct unanswered {
    log_index last;
    std::uint64_t cost;
  };
  void probe() {
    state_ = progress_state::probing;
    probe_sent_ = false;
    inflight_.clear();
    inflight_bytes_ = 0;
  }
  void drop_oldest() {
    inflight_bytes_ -= inflight_.front().cost;
    inflight_.pop_front();
  }

  peer_id peer_;
  log_index match_;
  log_index next_;
  progress_state state_ = progress_state::probing;
  bool probe_sent_ = false;
  std::deque<unanswered> inflight_;
  std::uint64_t inflight_bytes_ = 0;
  log_index snapshot_at_least_;
  bool active_before_ = true;
};

}  // namespace tinykv::raft
