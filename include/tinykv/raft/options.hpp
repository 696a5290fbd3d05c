#pragma once

#include <tinykv/core/id.hpp>

#include <cstdint>

namespace tinykv::raft {

/// The numbers of one peer. All peers of a group should have the same ones, `self` and `seed` apart.
struct options {
  peer_id self;                                       ///< This peer; not 0.
  std::uint32_t election_ticks = 10;                  ///< A follower that hears nothing for [n, 2n) ticks campaigns.
  std::uint32_t heartbeat_ticks = 2;                  ///< A leader speaks at least this often; below election_ticks.
  bool pre_vote = true;                               ///< Ask before raising the term (dissertation 9.6).
  bool check_quorum = true;                           ///< A leader that hears no quorum for election_ticks steps down.
  std::uint64_t window_bytes_max = 32ULL << 20;       ///< Entries in memory, by `cost_of`; proposals are refused at half.
  std::uint64_t window_entries_max = 65536;           ///< The same in entries.
  std::uint64_t command_bytes_max = 1ULL << 20;       ///< The largest command.
  std::uint64_t append_bytes_max = 256ULL << 10;      ///< Entries in one append stop here, but there is at least one.
  std::uint32_t append_entries_max = 4096;            ///< The same in entries.
  std::uint32_t inflight_appends_max = 64;            ///< Unanswered appends with entries per follower.
  std::uint64_t inflight_bytes_max = 8ULL << 20;      ///< The same in bytes, by `cost_of`; one is always let through.
  std::uint64_t uncommitted_bytes_max = 16ULL << 20;  ///< Commands of this leadership that no quorum holds yet; one is always
                                                      ///< let through, more are refused as busy.
  std::uint64_t promotion_lag_max = 1024;             ///< A learner becomes a voter only when at most this many entries behind.
  std::uint64_t apply_bytes_max = 4ULL << 20;         ///< Entries handed out to be applied and not applied yet.
  std::uint32_t pending_reads_max = 4096;             ///< Reads that wait for their index; more are refused as busy.
  std::uint32_t election_priority = 100;              ///< 1..100: below 100 a peer campaigns later, at 1 by two timeouts; 0:
                                                      ///< never by itself, only when a leader hands over to it.
  std::uint64_t seed = 0;                             ///< Of the election timeouts.
};

}  // namespace tinykv::raft
