#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/core/task.hpp>
#include <tinykv/core/time.hpp>

#include <deque>
#include <optional>
#include <utility>

namespace tinykv::raftstore {

/// The proposals of one group that this store has accepted and not answered. Each is answered exactly once, and with
/// success only for the very entry that was proposed: same index and same term (I-16, spec §3.9).
template <class Reply>
class proposals {
 public:
  /// Where an answer goes.
  using answer = unique_function<void(result<Reply>)>;
  /// Told of each answer: the entry, and what went wrong if anything did.
  using listener = unique_function<void(position, std::optional<outcome>)>;

  /// From now on `who` is told of each answer, after it was given.
  void tell(listener who) { listener_ = std::move(who); }

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
    if (!done) return;
    done(std::move(reply));
    if (listener_) listener_(at, std::nullopt);
  }
  /// All are answered `unknown`: whoever leads next may or may not have them.
  void lose_all(error_code why) {
    while (!open_.empty()) lose_front(why);
  }
  /// Everything up to `index` took effect, or not, without being seen here: a snapshot passed it.
  void passed_by(log_index index) {
    while (!open_.empty() && open_.front().at.index <= index) lose_front(error_code::leadership_lost);
  }
  /// Answers `unknown` (deadline) to those whose time is over. They stay in the log and may still be applied.
  void expire(instant now) {
    for (auto& p : open_)
      if (p.deadline <= now && p.done) answer_lost(p.at, std::exchange(p.done, {}), error_code::deadline);
    while (!open_.empty() && !open_.front().done) open_.pop_front();
  }

 private:
  struct proposal {
    position at;
    instant deadline;
    answer done;  // empty once answered
  };
  void answer_lost(position at, answer done, error_code why) {
    done(unknown(why, why == error_code::deadline ? "no answer in time; the command may still take effect"
                                                  : "the command may or may not take effect; read before repeating it"));
    if (listener_) listener_(at, outcome::unknown);
  }
  void lose_front(error_code why) {
    auto lost = std::move(open_.front());
    open_.pop_front();
    if (lost.done) answer_lost(lost.at, std::move(lost.done), why);
  }

  std::deque<proposal> open_;
  listener listener_;
};

}  // namespace tinykv::raftstore
