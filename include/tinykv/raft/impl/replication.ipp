#pragma once

#include <tinykv/raft/core.hpp>

namespace tinykv::raft {

TINYKV_DECL result<position> core::propose(bytes command, term expected) {
  if (command.empty()) return rejected(error_code::invalid_argument, "a command must not be empty: that is the mark of Raft's own entries");
  if (command.size() > options_.command_bytes_max)
    return rejected(error_code::too_large, "the command is larger than command_bytes_max", options_.command_bytes_max);
  return order(entry_kind::command, std::move(command), expected);
}

TINYKV_DECL result<position> core::propose_barrier(term expected) { return order(entry_kind::barrier, {}, expected); }

// What every proposal needs: a leader of the term, that goes on leading, with room.
TINYKV_DECL result<position> core::order(entry_kind what, bytes data, term expected) {
  auto const* lead = as<leader_state>();
  if (!lead || lead->left) return rejected(error_code::not_leader, "this peer does not lead the group", leader_store());
  if (expected != state_.term) return rejected(error_code::stale_term, "the term in which the command was checked is over");
  if (lead->handover.to != peer_id{}) return rejected(error_code::busy, "the leadership is being handed over; repeat later");
  entry e{log_.last() + 1, state_.term, what, std::move(data)};
  auto const cost = cost_of(e);
  if (lead->uncommitted_bytes > 0 && lead->uncommitted_bytes + cost > options_.uncommitted_bytes_max)
    return rejected(error_code::busy, "too many bytes wait for a quorum; repeat later");
  if (!make_room(1, cost, 2))  // a follower has the whole window, so that it never lags for want of room
    return rejected(error_code::busy, "the log window is full; repeat later");
  return append_own(std::move(e));
}

TINYKV_DECL position core::append_own(entry e) {
  auto const at = position_of(e);
  as<leader_state>()->uncommitted_bytes += cost_of(e);
  TINYKV_CHECK(configuration_.appended(e).has_value());
  log_.append(std::move(e));
  replicate_due_ = true;
  return at;
}

// Only what is committed and on the own disk leaves the window; the rest exists nowhere else (SAFETY.md §3).
TINYKV_DECL bool core::make_room(std::uint64_t count, std::uint64_t bytes, std::uint64_t share) {
  auto const bytes_max = options_.window_bytes_max / share;
  auto const entries_max = options_.window_entries_max / share;
  if (bytes > bytes_max || count > entries_max) return false;
  log_.evict(apply_limit(), bytes_max - bytes, entries_max - count);
  return log_.bytes() + bytes <= bytes_max && log_.size() + count <= entries_max;
}

// Follows the sender of an append or heartbeat; false if this peer leads (two leaders of one term cannot be).
TINYKV_DECL bool core::follow(peer_id sender) {
  if (as<leader_state>()) return false;
  if (auto* f = as<follower_state>(); f && f->leader == sender) elapsed_ = 0;
  else become_follower(state_.term, sender);
  return true;
}

// Consecutive, of terms that do not fall and are not beyond the sender's, and equal to what is committed here. A peer that
// keeps to the protocol sends nothing else. A configuration that cannot be read could not take effect: it is not taken in.
TINYKV_DECL bool core::is_sound(message const& m) const {
  auto before = position{m.index, m.log_term};
  for (auto const& e : m.entries) {
    if (e.index != before.index + 1 || e.term < before.term || e.term > m.term) return false;
    if (e.kind == entry_kind::configuration && !decode_change(e.data)) return false;
    auto const committed = e.index <= state_.commit && e.index >= log_.truncated().index;
    if (committed && log_.term_at(e.index) != std::optional{e.term}) return false;
    before = position_of(e);
  }
  return true;
}

TINYKV_DECL void core::on_append(message m) {
  if (!follow(m.from) || installing_ || !is_sound(m)) return;
  // What is committed is equal already. Entries that are gone by compaction lie below the commit, so that their terms
  // are never asked for.
  if (m.index >= state_.commit && log_.term_at(m.index) != std::optional{m.log_term}) {
    auto reply = make(message_kind::append_reply, m.from);
    reply.refused = true;
    reply.index = m.index;
    reply.hint = log_.last_not_above(m.index, m.log_term);
    reply.log_term = log_.term_at(reply.hint).value_or(term{});
    return send_late(std::move(reply));
  }
  // The first entry that is missing or differs; entries that are all there cut nothing, so that a delayed shorter append
  // does not shrink the log (paper 5.3).
  auto end = m.index + m.entries.size();
  auto fresh = m.entries.begin();
  while (fresh != m.entries.end() &&
         (fresh->index <= state_.commit || log_.term_at(fresh->index) == std::optional{fresh->term}))
    ++fresh;
  if (fresh != m.entries.end()) {
    if (fresh->index <= log_.last()) {
      log_.cut(fresh->index);
      durability_.cut(fresh->index);
      configuration_.cut(fresh->index);
      released_ = std::min(released_, fresh->index - 1);
    }
    // As much as the window holds; the rest comes again. The entry that opens a term always fits, and so do
    // configurations: only one is ever under way (SAFETY.md §3).
    auto const first = fresh;
    for (; fresh != m.entries.end(); ++fresh) {
      auto const fits_always = (fresh->data.empty() && fresh->term > log_.last_term()) || fresh->kind == entry_kind::configuration;
      if (!fits_always && !make_room(1, cost_of(*fresh), 1)) break;
      TINYKV_CHECK(configuration_.appended(*fresh).has_value());
      log_.append(std::move(*fresh));
    }
    if (fresh == first) return;
    end = log_.last();
  }
  auto& f = std::get<follower_state>(role_);
  f.verified = std::max({f.verified, end, state_.commit});
  // Bounded by what this append has shown to be equal, not by the end of the log (paper, figure 2).
  state_.commit = std::max(state_.commit, std::min(m.commit, end));
  f.ack_due = true;
  acknowledge();
}

// An acknowledgement says that entries are durable here. It is made when they are, in the term in which they were taken
// in: `follower` does not outlive its term, so none is made after that (SAFETY.md §2).
TINYKV_DECL void core::acknowledge() {
  auto* f = as<follower_state>();
  if (!f || !f->ack_due || f->leader == peer_id{} || durability_.durable_term() != state_.term) return;
  auto const index = std::min(f->verified, durability_.last());
  if (index < f->verified && index <= f->acknowledged) return;  // wait for the disk
  f->ack_due = index < f->verified;
  f->acknowledged = index;
  auto reply = make(message_kind::append_reply, f->leader);
  reply.index = index;
  reply.commit = state_.commit;
  // The commit of a configuration is told when it is durable, like the entries.
  if (durability_.durable_commit() < newest_decided_configuration()) send_late(std::move(reply));
  else send_early(std::move(reply));
}

TINYKV_DECL void core::on_append_reply(message const& m) {
  auto* lead = as<leader_state>();
  auto* p = progress_of(m.from);
  if (!p || m.index > log_.last()) return;
  replicate_due_ = true;
  if (m.refused) {
    // Below the start of the log nothing can be compared: the follower's own word is the best there is.
    p->refused(m.index, m.hint < log_.truncated().index ? m.hint : log_.last_not_above(m.hint, m.log_term));
    return;
  }
  auto const news = p->accepted(m.index);
  p->commit_known = std::max(p->commit_known, std::min(m.commit, state_.commit));
  hand_over(*lead, *p);
  if (news) advance_commit();
  part_from_former_members(*lead);
}

TINYKV_DECL void core::advance_commit() {
  auto* lead = as<leader_state>();
  if (!lead) return;
  auto const held = [&](peer_id p) -> std::uint64_t {
    if (p == options_.self) return durability_.last().value;
    auto const* other = progress_of(p);
    return other ? other->match().value : 0;
  };
  auto const index = log_index{quorum_value(members(), held)};
  if (index <= state_.commit) return;
  // Only entries of the own term are committed by counting: an older one on a majority can still be overwritten by a
  // leader that never saw it (paper 5.4.2, figure 8).
  if (log_.term_at(index) != std::optional{state_.term}) return;
  for (auto i = std::max(state_.commit, lead->first_own) + 1; i <= index; ++i) lead->uncommitted_bytes -= cost_of(log_[i]);
  state_.commit = index;
  replicate_due_ = true;
  admit_early_reads(*lead);
  care_for_change();
}

TINYKV_DECL void core::on_heartbeat(message const& m) {
  if (!follow(m.from)) return;
  // The leader bounds it by what it knows to be equal here, so it never passes an entry of another history.
  if (!installing_) state_.commit = std::max(state_.commit, std::min(m.commit, log_.last()));
  auto reply = make(message_kind::heartbeat_reply, m.from);
  reply.round = m.round;
  send_when_term_is_durable(std::move(reply));
}

TINYKV_DECL void core::on_heartbeat_reply(message const& m) {
  auto* lead = as<leader_state>();
  auto* p = progress_of(m.from);
  if (!p || m.round > lead->round) return;
  p->heard(options_.inflight_appends_max, options_.inflight_bytes_max);
  hand_over(*lead, *p);
  // The last append may be lost, or the answer that it knows the configuration, and nothing would follow to show it.
  p->nudged = p->match() < log_.last() || p->commit_known < configuration_.since();
  replicate_due_ = replicate_due_ || p->nudged;
  p->round = std::max(p->round, m.round);
  confirm_rounds(*lead);
}

TINYKV_DECL void core::unreachable(peer_id peer) {
  if (auto* p = progress_of(peer)) p->lost();
}

TINYKV_DECL void core::replicate(leader_state& lead) {
  auto const reads_wait = !lead.reads.empty() && lead.reads.back().round == 0 && lead.confirmed == lead.round;
  if (lead.beat_due || reads_wait) begin_round(lead);
  if (!replicate_due_) return;
  replicate_due_ = false;
  for (auto& p : lead.peers) replicate_to(p);
}

TINYKV_DECL message core::append_from(progress const& peer, std::vector<entry> entries) const {
  auto m = make(message_kind::append, peer.peer());
  m.index = peer.next() - 1;
  m.log_term = log_.term_at(m.index).value_or(term{});
  m.commit = state_.commit;
  m.entries = std::move(entries);
  return m;
}

TINYKV_DECL void core::send_append(progress& peer, std::vector<entry> entries) {
  auto m = append_from(peer, std::move(entries));
  std::uint64_t cost = 0;
  for (auto const& e : m.entries) cost += cost_of(e);
  peer.sent(m.index + m.entries.size(), cost);
  peer.commit_sent = m.commit;
  peer.nudged = false;
  send_early(std::move(m));
}

TINYKV_DECL void core::replicate_to(progress& peer) {
  while (may_send_to(peer)) {
    if (peer.next() <= log_.truncated().index) return ask_for_snapshot(peer);  // what it lacks is gone from the log
    if (peer.next() > log_.last()) {
      if (peer.nudged || (peer.replicating() && peer.commit_sent < state_.commit)) send_append(peer, {});
      return;
    }
    if (!log_.holds(peer.next())) {
      peer.fetching = true;
      auto const to = std::min(log_.window_first() - 1, peer.next() + (options_.append_entries_max - 1));
      fetches_.push_back({fetch_purpose::send, peer.peer(), state_.term, peer.next(), to, options_.append_bytes_max});
      return;
    }
    std::vector<entry> entries;
    std::uint64_t bytes = 0;
    for (auto i = peer.next(); i <= log_.last(); ++i) {
      bytes += cost_of(log_[i]);
      if (!entries.empty() && (bytes > options_.append_bytes_max || entries.size() >= options_.append_entries_max)) break;
      entries.push_back(log_[i]);
    }
    send_append(peer, std::move(entries));
  }
}

TINYKV_DECL void core::fetched(fetch_answer answer) {
  auto const& asked = answer.request;
  auto next = asked.from;
  auto const is_prefix = std::all_of(answer.entries.begin(), answer.entries.end(),
                                     [&](auto const& e) { return e.index == next++ && e.index <= asked.to; });
  if (!is_prefix) answer.entries.clear();  // a log that has lost a part of it meanwhile could not give it
  if (asked.purpose == fetch_purpose::apply) {
    apply_fetch_open_ = false;
    if (asked.from == applying_.handed() + 1) apply_fetched_ = std::move(answer.entries);
    return;
  }
  // Another term is another log: what was read then may not follow what is known now (SAFETY.md §3).
  auto* p = progress_of(asked.peer);
  if (!p || asked.term != state_.term) return;
  p->fetching = false;
  replicate_due_ = true;
  auto const follows = asked.from == p->next() && asked.from > log_.truncated().index;
  if (follows && !answer.entries.empty() && may_send_to(*p))
    send_append(*p, std::move(answer.entries));
}

}  // namespace tinykv::raft
