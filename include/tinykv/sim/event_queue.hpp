#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/core/task.hpp>
#include <tinykv/core/time.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace tinykv::sim {

/// What will happen, by virtual time; events of the same time in the order in which they were added.
class event_queue {
 public:
  /// `happen` will be called at `at`. Precondition: at >= now().
  void add(instant at, task happen) {
    TINYKV_CHECK(at >= now_);
    heap_.push_back({at, next_++, std::move(happen)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  /// Moves the time to the next event and calls it; false iff there is none.
  bool step() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    auto next = std::move(heap_.back());
    heap_.pop_back();
    now_ = next.at;
    next.happen();
    return true;
  }
  /// Moves the time on to `at`, which must not lie behind the next event.
  void pass_to(instant at) {
    TINYKV_CHECK(at >= now_);
    TINYKV_CHECK(empty() || at <= next_at());
    now_ = at;
  }
  /// True iff nothing will happen.
  bool empty() const noexcept { return heap_.empty(); }
  /// When the next event is due. Precondition: !empty().
  instant next_at() const { return heap_.front().at; }
  /// Virtual time.
  instant now() const noexcept { return now_; }
  /// Forgets all events, unrun.
  void clear() {
    while (!heap_.empty()) {  // destroying an event may add others
      auto const doomed = std::exchange(heap_, {});
    }
  }

 private:
  struct event {
    instant at;
    std::uint64_t number;
    task happen;
  };
  static bool later(event const& a, event const& b) {
    return a.at != b.at ? a.at > b.at : a.number > b.number;
  }

  instant now_;
  std::uint64_t next_ = 0;
  std::vector<event> heap_;
};

}  // namespace tinykv::sim
