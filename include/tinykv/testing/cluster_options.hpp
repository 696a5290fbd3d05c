#pragma once

#include <tinykv/raftstore/options.hpp>
#include <tinykv/sim/faults.hpp>

#include <cstdint>

namespace tinykv::testing {

/// What a simulated cluster is made of.
struct cluster_options {
  std::uint64_t seed = 1;           ///< Decides everything.
  std::uint32_t stores = 3;         ///< Numbered from 1; all are voters.
  std::uint32_t spares = 0;         ///< Numbered on from there; they wait to be added.
  sim::faults weather;              ///< At the beginning.
  raftstore::options store;         ///< Of each; seed and group are set by the cluster.
};

}  // namespace tinykv::testing
