#pragma once

#include <tinykv/core/time.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinykv::sim {

/// What a line of the trace tells. Part of the hash: add at the end.
enum class occurrence : std::uint8_t {
  start,        ///< store, start count.
  crash,        ///< store, start count.
  pause,        ///< store, nanoseconds.
  turn,         ///< store: a task of the home lane ran.
  timer,        ///< store: a timer came due.
  lane_start,   ///< store, lane, nanoseconds it will take.
  lane_end,     ///< store, lane.
  lane_cut,     ///< store, lane, 1 iff the task's effect stays: a task was in flight at a crash.
  send,         ///< from, to, kind, term, index, commit.
  deliver,      ///< from, to, kind, term, index, commit.
  lose,         ///< from, to, how many messages and pieces of snapshots.
  greet,        ///< from, to.
  refuse,       ///< from, to: the greeting was refused.
  link,         ///< from, to, 0 open, 1 cut, 2 clogged.
  persist,      ///< store, group, term, vote, commit, first index * 2^32 + count of the entries.
  disk_error,   ///< store, 1 iff the batch reached the disk all the same.
  kv_write,     ///< store, operations.
  kv_sync,      ///< store.
  kv_lost,      ///< store, how many batches.
  event,        ///< store, kind, group, term, index, value: what an observer was told.
  call,         ///< client, operation, kind, store.
  answer,       ///< client, operation, outcome (0 ok), index, value.
  note,         ///< Anything else.
  spool,        ///< store, group, slot, 0 create 1 append 2 sync 3 publish 4 remove, bytes.
  spool_lost,   ///< store, group, slot, bytes before, bytes after: a crash hit a file that was not synced.
  send_piece,   ///< from, to, term, index, offset, bytes * 4 + 2 iff an answer + 1 iff refused: of a snapshot.
  deliver_piece,  ///< The same.
};

/// The name of `what` in printed traces.
constexpr std::string_view name_of(occurrence what) {
  constexpr std::array<std::string_view, 27> names{
      "start", "crash", "pause",  "turn", "timer",   "lane_start", "lane_end", "lane_cut", "send",  "deliver", "lose", "greet",
      "refuse", "link", "persist", "disk_error", "kv_write", "kv_sync", "kv_lost", "event", "call", "answer", "note",
      "spool", "spool_lost", "send_piece", "deliver_piece"};
  return names[static_cast<std::size_t>(what)];
}

/// One line: what happened, when, and its decoded values.
struct trace_line {
  instant at;                             ///< Virtual time.
  occurrence what = occurrence::note;     ///< What.
  std::array<std::uint64_t, 6> values{};  ///< By `what`; zeros behind.
};

/// The history of a simulated world: a running hash over everything, and the last lines in full. Two runs with the same
/// hash did the same: it covers decoded values only, never an address, a hash or a container's order (DESIGN.md §5.7).
class trace {
 public:
  /// Keeps the last `lines_max` lines; at least one.
  explicit trace(std::size_t lines_max = 400) : lines_(lines_max == 0 ? 1 : lines_max) {}

  /// Adds a line.
  template <class... Values>
  void add(instant at, occurrence what, Values... values) {
    static_assert(sizeof...(Values) <= 6);
    trace_line line{at, what, {static_cast<std::uint64_t>(values)...}};
    mix(static_cast<std::uint64_t>(at.since_start.count()));
    mix(static_cast<std::uint64_t>(what));
    for (auto const value : line.values) mix(value);
    lines_[static_cast<std::size_t>(count_++ % lines_.size())] = line;
  }

  /// The hash so far.
  std::uint64_t hash() const noexcept { return hash_; }
  /// How many lines there were.
  std::uint64_t count() const noexcept { return count_; }
  /// The kept lines, oldest first.
  std::vector<trace_line> last_lines() const {
    std::vector<trace_line> out;
    auto const kept = count_ < lines_.size() ? count_ : lines_.size();
    for (auto i = count_ - kept; i < count_; ++i) out.push_back(lines_[static_cast<std::size_t>(i % lines_.size())]);
    return out;
  }

 private:
  void mix(std::uint64_t value) noexcept {
    hash_ = std::rotl(hash_ ^ value, 23) * 0x9e3779b97f4a7c15ULL;
    hash_ ^= hash_ >> 29;
  }

  std::uint64_t hash_ = 0x243f6a8885a308d3ULL;
  std::uint64_t count_ = 0;
  std::vector<trace_line> lines_;  // a ring
};

}  // namespace tinykv::sim
