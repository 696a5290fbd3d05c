#pragma once

#include "session.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>

#include <unistd.h>

namespace cli {

/// A line on stderr that counts records while they go by. Only on a terminal, and not with --json.
class progress {
 public:
  /// `verb` as in "imported"; `bytes_total` 0 = not known.
  progress(settings const& with, char const* verb, std::uint64_t bytes_total = 0)
      : visible_(!with.json && ::isatty(STDERR_FILENO) == 1), verb_(verb), bytes_total_(bytes_total) {}
  progress(progress const&) = delete;
  progress& operator=(progress const&) = delete;
  ~progress() { clear(); }

  /// Shows how far it is, five times a second at most.
  void show(std::uint64_t records, std::uint64_t bytes = 0) {
    auto const now = clock::now();
    if (!visible_ || now < next_) return;
    next_ = now + std::chrono::milliseconds{200};
    auto const seconds = std::chrono::duration<double>(now - begin_).count();
    std::fprintf(stderr, "\r\033[K%llu records %s, %.0f per second", static_cast<unsigned long long>(records), verb_,
                 seconds > 0 ? static_cast<double>(records) / seconds : 0.0);
    if (bytes_total_ > 0)
      std::fprintf(stderr, ", %.0f%%", 100.0 * static_cast<double>(bytes) / static_cast<double>(bytes_total_));
    shown_ = true;
  }
  /// Takes the line away, before something else is printed.
  void clear() {
    if (shown_) std::fputs("\r\033[K", stderr);
    shown_ = false;
  }

 private:
  using clock = std::chrono::steady_clock;

  bool visible_;
  char const* verb_;
  std::uint64_t bytes_total_;
  bool shown_ = false;
  clock::time_point begin_ = clock::now();
  clock::time_point next_ = begin_;
};

}  // namespace cli
