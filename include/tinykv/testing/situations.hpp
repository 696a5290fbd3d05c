#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tinykv::testing {

/// What a simulation must reach to be worth something; a full run counts each well above zero
/// (docs/reference/faults_and_invariants.md, section 5).
enum class situation : std::uint8_t {
  leader_elected,            ///< A term got a leader.
  leader_crashed,            ///< The crash hit a leader.
  crash_with_write_in_flight,  ///< A log batch was on its way to the disk.
  vote_persisted,            ///< A vote for another peer reached a disk.
  conflict_cut,              ///< Entries on a disk were replaced.
  conflict_of_terms,         ///< Entries of more than one term were replaced at once.
  commit_of_old_term,        ///< An entry became committed in a later term than its own.
  restart_with_unapplied_log,  ///< A store started with entries that are not known to be committed.
  proposal_lost,             ///< A client was told `unknown`.
  proposal_refused,          ///< A client was told `rejected`.
  proposal_succeeded,        ///< A client got its reply.
  read_at_leader,            ///< A read was answered by the leader.
  read_at_follower,          ///< A read was answered by another store.
  read_refused,              ///< A read was refused.
  disk_error,                ///< A disk failed and its store stopped.
  disk_stall,                ///< A write took longer than the store endures.
  command_applied,           ///< A machine applied a command.
  engine_behind_log,         ///< A crash took batches of an engine, whose commands the log still holds.
  cluster_crashed,           ///< All stores crashed together.
  members_changed,           ///< A configuration entry was committed.
  joint_leader,              ///< A leader was seen with a joint configuration in force (each turn counts).
  peer_added,                ///< A store was given a peer of the group.
  peer_removed,              ///< A peer left the group and was cleared away.
  leadership_handed_over,    ///< A leader told another peer to campaign.
  log_compacted,             ///< Entries were deleted behind the machine.
  snapshot_installed,        ///< A log began anew behind a snapshot.
  machine_restored,          ///< A machine was filled from a snapshot, or emptied.
  kinds,                     ///< How many there are; not one itself.
};

/// The name of `which` in reports.
constexpr std::string_view name_of(situation which) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(situation::kinds)> names{
      "leader elected", "leader crashed", "crash with a write in flight", "vote persisted", "conflict cut away",
      "conflict of several terms", "commit of an older term's entry", "restart with an unapplied log", "proposal lost",
      "proposal refused", "proposal succeeded", "read at the leader", "read at a follower", "read refused", "disk error",
      "disk stall", "command applied", "engine behind its log", "whole cluster crashed", "members changed",
      "joint configuration at a leader", "peer added", "peer removed", "leadership handed over", "log compacted",
      "snapshot installed", "machine restored"};
  return names[static_cast<std::size_t>(which)];
}

/// How often each was reached.
class situations {
 public:
  /// Once more.
  void count(situation which) { ++counts_[static_cast<std::size_t>(which)]; }
  /// How often.
  std::uint64_t of(situation which) const { return counts_[static_cast<std::size_t>(which)]; }
  /// Adds those of another run.
  void add(situations const& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }

 private:
  std::array<std::uint64_t, static_cast<std::size_t>(situation::kinds)> counts_{};
};

}  // namespace tinykv::testing
