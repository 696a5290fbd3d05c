#pragma once

#include <tinykv/runtime/steady_clock.hpp>

#include <cstdint>

namespace tinykv::runtime {

/// `steady_clock` with the operator's word that its rate is true to within some millionths: what a lease is built on.
/// The library cannot check the word. A machine whose clock is disciplined by NTP stays within 500 ppm.
class drift_bounded_clock : public steady_clock {
 public:
  /// True to within `ppm` millionths.
  explicit drift_bounded_clock(std::uint32_t ppm) noexcept : ppm_(ppm) {}
  /// As given.
  std::uint32_t drift_ppm() const noexcept { return ppm_; }

 private:
  std::uint32_t ppm_;
};

static_assert(policy::BoundedClock<drift_bounded_clock>);

}  // namespace tinykv::runtime
