#pragma once

#include <tinykv/raft/values/entry.hpp>
#include <tinykv/raftstore/options.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace tinykv::raftstore {

/// How large the log of a group is, in bytes by `cost_of`, to within a mark: what a rule by bytes needs, without asking
/// the storage.
class log_size {
 public:
  static constexpr std::uint64_t mark_bytes = 64ULL << 10;  ///< The grain.

  /// A log that ends at `last` and holds so much.
  void restore(log_index last, std::uint64_t bytes) {
    marks_ = {{last, bytes}};
    gone_ = 0;
    begin_ = {};
  }
  /// These entries were written; the first replaces what was at its index and above.
  void written(std::vector<raft::entry> const& entries) {
    if (entries.empty()) return;
    cut(entries.front().index);
    auto total = marks_.empty() ? gone_ : marks_.back().total;
    for (auto const& e : entries) {
      auto const before = marks_.empty() ? gone_ : marks_.back().total;
      total += raft::cost_of(e);
      if (total - before >= mark_bytes) marks_.push_back({e.index, total});
    }
    if (marks_.empty() || marks_.back().last != entries.back().index) marks_.push_back({entries.back().index, total});
    thin_out();
  }
  /// The log begins behind `index`.
  void compacted(log_index index) {
    begin_ = index;
    for (; !marks_.empty() && marks_.front().last <= index; marks_.pop_front()) gone_ = marks_.front().total;
  }
  /// What the log holds, or a mark more.
  std::uint64_t bytes() const { return marks_.empty() ? 0 : marks_.back().total - gone_; }

 private:
  struct mark {
    log_index last;
    std::uint64_t total;  // of everything ever written up to `last`
  };
  // The log ends before `first`. What a mark covers is not known entry by entry: where one is cut, all of it goes on counting
  // until it is compacted, so that the rule by bytes errs towards a shorter log.
  void cut(log_index first) {
    std::uint64_t covered = 0;
    for (; !marks_.empty() && marks_.back().last >= first; marks_.pop_back()) covered = marks_.back().total;
    auto const kept = marks_.empty() ? begin_ : marks_.back().last;
    if (covered > 0 && kept + 1 < first) marks_.push_back({first - 1, covered});
  }
  // Of two marks that lie closer than the grain the first says nothing that the second does not.
  void thin_out() {
    while (marks_.size() > 2) {
      auto const base = marks_.size() > 2 ? marks_[marks_.size() - 3].total : gone_;
      if (marks_.back().total - base >= mark_bytes) return;
      marks_.erase(marks_.end() - 2);
    }
  }

  std::deque<mark> marks_;  // rising in both
  std::uint64_t gone_ = 0;
  log_index begin_;  // nothing up to here is in the log
};

/// What decides how far a log may be compacted.
struct compaction_view {
  log_index truncated;                   ///< The last entry that is gone.
  log_index applied;                     ///< In the machine.
  std::uint64_t bytes = 0;               ///< Of the log.
  std::optional<log_index> slowest;      ///< A leader: the least match of its live followers.
  std::optional<log_index> hold;         ///< Nothing above this may go: a snapshot under way ends there.
};

/// The last entry that should leave the log; the truncation when none should. Not yet bounded by what the machine holds
/// durably.
inline log_index compaction_target(compaction_options const& rule, compaction_view const& log) {
  auto const count = log.applied - log.truncated;
  if (count <= rule.entries_max && log.bytes <= rule.bytes_max) return log.truncated;
  auto const kept = log.bytes > rule.bytes_max ? std::uint64_t{0} : std::min(rule.entries_kept, count);
  auto target = log.applied - kept;
  auto const follower_waits = log.slowest && *log.slowest < target;
  if (follower_waits && count <= rule.follower_entries_max && log.bytes <= rule.follower_bytes_max) target = *log.slowest;
  if (log.hold && log.bytes <= rule.hold_bytes_max) target = std::min(target, *log.hold);
  return std::max(target, log.truncated);
}

}  // namespace tinykv::raftstore
