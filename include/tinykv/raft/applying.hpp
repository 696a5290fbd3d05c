#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/core/id.hpp>

#include <cstdint>
#include <deque>

namespace tinykv::raft {

/// How far a machine has come: what was handed out to be applied, and what it has taken. Each index is handed out once, in
/// order; the bytes on the way are bounded by whoever hands out.
class applying {
 public:
  /// The machine stands at `index`; whatever was on the way is over.
  void restore(log_index index) {
    applied_ = handed_ = index;
    batches_.clear();
    bytes_ = 0;
  }

  log_index applied() const { return applied_; }          ///< The machine has taken everything up to here.
  log_index handed() const { return handed_; }            ///< Handed out up to here.
  std::uint64_t bytes() const { return bytes_; }          ///< On the way, by `cost_of`.

  /// Everything up to `last`, of this cost, has been handed out.
  void hand_out(log_index last, std::uint64_t cost) {
    TINYKV_CHECK(last > handed_);
    handed_ = last;
    batches_.push_back({last, cost});
    bytes_ += cost;
  }
  /// The machine has taken everything up to `index`.
  void finish(log_index index) {
    TINYKV_CHECK(index >= applied_);
    TINYKV_CHECK(index <= handed_);
    applied_ = index;
    while (!batches_.empty() && batches_.front().last <= index) {
      bytes_ -= batches_.front().cost;
      batches_.pop_front();
    }
  }

 private:
  struct batch {
    log_index last;
    std::uint64_t cost;
  };
  log_index applied_;  // Invariant: applied_ <= handed_
  log_index handed_;
  std::deque<batch> batches_;
  std::uint64_t bytes_ = 0;
};

}  // namespace tinykv::raft
