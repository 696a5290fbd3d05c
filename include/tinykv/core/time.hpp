#pragma once

#include <chrono>
#include <compare>

namespace tinykv {

/// A span of time, in nanoseconds.
using duration = std::chrono::nanoseconds;

/// A moment of one `Clock`: monotonic, counts suspension. Instants of two machines are never compared.
struct instant {
  duration since_start{0};  ///< Time since an arbitrary start of that clock.

  /// The later one is greater.
  friend constexpr auto operator<=>(instant, instant) = default;
  /// `d` later.
  friend constexpr instant operator+(instant t, duration d) { return {t.since_start + d}; }
  /// The time from `b` to `a`.
  friend constexpr duration operator-(instant a, instant b) { return a.since_start - b.since_start; }
};

}  // namespace tinykv
