#pragma once

#include <tinykv/policy/clock.hpp>
#include <tinykv/sim/world.hpp>

namespace tinykv::sim {

/// The clock of a simulated host: runs a little fast or slow, and starts anywhere.
class clock {
 public:
  /// Of the host of `store`.
  clock(world& in, store_id store) : in_(&in), on_(&in.host(store)) {}
  /// The host's time.
  instant now() const noexcept { return in_->local_time(*on_); }

 private:
  world* in_;
  host* on_;
};

static_assert(policy::Clock<clock>);

}  // namespace tinykv::sim
