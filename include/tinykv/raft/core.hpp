#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/core/identity.hpp>
#include <tinykv/core/random.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/raft/applying.hpp>
#include <tinykv/raft/durability.hpp>
#include <tinykv/raft/log_window.hpp>
#include <tinykv/raft/options.hpp>
#include <tinykv/raft/progress.hpp>
#include <tinykv/raft/quorum.hpp>
#include <tinykv/raft/roles.hpp>
#include <tinykv/raft/values/ready.hpp>

#include <variant>

namespace tinykv::raft {

/// Raft (Ongaro and Ousterhout, extended paper; Ongaro's dissertation), as a deterministic value: inputs are member
/// functions, the one output is `take_ready`. Models `policy::Consensus`; read that contract first.
///
/// Beyond the paper: pre-vote and check-quorum (dissertation 9.6, 6.2), appends that follow one another without waiting
/// (10.2.1), writes of the own disk that complete late and are told by tickets (SAFETY.md §1-§3), a commit that counts
/// the leader's own entry only when it is durable, read indices confirmed by numbered rounds (6.4, SAFETY.md §7).
/// Not thread-safe; belongs to the home lane.
class core {
 public:
  /// What directories are marked with.
  static constexpr consensus_kind kind = consensus_kind::raft;

  /// A peer that knows nothing yet. Preconditions: self is not 0, 0 < heartbeat_ticks < election_ticks.
  explicit core(raft::options options);

  /// Takes up what log and machine hold; called once, first. `fatal` (corrupt) when they contradict each other.
  result<done> recover(start_state start);

  /// One tick has passed.
  void tick();
  /// A message arrived. One that is malformed, outdated or not for this peer changes nothing.
  void step(message m);
  /// Orders a command, at a leader of exactly `expected`. `rejected`: not_leader (hint: the leader's store), stale_term,
  /// busy, too_large.
  result<position> propose(bytes command, term expected);
  /// Asks for a read index; answered once by a `read_grant` or `read_refusal`. At a follower the leader is asked.
  void read_index(read_id read);
  /// The Ready of this number, and all before it, are durable.
  void persisted(ticket number);
  /// The machine has taken everything up to `index`.
  void applied(log_index index);
  /// The log has answered a fetch.
  void fetched(fetch_answer answer);
  /// Messages to `peer` were lost for sure.
  void unreachable(peer_id peer);
  /// Stops leading (a disk that does not answer); does not campaign before an election timeout has passed.
  void abdicate();

  /// True iff `take_ready` would give something.
  bool has_ready() const;
  /// Everything that is new, once. May be called again before `persisted`.
  ready take_ready();

  /// Role, term and leader.
  raft::brief brief() const;
  /// Everything that can be seen.
  raft::status status() const;
  /// The log as far as it is known in memory; for checkers.
  log_window const& log() const { return log_; }

 private:
  // election.ipp
  void become_follower(term t, peer_id leader);
  void campaign(bool pre);
  void become_leader();
  bool own_vote_is_durable() const;
  void count_votes();
  void reset_timer();
  bool in_lease() const;
  bool log_is_current(message const& m) const;
  void on_pre_vote_request(message const& m);
  void on_vote_request(message const& m);
  void on_vote_reply(message const& m);
  void check_quorum();

  // replication.ipp
  void on_append(message m);
  void on_append_reply(message const& m);
  void on_heartbeat(message const& m);
  void on_heartbeat_reply(message const& m);
  void acknowledge();
  void advance_commit();
  void replicate(leader_state& lead);
  void replicate_to(progress& peer);
  void send_append(progress& peer, std::vector<entry> entries);
  message append_from(progress const& peer, std::vector<entry> entries) const;
  bool make_room(std::uint64_t count, std::uint64_t bytes, std::uint64_t share);
  bool follow(peer_id sender);
  bool is_sound(message const& m) const;

  // reads.ipp
  void on_read_request(message const& m);
  void on_read_reply(message const& m);
  void admit_read(leader_state& lead, leader_read read);
  void admit_early_reads(leader_state& lead);
  void begin_round(leader_state& lead);
  void confirm_rounds(leader_state& lead);
  bool must_ask_leader() const;
  void ask_leader();
  void age_reads();

  // core.ipp
  void step_by_kind(message m);
  message make(message_kind what, peer_id to) const;
  void send_early(message m) { early_.push_back(std::move(m)); }
  void send_late(message m) { late_.push_back(std::move(m)); }
  void send_when_term_is_durable(message m);
  progress* progress_of(peer_id peer);
  peer_id known_leader() const;
  std::uint64_t leader_store() const;
  template <class R>
  R* as() { return std::get_if<R>(&role_); }
  template <class R>
  R const* as() const { return std::get_if<R>(&role_); }

  // ready.ipp
  log_index apply_limit() const { return std::min(state_.commit, durability_.last()); }
  void collect_committed(ready& out);

  raft::options options_;
  random random_;
  membership configuration_;
  hard_state state_;     // I-6: term and commit never fall; vote is set at most once per term
  hard_state stored_;    // as of the last Ready with writes
  log_window log_;       // Invariant: truncated <= applied <= handed <= apply_limit() <= commit <= last
  durability durability_;
  std::variant<follower_state, candidate_state, leader_state> role_;

  log_index released_;   // entries handed out to be stored up to here
  applying applying_;    // on its way into the machine
  std::vector<entry> apply_fetched_;      // from the log, next to be handed out
  bool apply_fetch_open_ = false;

  std::uint32_t elapsed_ = 0;             // ticks since the leader was heard, or since the last check of the quorum
  std::uint32_t timeout_ = 0;             // drawn from [election_ticks, 2 * election_ticks)
  std::uint64_t asked_ = 0;               // numbers read requests to a leader; begins at random, so that no answer to an
                                          // earlier start of this peer is taken for one to this
  bool ask_again_ = false;
  std::vector<waiting_read> waiting_;

  std::vector<message> early_;
  std::vector<message> late_;
  std::vector<fetch_request> fetches_;
  std::vector<read_grant> grants_;
  std::vector<read_refusal> refusals_;
  bool replicate_due_ = false;            // a leader has news for its peers
};

}  // namespace tinykv::raft

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/raft/impl/core.ipp>
#include <tinykv/raft/impl/election.ipp>
#include <tinykv/raft/impl/reads.ipp>
#include <tinykv/raft/impl/ready.ipp>
#include <tinykv/raft/impl/replication.ipp>
#endif
