#pragma once

#include <tinykv/core/time.hpp>

#include <concepts>
#include <cstdint>

namespace tinykv::policy {

/// Tells the time of one store.
///
/// The model promises:
///  1. `now()` never falls and counts time in which the machine was suspended.
///  2. It is the time that the executor's `post_after` means.
///  3. It may be read from any thread.
/// Instants of two stores are never compared.
template <class C>
concept Clock = std::movable<C> && requires(C const& clock) {
  { clock.now() } noexcept -> std::same_as<instant>;
};

/// A clock whose rate differs from true time by at most `drift_ppm()` millionths: what a lease needs.
template <class C>
concept BoundedClock = Clock<C> && requires(C const& clock) {
  { clock.drift_ppm() } noexcept -> std::same_as<std::uint32_t>;
};

}  // namespace tinykv::policy
