#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/core/task.hpp>
#include <tinykv/core/time.hpp>

#include <deque>

namespace tinykv::raftstore {

/// The proposals of one group that this store has accepted and not answered. Each is answered exactly once, and with
/// success only for the very entry that was proposed: same index and same term (I-16, spec §3.9).
template <class Reply>
class proposals {
 public:
  /// Where an answer goes.
  using answer = unique_function<void(result<Reply>)>;

  std::size_t size() const { return open_.size(); }  ///< How many are open.

  /// The proposal has become the entry `at`. Positions rise.
  void add(position at, instant deadline, answer done) { open_.push_back({at, deadline, std::move(done)}); }

  /// The entry `at` was applied. Nothing happens if it was not proposed here, or is answered already.
  void applied(position at, Reply reply) {
    while (!open_.empty() && open_.front().at.index < at.index) lose_front(error_code::leadership_lost);
    if (open_.empty() || open_.front().at.index != at.index) return;
    if (open_.front().at.term != at.term) return lose_front(error_code::leadership_lost);
    auto done = std::move(open_.front().done);
    open_.pop_front();
    if (done) done(std::move(reply));
  }
  /// All are answered `unknown`: whoever leads next may or may not have them.
  void lose_all(error_code why) {
    while (!open_.empty()) lose_front(why);
  }
  /// Answers `unknown` (deadline) to those whose time is over. They stay in the log and may still be applied.
  void expire(instant now) {
    for (auto& p : open_)
      if (p.deadline <= now && p.done) answer_lost(std::exchange(p.done, {}), error_code::deadline);
    while (!open_.empty() && !open_.front().done) open_.pop_front();
  }

 private:
  struct proposal {
    position at;
    instant deadline;
    answer done;  // empty once answered
  };
  static void answer_lost(answer done, error_code why) {
    done(unknown(why, why == error_code::deadline ? "no answer in time; the command may still take effect"
                                                  : "the command may or may not take effect; read before repeating it"));
  }
  void lose_front(error_code why) {
    auto done = std::move(open_.front().done);
    open_.pop_front();
    if (done) answer_lost(std::move(done), why);
  }

  std::deque<proposal> open_;
};

}  // namespace tinykv::raftstore
