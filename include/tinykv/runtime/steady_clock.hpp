#pragma once

#include <tinykv/core/time.hpp>
#include <tinykv/policy/clock.hpp>

#include <time.h>

namespace tinykv::runtime {

/// The machine's clock: monotonic, not moved by changes of the wall clock, and running on while the machine sleeps
/// (CLOCK_BOOTTIME), so that a deadline or lease that ended during the sleep is over afterwards. Any thread.
class steady_clock {
 public:
  /// Time since the machine was started.
  instant now() const noexcept {
#ifdef CLOCK_BOOTTIME
    constexpr clockid_t source = CLOCK_BOOTTIME;
#else
    constexpr clockid_t source = CLOCK_MONOTONIC;  // where there is no other name, this one counts suspension
#endif
    timespec read{};
    ::clock_gettime(source, &read);  // cannot fail: the clock is known and the address is valid
    return {std::chrono::seconds{read.tv_sec} + std::chrono::nanoseconds{read.tv_nsec}};
  }
};

static_assert(policy::Clock<steady_clock>);

}  // namespace tinykv::runtime
