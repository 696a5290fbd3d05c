#pragma once

#include <tinykv/sim/clock.hpp>
#include <tinykv/sim/disk_kv.hpp>
#include <tinykv/sim/disk_log.hpp>
#include <tinykv/sim/disk_snapshots.hpp>
#include <tinykv/sim/executor.hpp>
#include <tinykv/sim/network.hpp>

#include <type_traits>

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

/// A composition without snapshots stays one.
template <class P>
struct snapshots_on_simulated_disk {
  using type = policy::no_snapshots;
};
template <class P>
  requires requires { typename P::snapshots; }
struct snapshots_on_simulated_disk<P> {
  using type = std::conditional_t<std::is_same_v<typename P::snapshots, policy::no_snapshots>, policy::no_snapshots, disk_snapshots>;
};

}  // namespace detail

/// The composition P in a simulated world: the same algorithms and the same machine over a simulated log, transport, clock,
/// executor, snapshot files and, where the machine offers `template <class E> using on`, engine.
template <class P>
struct simulated : P {
  using machine = typename detail::machine_on_simulated_disk<typename P::machine>::type;  ///< The user's own.
  using log = disk_log;                                                                   ///< On the host's disk.
  using snapshots = typename detail::snapshots_on_simulated_disk<P>::type;                ///< On the host's disk, if any.
  using transport = network;                                                              ///< Between the hosts.
  using clock = sim::clock;                                                               ///< The host's.
  using executor = sim::executor;                                                         ///< One per start.
};

}  // namespace tinykv::sim
