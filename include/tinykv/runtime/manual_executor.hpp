#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/policy/clock.hpp>
#include <tinykv/policy/executor.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace tinykv::runtime {

/// An executor that is turned by hand: nothing runs and no time passes but by the calls below, all made by one thread.
/// For tests, for programs that have a loop of their own, and to see what a store does step by step. `post` alone may be
/// called from any thread. What is still queued at destruction is destroyed unrun.
class manual_executor {
 public:
  manual_executor() = default;
  manual_executor(manual_executor const&) = delete;
  manual_executor& operator=(manual_executor const&) = delete;

  /// Queues `work` on the home lane. Any thread.
  void post(task work) {
    std::lock_guard const hold{mutex_};
    home_.push_back(std::move(work));
  }
  /// Queues `work` on the home lane once the time has been moved by `delay`.
  void post_after(duration delay, task work) {
    timers_.emplace(now() + (delay < duration::zero() ? duration::zero() : delay), std::move(work));
  }
  /// Queues `work` on a lane.
  void post_on(policy::lane where, task work) { queue(where).push_back(std::move(work)); }

  /// Runs the next home task; false iff there is none.
  bool run_home() {
    fire();
    return run_front([&]() -> std::optional<task> {
      std::lock_guard const hold{mutex_};
      return pop(home_);
    }());
  }
  /// Runs the next task of a lane; false iff there is none.
  bool run_lane(policy::lane where) { return run_front(pop(queue(where))); }
  /// Runs one task, home lane first, then the lanes by number; false iff nothing is queued.
  bool run_one() {
    if (run_home()) return true;
    for (std::size_t lane = 0; lane < policy::lane_count; ++lane)
      if (run_lane(static_cast<policy::lane>(lane))) return true;
    return false;
  }
  /// Runs until nothing is queued; gives how many tasks ran. Does not end if every task posts another.
  std::uint64_t run_all() {
    std::uint64_t count = 0;
    while (run_one()) ++count;
    return count;
  }

  /// Moves the time on. Timers that come due are queued, in the order of their times, and run by the next `run_...`.
  void advance(duration by) {
    TINYKV_CHECK(by >= duration::zero());
    now_.store(now_.load() + by.count());
  }
  /// Lets `span` pass as an idle machine would: runs everything, moves on to the next timer, until the span is over.
  void run_for(duration span) {
    auto const end = now() + span;
    for (run_all(); !timers_.empty() && timers_.begin()->first <= end; run_all())
      if (timers_.begin()->first > now()) advance(timers_.begin()->first - now());
    advance(end - now());
    run_all();
  }
  /// The time since construction. Any thread.
  instant now() const noexcept { return {duration{now_.load()}}; }
  /// How many tasks of a lane wait.
  std::size_t waiting(policy::lane where) const { return lanes_[static_cast<std::size_t>(where)].size(); }

 private:
  static std::optional<task> pop(std::deque<task>& from) {
    if (from.empty()) return std::nullopt;
    std::optional<task> front{std::move(from.front())};
    from.pop_front();
    return front;
  }
  static bool run_front(std::optional<task> front) {
    if (front) (*front)();
    return front.has_value();
  }
  std::deque<task>& queue(policy::lane where) { return lanes_[static_cast<std::size_t>(where)]; }
  void fire() {
    while (!timers_.empty() && timers_.begin()->first <= now()) {
      post(std::move(timers_.begin()->second));
      timers_.erase(timers_.begin());
    }
  }

  std::atomic<duration::rep> now_{0};
  std::mutex mutex_;  // guards home_, the only part that other threads reach
  std::deque<task> home_;
  std::array<std::deque<task>, policy::lane_count> lanes_;
  std::multimap<instant, task> timers_;
};

/// The time of a `manual_executor`.
class manual_clock {
 public:
  /// Reads the time of `executor`, which must outlive the clock.
  explicit manual_clock(manual_executor const& executor) noexcept : executor_(&executor) {}
  /// The time since the executor was made. Any thread.
  instant now() const noexcept { return executor_->now(); }

 private:
  manual_executor const* executor_;
};

static_assert(policy::Executor<manual_executor>);
static_assert(policy::Clock<manual_clock>);

}  // namespace tinykv::runtime
