#pragma once

namespace tinykv {

/// The value of an operation that succeeds without a value: `result<done>`.
struct done {
  /// All are equal.
  friend constexpr bool operator==(done, done) = default;
};

}  // namespace tinykv
