#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/raft/progress.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace tinykv::raft {

// What belongs to a role exists only in that role: `core` holds one of these at a time, and a new one for each term or
// leader, so that nothing is carried over by accident.

/// Of a peer that listens.
struct follower_state {
  peer_id leader;          ///< 0 = not known.
  log_index verified;      ///< Equal to the leader's log up to here, in this term.
  log_index acknowledged;  ///< Told to the leader, in this term.
  bool ack_due = false;    ///< An append was taken in and not yet acknowledged as a whole.
};

/// Of a peer that asks for votes, or (`pre`) whether it would get them.
struct candidate_state {
  bool pre = false;               ///< A pre-vote: raises no term, promises nothing.
  std::map<peer_id, bool> votes;  ///< Answers; the own vote only once it is durable.
};

/// A read that has reached the leader.
struct leader_read {
  peer_id from;             ///< Who waits for the index; the leader itself for a local read.
  read_id read;             ///< As named by `from`.
  log_index index;          ///< The commit when it arrived.
  std::uint64_t round = 0;  ///< Confirmed by this round or a later one; 0 = none has begun since it arrived.
};

/// A leadership on its way to another peer (dissertation 3.10).
struct handover {
  peer_id to;                       ///< Who is to lead; 0 = no handover.
  std::uint32_t elapsed_ticks = 0;  ///< Since it began; given up after an election timeout.
};

/// Of a peer that leads.
struct leader_state {
  log_index first_own;                   ///< The empty entry of the term.
  std::vector<progress> peers;           ///< Everyone but this peer.
  std::uint32_t heartbeat_elapsed = 0;   ///< Ticks since the last round.
  std::uint64_t round = 0;               ///< The newest one begun.
  std::uint64_t confirmed = 0;           ///< The newest one that a quorum has answered.
  bool beat_due = false;                 ///< A round is to begin with the next Ready.
  std::vector<leader_read> early_reads;  ///< Arrived before the first commit of the term: no index yet.
  std::vector<leader_read> reads;        ///< Wait for a round; rounds rise along the list, 0 at its end.
  raft::handover handover;               ///< To another peer.
  std::uint64_t uncommitted_bytes = 0;   ///< Cost of the commands of this term that are not committed.
  std::optional<log_index> left;         ///< The entry whose application made this leader a non-voter: it serves nothing more
                                         ///< and leads on until the voters know that (SAFETY.md §6).
  std::vector<peer_id> dismissed;        ///< No members any more, and to be told so once the voters know it.
  bool handed_before_leaving = false;    ///< A handover was tried before this leader leaves the voters.
};

/// A read of a peer that does not lead: the leader is asked for its index.
struct waiting_read {
  read_id read;                 ///< As given to `read_index`.
  std::uint64_t asked = 0;      ///< The first request that covers it; 0 = none yet.
  std::uint32_t age_ticks = 0;  ///< Since it came.
};

}  // namespace tinykv::raft
