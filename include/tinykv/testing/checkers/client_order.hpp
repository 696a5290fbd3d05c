#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <algorithm>

namespace tinykv::testing {

/// I-9, I-17, I-18: the order that the log gives to all calls agrees with real time. A write is placed by the index of its
/// entry, a read by the last command that its view holds; a call that began after another one was answered must not be
/// placed before it. Since the log is the order, no search for one is needed.
class client_order {
 public:
  /// Puts violations into `out`.
  explicit client_order(findings& out) : out_(out) {}

  /// A call begins now: what it must not be placed before.
  log_index begins() const noexcept { return answered_; }
  /// A write that began at `floor` was answered: it is at `index`.
  void wrote(log_index floor, log_index index) {
    out_.expect(index > floor, "I-17", [&] {
      return detail::say("a write at index", index) + detail::say(" began after one at index", floor) + " had been answered";
    });
    answered_ = std::max(answered_, index);
  }
  /// A read that began at `floor` was answered: its view holds the commands up to `index`.
  void read(log_index floor, log_index index) {
    out_.expect(index >= floor, "I-9", [&] {
      return detail::say("a read sees index", index) + detail::say(", but had begun after an answer for index", floor);
    });
    answered_ = std::max(answered_, index);
  }

 private:
  findings& out_;
  log_index answered_;
};

}  // namespace tinykv::testing
