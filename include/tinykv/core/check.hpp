#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace tinykv {

/// Told of a broken internal assumption: its text, file and line. Must not return; if it does, the process aborts.
using check_handler = void (*)(char const* what, char const* file, int line);

namespace detail {

inline void print_failed_check(char const* what, char const* file, int line) {
  std::fprintf(stderr, "tinykv: broken assumption: %s (%s:%d)\n", what, file, line);
}

inline std::atomic<check_handler>& check_handler_slot() {
  static std::atomic<check_handler> slot{&print_failed_check};
  return slot;
}

[[noreturn]] inline void check_failed(char const* what, char const* file, int line) {
  check_handler_slot().load()(what, file, line);
  std::abort();
}

}  // namespace detail

/// Replaces what is called before the process aborts on a failed TINYKV_CHECK; returns the one before. Any thread.
inline check_handler set_check_handler(check_handler handler) {
  return detail::check_handler_slot().exchange(handler);
}

}  // namespace tinykv

/// States an assumption of this library about itself, in release builds too: a store whose state is not what it must
/// be stops rather than serves. Input from outside is never judged by it; that is what `result` is for.
#define TINYKV_CHECK(fact) (static_cast<bool>(fact) ? void(0) : ::tinykv::detail::check_failed(#fact, __FILE__, __LINE__))
