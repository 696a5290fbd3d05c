#pragma once

#include <tinykv/raft/core.hpp>

namespace tinykv::raft {

namespace detail {
/// Terms and indices beyond this come from no honest peer; refusing them keeps additions from wrapping round.
inline constexpr std::uint64_t number_max = std::uint64_t{1} << 62;
}  // namespace detail

TINYKV_DECL core::core(raft::options options) : options_(options), random_(options.seed) {
  TINYKV_CHECK(options_.self != peer_id{});
  TINYKV_CHECK(options_.heartbeat_ticks > 0);
  TINYKV_CHECK(options_.election_ticks > options_.heartbeat_ticks);
  reset_timer();
  asked_ = random_.next() >> 2;
}

TINYKV_DECL result<done> core::recover(start_state start) {
  auto const damaged = [](char const* what) { return fatal(error_code::corrupt, what); };
  auto const at = start.truncated.at;
  if (start.last < at.index) return damaged("the log ends before it begins");
  if (start.runs.empty() != (start.last == at.index)) return damaged("the terms of the log are not known");
  auto before = at;
  for (auto const& run : start.runs) {
    auto const first = &run == &start.runs.front();
    if (first ? run.first != at.index + 1 : run.first <= before.index) return damaged("the terms of the log have a gap");
    if (first ? run.term < before.term : run.term <= before.term) return damaged("the terms of the log fall");
    before = {run.first, run.term};
  }
  if (before.index > start.last) return damaged("the terms of the log reach beyond its end");
  if (before.term > start.state.term && start.last != at.index) return damaged("the log is of a later term than the hard state");
  if (start.applied > start.last) return damaged("the machine is ahead of the log");
  if (start.applied < at.index) return damaged("the machine is behind the start of the log");

  state_ = start.state;
  state_.term = std::max(state_.term, at.term);
  state_.commit = std::max({state_.commit, start.applied, at.index});
  if (state_.commit > start.last) return damaged("the commit is beyond the end of the log");
  auto next = start.last + 1 - start.tail.size();
  if (next > state_.commit + 1) return damaged("entries above the commit are missing");
  if (!start.tail.empty() && next <= at.index) return damaged("entries reach below the start of the log");
  for (auto const& e : start.tail)
    if (e.index != next++) return damaged("entries above the commit are out of order");

  configuration_.restore(at.index, std::move(start.truncated.configuration));
  auto behind = at.index;
  for (auto const& e : start.configurations) {
    if (e.index <= behind || e.index > start.last) return damaged("a configuration entry lies outside the log or out of order");
    if (e.kind != entry_kind::configuration) return damaged("another entry stands among those of configurations");
    behind = e.index;
    if (auto const known = configuration_.appended(e); !known) return known.error();
  }
  configuration_.applied(start.applied);
  log_.restore(at, std::move(start.runs), start.last, std::move(start.tail));
  for (auto i = log_.window_first(); i <= log_.last(); ++i)
    if (log_.term_at(i) != std::optional{log_[i].term}) return damaged("an entry is of another term than its place");
  stored_ = state_;
  stored_.commit = std::max(start.state.commit, at.index);  // what the disk says, not what the machine knows
  durability_.restore(stored_, start.last);
  applying_.restore(start.applied);
  released_ = start.last;
  return done{};
}

TINYKV_DECL void core::tick() {
  if (removed_) return;
  ++elapsed_;
  if (auto* lead = as<leader_state>()) {
    if (++lead->heartbeat_elapsed >= options_.heartbeat_ticks) lead->beat_due = true;
    if (lead->handover.to != peer_id{} && ++lead->handover.elapsed_ticks >= options_.election_ticks) lead->handover = {};
    care_for_change();
    if (elapsed_ >= options_.election_ticks) check_quorum();
  } else if (elapsed_ >= timeout_) {
    reset_timer();
    // Who may not campaign must not keep others from it: the lease of a leader that is not heard is over.
    if (auto* f = as<follower_state>()) f->leader = {};
    // Or a disk slower than the timeout would raise the term for ever and never hold a vote of it.
    auto const* c = as<candidate_state>();
    auto const vote_under_way = c && !c->pre && !own_vote_is_durable();
    if (may_campaign() && options_.election_priority > 0 && !vote_under_way) campaign(options_.pre_vote, false);
    else if (!vote_under_way) ask_whether_removed();
  }
  age_reads();
}

TINYKV_DECL void core::step(message m) {
  if (removed_ || m.to != options_.self || m.from == peer_id{} || m.from == options_.self) return;
  if (m.term.value >= detail::number_max || m.index.value >= detail::number_max) return;

  if (m.kind == message_kind::removed) return on_removed(m);
  auto const asks_for_vote = m.kind == message_kind::pre_vote_request || m.kind == message_kind::vote_request;
  if (asks_for_vote) answer_former_member(m.from);  // and judge its request as anyone's: it may know more than this leader

  if (m.term > state_.term) {
    // A pre-vote asks about a term that nobody is in yet; its grant echoes it. Neither raises the term.
    auto const about_later_term = m.kind == message_kind::pre_vote_request || (m.kind == message_kind::pre_vote_reply && !m.refused);
    if (!about_later_term) {
      // Whoever hears a leader does not help to depose it (dissertation 4.2.3).
      if (m.kind == message_kind::vote_request && !m.forced && in_lease()) return;
      auto const from_leader = m.kind == message_kind::append || m.kind == message_kind::heartbeat;
      become_follower(m.term, from_leader ? m.from : peer_id{});
    }
  } else if (m.term < state_.term) {
    // A sender that is behind must learn of the later term, or it goes on for ever where links work one way only.
    auto const answer = [&](message_kind what) {
      auto reply = make(what, m.from);
      reply.refused = true;
      send_late(std::move(reply));
    };
    if (m.kind == message_kind::append || m.kind == message_kind::heartbeat) answer(message_kind::append_reply);
    if (m.kind == message_kind::vote_request) answer(message_kind::vote_reply);
    if (m.kind == message_kind::pre_vote_request) answer(message_kind::pre_vote_reply);
    return;
  }
  step_by_kind(std::move(m));
}

TINYKV_DECL void core::step_by_kind(message m) {
  if (auto* p = progress_of(m.from)) p->active = true;
  switch (m.kind) {
    case message_kind::pre_vote_request: return on_pre_vote_request(m);
    case message_kind::vote_request: return on_vote_request(m);
    case message_kind::pre_vote_reply:
    case message_kind::vote_reply: return on_vote_reply(m);
    case message_kind::append: return on_append(std::move(m));
    case message_kind::append_reply: return on_append_reply(m);
    case message_kind::heartbeat: return on_heartbeat(m);
    case message_kind::heartbeat_reply: return on_heartbeat_reply(m);
    case message_kind::read_request: return on_read_request(m);
    case message_kind::read_reply: return on_read_reply(m);
    case message_kind::timeout_now: return on_timeout_now(m);
    case message_kind::removed: return;  // dealt with before the term was looked at
  }
}

TINYKV_DECL message core::make(message_kind what, peer_id to) const {
  message m;
  m.kind = what;
  m.from = options_.self;
  m.to = to;
  m.term = state_.term;
  return m;
}

TINYKV_DECL void core::send_when_term_is_durable(message m) {
  if (durability_.durable_term() == state_.term) send_early(std::move(m));
  else send_late(std::move(m));
}

TINYKV_DECL progress* core::progress_of(peer_id peer) {
  if (auto* lead = as<leader_state>())
    for (auto& p : lead->peers)
      if (p.peer() == peer) return &p;
  return nullptr;
}

TINYKV_DECL peer_id core::known_leader() const {
  if (as<leader_state>()) return options_.self;
  auto const* f = as<follower_state>();
  return f ? f->leader : peer_id{};
}

TINYKV_DECL std::uint64_t core::leader_store() const {
  auto const leader = known_leader();
  for (auto const& m : all_members(members()))
    if (m.peer == leader) return m.store.value;
  return 0;
}

TINYKV_DECL raft::brief core::brief() const {
  auto role = role::follower;
  if (as<leader_state>()) role = role::leader;
  else if (auto const* c = as<candidate_state>()) role = c->pre ? role::pre_candidate : role::candidate;
  auto const* lead = as<leader_state>();
  return {role, state_.term, known_leader(), lead ? lead->handover.to : peer_id{}};
}

TINYKV_DECL raft::status core::status() const {
  auto const now = brief();
  raft::status out;
  out.self = options_.self;
  out.role = now.role;
  out.term = now.term;
  out.vote = state_.vote;
  out.leader = now.leader;
  out.first = log_.truncated().index + 1;
  out.last = log_.last();
  out.durable = durability_.last();
  out.commit = state_.commit;
  out.applied = applying_.applied();
  out.configuration = members();
  out.transferee = now.transferee;
  out.change_pending = configuration_.pending();
  out.installing = installing_.has_value();
  if (auto const* lead = as<leader_state>())
    for (auto const& p : lead->peers) out.peers.push_back({p.peer(), p.state(), p.match(), p.next(), p.active});
  return out;
}

}  // namespace tinykv::raft
