#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/raft/values/state.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

namespace tinykv::raft {

/// What a peer knows of its log: the term of every uncompacted index, and the newest entries themselves.
///
///     truncated ... | known by term only | window ....... last |
///
/// Owns no rule of Raft; `core` decides what is appended, cut and evicted. The terms are kept as runs, so that no
/// question of the protocol needs the storage (SAFETY.md §3).
class log_window {
 public:
  /// A log that begins after `at`, has the entries described by `runs` up to `last`, and holds `tail`, its end.
  void restore(position at, std::vector<term_run> runs, log_index last, std::vector<entry> tail) {
    at_ = at;
    runs_ = std::move(runs);
    last_ = last;
    entries_.assign(tail.begin(), tail.end());
    bytes_ = 0;
    for (auto const& e : entries_) bytes_ += cost_of(e);
  }

  position truncated() const { return at_; }               ///< The last entry that is gone.
  log_index last() const { return last_; }                 ///< The last entry; the truncation's when there is none.
  std::uint64_t bytes() const { return bytes_; }           ///< Cost of the entries in the window.
  std::uint64_t size() const { return entries_.size(); }   ///< How many entries the window holds.

  /// The terms of the entries above `truncated`, rising in index and term.
  std::vector<term_run> const& runs() const { return runs_; }
  /// The term of the last entry.
  term last_term() const { return runs_.empty() ? at_.term : runs_.back().term; }
  /// The first index in the window; last + 1 when the window is empty.
  log_index window_first() const { return last_ + 1 - entries_.size(); }
  /// The term of the entry at `i`, for i in [truncated, last]; nothing outside.
  std::optional<term> term_at(log_index i) const {
    if (i < at_.index || i > last_) return std::nullopt;
    if (i == at_.index) return at_.term;
    auto const after = std::upper_bound(runs_.begin(), runs_.end(), i,
                                        [](log_index index, term_run const& run) { return index < run.first; });
    TINYKV_CHECK(after != runs_.begin());
    return std::prev(after)->term;
  }
  /// The greatest index in [truncated, i] whose term is at most `t`: where a conflict with an entry (i, t) can end at the
  /// earliest (paper, end of 5.3).
  log_index last_not_above(log_index i, term t) const {
    i = std::min(i, last_);
    for (auto run = runs_.rbegin(); run != runs_.rend() && i > at_.index; ++run)
      if (run->first <= i) {
        if (run->term <= t) return i;
        i = run->first - 1;
      }
    return std::max(i, at_.index);
  }
  /// True iff the window holds `i`.
  bool holds(log_index i) const { return i >= window_first() && i <= last_; }
  /// The entry at `i`. Precondition: holds(i).
  entry const& operator[](log_index i) const {
    TINYKV_CHECK(holds(i));
    return entries_[static_cast<std::size_t>(i - window_first())];
  }

  /// Adds the entry after the last one. Precondition: it is at last + 1, its term does not fall.
  void append(entry e) {
    TINYKV_CHECK(e.index == last_ + 1);
    TINYKV_CHECK(e.term >= last_term());
    if (runs_.empty() || runs_.back().term != e.term) runs_.push_back({e.index, e.term});
    last_ = e.index;
    bytes_ += cost_of(e);
    entries_.push_back(std::move(e));
  }
  /// Forgets the entries from `from` on. Precondition: they are all in the window.
  void cut(log_index from) {
    TINYKV_CHECK(from >= window_first() && from > at_.index);
    while (last_ >= from) {
      bytes_ -= cost_of(entries_.back());
      entries_.pop_back();
      last_ = last_ - 1;
    }
    while (!runs_.empty() && runs_.back().first > last_) runs_.pop_back();
  }
  /// Lets go of entries from the front, up to and with `through`, until the window costs at most `bytes_kept` and holds
  /// at most `entries_kept`. Their terms stay known.
  void evict(log_index through, std::uint64_t bytes_kept, std::uint64_t entries_kept) {
    while (!entries_.empty() && entries_.front().index <= through &&
           (bytes_ > bytes_kept || entries_.size() > entries_kept)) {
      bytes_ -= cost_of(entries_.front());
      entries_.pop_front();
    }
  }
  /// Forgets everything up to and with `index`, terms included. Precondition: truncated <= index <= last.
  void compact(log_index index) {
    auto const at_term = term_at(index);
    TINYKV_CHECK(at_term.has_value());
    evict(index, 0, 0);
    while (runs_.size() > 1 && runs_[1].first <= index + 1) runs_.erase(runs_.begin());
    if (index == last_) runs_.clear();
    else if (!runs_.empty()) runs_.front().first = std::max(runs_.front().first, index + 1);
    at_ = {index, *at_term};
  }

 private:
  position at_;
  std::vector<term_run> runs_;  // rising in index and term; covers (at_.index, last_]
  log_index last_;
  std::deque<entry> entries_;  // the entries (last_ - size, last_]
  std::uint64_t bytes_ = 0;
};

}  // namespace tinykv::raft
