#pragma once

#include <tinykv/sim/clock.hpp>
#include <tinykv/sim/disk_kv.hpp>
#include <tinykv/sim/disk_log.hpp>
#include <tinykv/sim/executor.hpp>
#include <tinykv/sim/network.hpp>

namespace tinykv::sim {

namespace detail {

template <class M>
struct machine_on_simulated_disk {
  using type = M;
};
template <class M>
  requires requires { typename M::template on<disk_kv>; }
struct machine_on_simulated_disk<M> {
  using type = typename M::template on<disk_kv>;
};

}  // namespace detail

/// The composition P in a simulated world: the same algorithms and the same machine over a simulated log, transport, clock,
/// executor and, where the machine offers `template <class E> using on`, engine.
template <class P>
struct simulated : P {
  using machine = typename detail::machine_on_simulated_disk<typename P::machine>::type;  ///< The user's own.
  using log = disk_log;                                                                   ///< On the host's disk.
  using transport = network;                                                              ///< Between the hosts.
  using clock = sim::clock;                                                               ///< The host's.
  using executor = sim::executor;                                                         ///< One per start.
};

}  // namespace tinykv::sim
