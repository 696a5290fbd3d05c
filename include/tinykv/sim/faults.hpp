#pragma once

#include <tinykv/core/time.hpp>
#include <tinykv/raft/values/message.hpp>

#include <cstdint>
#include <optional>

namespace tinykv::sim {

/// How a simulated world treats those who live in it. The default is a calm world: short delays, nothing lost. May be
/// changed while the world runs; the ids are those of docs/reference/faults_and_invariants.md.
struct faults {
  duration delay_min = std::chrono::microseconds{100};    ///< Of a message on its way.
  duration delay_max = std::chrono::milliseconds{2};      ///< The same; the jitter reorders (F-N3, F-N4).
  std::uint32_t tail_per_mille = 0;                       ///< Messages that take up to `tail_max` instead (F-N4).
  duration tail_max = std::chrono::milliseconds{600};     ///< Longer than an election timeout.
  std::uint32_t drop_per_mille = 0;                       ///< Envelopes that are lost (F-N1).
  std::uint32_t duplicate_per_mille = 0;                  ///< Envelopes that arrive twice (F-N2).
  duration duplicate_max = std::chrono::milliseconds{5};  ///< How much later the second one may come (F-N2: much later).
  std::uint32_t reset_per_mille = 0;                      ///< Sends that find the connection broken and greet anew (F-N10).
  std::optional<raft::message_kind> mute;                 ///< Messages of this kind are lost ... (F-N1)
  std::uint32_t mute_per_mille = 0;                       ///< ... this often.

  duration task_max = std::chrono::microseconds{20};      ///< A queued home task runs within this.
  duration timer_late_max = std::chrono::microseconds{50};  ///< Timers are late by up to this (F-C2).
  duration lane_min = std::chrono::microseconds{50};      ///< Of a lane task, from start to completion.
  duration lane_max = std::chrono::milliseconds{2};       ///< The same (F-D12).
  std::uint32_t stall_per_mille = 0;                      ///< Lane tasks that take up to `stall_max` instead (F-D10).
  duration stall_max = std::chrono::milliseconds{600};    ///< Longer than an election timeout.
  std::uint32_t disk_error_per_million = 0;               ///< Log writes and syncs that fail for good (F-D5, F-D6).
};

}  // namespace tinykv::sim
