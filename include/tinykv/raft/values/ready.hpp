#pragma once

#include <tinykv/core/failure.hpp>
#include <tinykv/raft/values/membership.hpp>
#include <tinykv/raft/values/message.hpp>
#include <tinykv/raft/values/state.hpp>

#include <optional>
#include <vector>

namespace tinykv::raft {

/// What a peer does in its group.
enum class role : std::uint8_t {
  follower = 0,       ///< Listens to a leader.
  pre_candidate = 1,  ///< Asks whether an election could be won.
  candidate = 2,      ///< Asks for votes.
  leader = 3,         ///< Orders commands.
};

/// What fetched entries are for.
enum class fetch_purpose : std::uint8_t {
  apply = 0,  ///< To be applied here.
  send = 1,   ///< To be sent to `fetch_request::peer`.
};

/// Entries that the log window no longer holds: committed and durable, so they cannot change (SAFETY.md §3).
struct fetch_request {
  fetch_purpose purpose = fetch_purpose::apply;  ///< What for.
  peer_id peer;                                  ///< Who gets them, when they are to be sent.
  tinykv::term term;                             ///< Of the asker, when it asked.
  log_index from;                                ///< The first entry.
  log_index to;                                  ///< The last entry; from <= to.
  std::uint64_t bytes_max = 0;                   ///< Stop before this many (by `cost_of`), but give at least one entry.
};

/// The answer: a prefix of what was asked for. No entries = the log could not give them.
struct fetch_answer {
  fetch_request request;       ///< What was asked.
  std::vector<entry> entries;  ///< Consecutive, from `request.from`.
};

/// The index of a read: once `applied >= index`, a view taken then is linearizable (SAFETY.md §7).
struct read_grant {
  read_id read;     ///< As given to `read_index`.
  log_index index;  ///< What the view must hold.
};

/// A read that gets no index; it may be asked again.
struct read_refusal {
  read_id read;          ///< As given to `read_index`.
  failure reason;        ///< Always `rejected`.
};

/// A follower that lacks entries which the log of this leader no longer has: it needs a snapshot. Asked once; answered by
/// `snapshot_sent` or `snapshot_failed`.
struct snapshot_request {
  peer_id peer;         ///< Who needs it.
  tinykv::term term;    ///< Of the leader that asks.
  log_index at_least;   ///< The last entry that it must hold the effect of, or the log does not follow on.

  /// Equal iff all fields are.
  friend bool operator==(snapshot_request const&, snapshot_request const&) = default;
};

/// What a peer says to a snapshot that it is offered.
enum class snapshot_verdict : std::uint8_t {
  ignored = 0,  ///< Of an old term, or another one is being installed: nothing is answered.
  held = 1,     ///< Its effect is here already; the leader has been told how far.
  wanted = 2,   ///< It would help.
};

/// All outputs of a peer since the last one, in the order in which the store deals with them.
struct ready {
  ticket number;                          ///< What `persisted` will name.
  std::optional<hard_state> state;        ///< Set iff it must be stored with this Ready's batch.
  std::vector<entry> entries;             ///< To be stored; the first one replaces whatever is at its index and above.
  std::vector<message> early;             ///< May go at once (SAFETY.md §1).
  std::vector<message> late;              ///< Go when this Ready is durable.
  std::vector<entry> committed;           ///< To be applied, in order; each index is handed out once. Ends with a
                                          ///< configuration entry: none follows before that is applied.
  std::optional<membership> configuration;  ///< What that entry puts in force when it is applied; none if it changes nothing.
  std::vector<fetch_request> fetches;     ///< To be read from the log.
  std::vector<read_grant> reads;          ///< Reads whose index is known.
  std::vector<read_refusal> refused;      ///< Reads that failed.
  std::vector<snapshot_request> snapshots;  ///< Followers that need one.
  bool removed = false;                   ///< This peer is no member any more; it does nothing from now on (once).

  /// True iff a log batch must carry it. A Ready without writes is durable as soon as those before it are.
  bool has_writes() const { return state.has_value() || !entries.empty(); }
};

/// The part of `status` that a store looks at all the time.
struct brief {
  raft::role role = role::follower;  ///< Its role.
  tinykv::term term;                 ///< Its term.
  peer_id leader;                    ///< The leader it knows; 0 = none.
  peer_id transferee;                ///< To whom this leader is handing over; 0 = to nobody.

  /// Equal iff all fields are.
  friend constexpr bool operator==(brief const&, brief const&) = default;
};

/// How a leader sends to a peer.
enum class progress_state : std::uint8_t {
  probing = 0,      ///< Looks for where the logs part.
  replicating = 1,  ///< Appends follow one another.
  snapshot = 2,     ///< Waits until a snapshot is there.
};

/// What a leader knows of a peer.
struct peer_progress {
  peer_id peer;                                      ///< Whose.
  progress_state state = progress_state::probing;    ///< How it is sent to.
  log_index match;                                   ///< Durable and equal there, up to here.
  log_index next;                                    ///< The next entry to send.
  bool active = false;                               ///< Heard of since the last check of the quorum.

  /// Equal iff all fields are.
  friend bool operator==(peer_progress const&, peer_progress const&) = default;
};

/// What can be seen of a peer from outside.
struct status {
  peer_id self;                        ///< This peer.
  raft::role role = role::follower;    ///< Its role.
  tinykv::term term;                   ///< Its term.
  peer_id vote;                        ///< Whom it voted for in that term.
  peer_id leader;                      ///< The leader it knows; 0 = none.
  log_index first;                     ///< truncated + 1.
  log_index last;                      ///< The last entry.
  log_index durable;                   ///< The last entry that its own disk holds.
  log_index commit;                    ///< Known to be on a quorum.
  log_index applied;                   ///< As told by `applied`.
  membership configuration;            ///< In force.
  peer_id transferee{};                ///< To whom a leader is handing over; 0 = to nobody.
  bool change_pending = false;         ///< The log holds a configuration entry that is not applied.
  bool installing = false;             ///< A snapshot is being installed.
  std::vector<peer_progress> peers{};  ///< Of a leader: the others.
};

}  // namespace tinykv::raft
