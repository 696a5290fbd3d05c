#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/core/identity.hpp>
#include <tinykv/core/random.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/raft/applying.hpp>
#include <tinykv/raft/configuration.hpp>
#include <tinykv/raft/durability.hpp>
#include <tinykv/raft/log_window.hpp>
#include <tinykv/raft/options.hpp>
#include <tinykv/raft/progress.hpp>
#include <tinykv/raft/quorum.hpp>
#include <tinykv/raft/roles.hpp>
#include <tinykv/raft/values/ready.hpp>
#include <tinykv/raft/values/snapshot.hpp>

#include <variant>

namespace tinykv::raft {

struct image;

/// Raft (Ongaro and Ousterhout, extended paper; Ongaro's dissertation), as a deterministic value: inputs are member
/// functions, the one output is `take_ready`. Models `policy::Consensus`; read that contract first.
///
/// Beyond the paper: pre-vote and check-quorum (dissertation 9.6, 6.2), appends that follow one another without waiting
/// (10.2.1), writes of the own disk that complete late and are told by tickets (SAFETY.md §1-§3), a commit that counts
/// the leader's own entry only when it is durable, read indices confirmed by numbered rounds (6.4, SAFETY.md §7), changes
/// of members that take effect when applied, joint where more than one voter changes (4.3, SAFETY.md §6), handing over of
/// the leadership (3.10), snapshots whose transfer and storage are the host's (5, SAFETY.md §5).
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
  /// Orders an entry with nothing to apply, for a read through the log; as `propose`.
  result<position> propose_barrier(term expected);
  /// Begins the change to the voters and learners of `target`, at a leader, against the configuration with `version`; gives
  /// the entry. More than one change of voters goes through a joint configuration, which is left by itself. `rejected`:
  /// not_leader, epoch_mismatch (another version is in force, as `hint`), busy (a change is under way, no commit in this
  /// term yet, a new voter lags, window full), invalid_argument (malformed; a new voter is no learner yet; nothing changes).
  result<position> change_membership(membership target, std::uint64_t version);
  /// Hands the leadership over: `to` catches up, then campaigns; proposals are refused as busy meanwhile. Given up after an
  /// election timeout. Another target replaces the one before; this peer itself ends the handover. `rejected`: not_leader,
  /// invalid_argument (no voter).
  result<done> transfer_to(peer_id to);
  /// Campaigns at once, without asking first whether it could win. Nothing happens if this peer leads or must not campaign.
  void campaign();
  /// Asks for a read index; answered once by a `read_grant` or `read_refusal`. At a follower the leader is asked.
  void read_index(read_id read);
  /// The Ready of this number, and all before it, are durable.
  void persisted(ticket number);
  /// The machine has taken everything up to `index`.
  void applied(log_index index);
  /// The log has answered a fetch.
  void fetched(fetch_answer answer);
  /// The log begins after `index` from now on; what the truncation record says is in `truncation_at(index)`. Precondition:
  /// truncated <= index <= applied.
  void compacted(log_index index);
  /// A leader's snapshot for this peer ends at `at`: what to do with it. Asked at the first chunk and again when it is
  /// whole (SAFETY.md §5). Takes part in the protocol as a message of that leader in term `in`.
  snapshot_verdict offered(peer_id from, term in, position at);
  /// The snapshot was accepted: until `installed` nothing is appended, applied or campaigned for; votes are given.
  /// Precondition: `offered` has just said `wanted`.
  void installing(snapshot_meta const& meta);
  /// The snapshot is in log and machine, durably: this peer begins anew behind it and tells the leader.
  void installed(snapshot_meta meta);
  /// `peer` has been sent a snapshot that ends at `index`.
  void snapshot_sent(peer_id peer, log_index index);
  /// `peer` has not got its snapshot.
  void snapshot_failed(peer_id peer);
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
  /// The configuration in force.
  membership const& members() const { return configuration_.now(); }
  /// The truncation record of a log that begins after `index`. Precondition: truncated <= index <= applied.
  truncation truncation_at(log_index index) const;
  /// The log as far as it is known in memory; for checkers.
  log_window const& log() const { return log_; }

 private:
  friend struct image;

  // election.ipp
  void become_follower(term t, peer_id leader);
  bool may_campaign() const;
  void campaign(bool pre, bool forced);
  void ask_whether_removed();
  void become_leader();
  bool own_vote_is_durable() const;
  void count_votes();
  void reset_timer();
  bool in_lease() const;
  bool log_is_current(message const& m) const;
  void on_pre_vote_request(message const& m);
  void on_vote_request(message const& m);
  void on_vote_reply(message const& m);
  void tell_commit(message& vote_reply) const;
  void check_quorum();

  // replication.ipp
  result<position> order(entry_kind what, bytes data, term expected);
  position append_own(entry e);
  bool may_send_to(progress const& peer) const {
    return peer.may_send(options_.inflight_appends_max, options_.inflight_bytes_max);
  }
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

  // membership.ipp
  bool has_caught_up(leader_state const& lead, peer_id peer) const;
  membership step_towards(membership target) const;
  position order_configuration(membership target);
  void on_configuration();
  void on_removed(message const& m);
  void on_timeout_now(message const& m);
  bool configuration_is_known() const;
  void part_from_former_members(leader_state& lead);
  void answer_former_member(peer_id peer);
  void tell_removed(peer_id peer);
  void retire();
  void care_for_change();
  void hand_over(leader_state& lead, progress const& peer);
  void leave(peer_id successor);
  peer_id best_successor(leader_state const& lead) const;

  // snapshots.ipp
  void ask_for_snapshot(progress& peer);

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
  void refuse_waiting_reads();

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
  log_index newest_decided_configuration() const;
  bool apply_is_held() const;
  bool may_apply() const;
  void collect_committed(ready& out);

  raft::options options_;
  random random_;
  configuration configuration_;
  hard_state state_;     // I-6: term and commit never fall; vote is set at most once per term
  hard_state stored_;    // as of the last Ready with writes
  log_window log_;       // Invariant: truncated <= applied <= handed <= apply_limit() <= commit <= last
  durability durability_;
  std::variant<follower_state, candidate_state, leader_state> role_;

  log_index released_;   // entries handed out to be stored up to here
  applying applying_;    // on its way into the machine
  std::vector<entry> apply_fetched_;      // from the log, next to be handed out
  bool apply_fetch_open_ = false;
  std::optional<snapshot_meta> installing_;  // accepted, not yet in place
  bool removed_ = false;                  // no member any more: nothing is done
  bool removed_told_ = false;

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
  std::vector<snapshot_request> snapshots_;
  bool replicate_due_ = false;            // a leader has news for its peers
};

}  // namespace tinykv::raft

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/raft/impl/core.ipp>
#include <tinykv/raft/impl/election.ipp>
#include <tinykv/raft/impl/membership.ipp>
#include <tinykv/raft/impl/reads.ipp>
#include <tinykv/raft/impl/ready.ipp>
#include <tinykv/raft/impl/replication.ipp>
#include <tinykv/raft/impl/snapshots.ipp>
#endif
