#pragma once

#include <tinykv/core/random.hpp>
#include <tinykv/testing/cluster_options.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tinykv::testing {

/// The classes of faults that a trial draws from; ids as in docs/reference/faults_and_invariants.md.
enum class fault : std::uint8_t {
  drop,         ///< F-N1: messages are lost.
  mute,         ///< F-N1: one kind of message is lost.
  duplicate,    ///< F-N2: messages come twice.
  late_copy,    ///< F-N2: the second copy comes much later.
  tail,         ///< F-N4: some messages take longer than an election timeout.
  reset,        ///< F-N10: connections break.
  partition,    ///< F-N5: the stores are parted in two.
  one_way,      ///< F-N6: one direction of a link is cut.
  bridge,       ///< F-N7: a ring in which each store sees only its neighbours.
  flap,         ///< F-N8: a link is cut and healed, again and again.
  clog,         ///< F-N9: a link holds its mail back.
  stall,        ///< F-D10: single disk operations stall.
  slow_disk,    ///< F-D10: all operations of one store are slow for a while.
  disk_error,   ///< F-D5, F-D6: a log write fails for good.
  crash,        ///< F-P1 to F-P3: a store dies and starts again.
  crash_all,    ///< F-P5: all stores die together.
  pause,        ///< F-P4: a store stands still.
  members,      ///< Stores join and leave the group (not a fault, but most faults meet it badly).
  transfer,     ///< The leadership is handed over.
  compaction,   ///< Logs are kept very short, so that snapshots are needed.
  clocks,       ///< F-C2: clocks run at different rates, timers are late.
  kinds,        ///< How many there are; not one itself.
};

/// The name of a class.
constexpr std::string_view name_of(fault which) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(fault::kinds)> names{
      "drop", "mute", "duplicate", "late-copy", "tail", "reset", "partition", "one-way", "bridge", "flap", "clog", "stall",
      "slow-disk", "disk-error", "crash", "crash-all", "pause", "members", "transfer", "compaction", "clocks"};
  return names[static_cast<std::size_t>(which)];
}

/// What one seed does: which faults at which strength, and the numbers of the cluster. Some seeds know one class of faults
/// only, very hot; some know all of them, mild; most know some.
struct plan {
  std::array<std::uint8_t, static_cast<std::size_t>(fault::kinds)> strength{};  ///< 0 (off) to 3, by fault.
  cluster_options cluster;                                                      ///< Stores, weather, bounds.
  std::uint32_t clients = 3;                                                    ///< Each does one call at a time.
  duration safety = std::chrono::seconds{8};                                    ///< How long the faults last.

  /// The strength of one class.
  std::uint32_t of(fault which) const { return strength[static_cast<std::size_t>(which)]; }
  /// The faults that are on: "drop 2, crash 1".
  std::string text() const;
};

/// The plan of a seed.
plan draw_plan(std::uint64_t seed);

}  // namespace tinykv::testing

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/testing/impl/plan.ipp>
#endif
