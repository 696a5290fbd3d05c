#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/raft/values/entry.hpp>

#include <cstdint>
#include <vector>

namespace tinykv::raft {

/// What a message between two peers of a group says. Sent: never renumber.
enum class message_kind : std::uint8_t {
  pre_vote_request = 1,  ///< Would you vote for me in `term`? index, log_term: my last entry. (dissertation 9.6)
  pre_vote_reply = 2,    ///< `refused`; term: the term asked about, or the refuser's own higher one. index, log_term: its commit.
  vote_request = 3,      ///< index, log_term: the candidate's last entry. (paper 5.2)
  vote_reply = 4,        ///< `refused`. index, log_term: the sender's commit and the term of the entry there.
  append = 5,            ///< index, log_term: the entry before `entries`; commit. (paper 5.3)
  append_reply = 6,      ///< Accepted: index = last entry known equal. Refused: index = the `index` refused, hint = where to go on.
  heartbeat = 7,         ///< commit = min(commit, match of the receiver); round.
  heartbeat_reply = 8,   ///< round, as it came.
  read_request = 9,      ///< A follower asks for a read index; read. (dissertation 6.4)
  read_reply = 10,       ///< read, index; or `refused`.
  timeout_now = 11,      ///< The leader hands over: campaign at once. (dissertation 3.10)
  removed = 12,          ///< The receiver is no member of the configuration with the version `round`, which is committed.
};

/// True iff a message of this kind answers one of the receiver's.
constexpr bool is_reply(message_kind kind) {
  using enum message_kind;
  return kind == pre_vote_reply || kind == vote_reply || kind == append_reply || kind == heartbeat_reply || kind == read_reply;
}

/// One message. Fields that a kind does not name are zero.
struct message {
  message_kind kind = message_kind::heartbeat;  ///< Says which fields count.
  peer_id from;                                 ///< The sender.
  peer_id to;                                   ///< The receiver.
  tinykv::term term;                            ///< The sender's term (for a pre-vote: the term asked about).
  log_index index;                              ///< By kind.
  tinykv::term log_term;                        ///< Of the entry at `index`; in a refused append: of the entry at `hint`.
  log_index commit;                             ///< The leader's commit; in an accepted append: the receiver's.
  log_index hint;                               ///< In a refused append: the last entry that may be equal.
  std::uint64_t round = 0;                      ///< Numbers the leader's rounds within its term; rises.
  read_id read;                                 ///< Which read.
  bool refused = false;                         ///< A reply that says no.
  bool forced = false;                          ///< A vote request that the leader itself asked for: no lease stands against it.
  std::vector<entry> entries;                   ///< Consecutive, from index + 1.

  /// Equal iff all fields are.
  friend bool operator==(message const&, message const&) = default;
};

}  // namespace tinykv::raft
