#pragma once

#include <tinykv/raft/core.hpp>

namespace tinykv::raft {

TINYKV_DECL void core::reset_timer() {
  elapsed_ = 0;
  auto const extra = random_.below(options_.election_ticks);
  timeout_ = options_.election_ticks + static_cast<std::uint32_t>(extra);
  auto const less = 100 - std::min<std::uint32_t>(options_.election_priority, 100);
  timeout_ += options_.election_ticks * less / 50;  // the others have had their chance by then
}

TINYKV_DECL void core::become_follower(term t, peer_id leader_now) {
  TINYKV_CHECK(t >= state_.term);
  if (t > state_.term) {
    state_.term = t;
    state_.vote = {};
  }
  if (auto* lead = as<leader_state>()) {
    auto const refuse = [&](leader_read const& r) {
      if (r.from == options_.self) refusals_.push_back({r.read, rejected(error_code::leadership_lost)});
    };
    for (auto const& r : lead->early_reads) refuse(r);
    for (auto const& r : lead->reads) refuse(r);
  }
  for (auto& r : waiting_) r.asked = 0;
  role_ = follower_state{leader_now, {}, {}, false};
  reset_timer();
}

// Who has a committed configuration entry that it has not applied would count by a configuration that may be over; who
// installs a snapshot does not know its log (SAFETY.md §5, §6).
TINYKV_DECL bool core::may_campaign() const {
  auto const change = configuration_.first_pending();
  return !removed_ && !installing_ && is_voter(members(), options_.self) && (!change || *change > state_.commit);
}

TINYKV_DECL void core::campaign() {
  if (!as<leader_state>() && may_campaign()) campaign(false, true);
}

// Who never campaigns by itself, and to whom nobody speaks any more, may have been removed without hearing of it. It asks as
// a candidate would, and a leader that does not know it says so; other answers mean nothing to it.
TINYKV_DECL void core::ask_whether_removed() {
  if (installing_ || (is_voter(members(), options_.self) && options_.election_priority > 0)) return;
  for (auto const& m : all_members(members())) {
    if (m.peer == options_.self || !is_voter(members(), m.peer)) continue;
    auto request = make(message_kind::pre_vote_request, m.peer);
    ++request.term;
    request.index = log_.last();
    request.log_term = log_.last_term();
    send_late(std::move(request));
  }
}

TINYKV_DECL void core::campaign(bool pre, bool forced) {
  candidate_state c;
  c.pre = pre;
  if (!pre) {
    ++state_.term;
    state_.vote = options_.self;
  } else {
    c.votes[options_.self] = true;  // promises nothing
  }
  role_ = std::move(c);
  reset_timer();
  auto const request_kind = pre ? message_kind::pre_vote_request : message_kind::vote_request;
  for (auto const& m : all_members(members())) {
    if (m.peer == options_.self || !is_voter(members(), m.peer)) continue;
    auto request = make(request_kind, m.peer);
    request.forced = forced;
    if (pre) ++request.term;
    request.index = log_.last();
    request.log_term = log_.last_term();
    send_late(std::move(request));
  }
  count_votes();
}

TINYKV_DECL bool core::own_vote_is_durable() const {
  return durability_.durable_term() == state_.term && durability_.durable_vote() == options_.self;
}

TINYKV_DECL void core::count_votes() {
  auto* c = as<candidate_state>();
  if (!c) return;
  // The own vote counts once it is on the own disk: until then a crash could take it back (SAFETY.md §1).
  if (!c->pre && own_vote_is_durable()) c->votes[options_.self] = true;
  auto const vote_of = [&](peer_id p) -> std::optional<bool> {
    auto const it = c->votes.find(p);
    return it == c->votes.end() ? std::nullopt : std::optional{it->second};
  };
  switch (tally(members(), vote_of)) {
    case election::open: return;
    case election::lost: return become_follower(state_.term, {});
    case election::won:
      if (c->pre) return campaign(false, false);
      if (own_vote_is_durable()) become_leader();  // grants that nobody has been asked for yet do not make a leader
  }
}

TINYKV_DECL void core::become_leader() {
  TINYKV_CHECK(own_vote_is_durable());
  leader_state lead;
  lead.first_own = log_.last() + 1;
  for (auto const& m : all_members(members()))
    if (m.peer != options_.self) lead.peers.emplace_back(m.peer, log_.last() + 1);
  lead.beat_due = true;
  role_ = std::move(lead);
  elapsed_ = 0;
  log_.append({log_.last() + 1, state_.term, entry_kind::command, {}});
  replicate_due_ = true;
  auto waiting = std::move(waiting_);
  waiting_.clear();
  for (auto const& r : waiting) read_index(r.read);
}

TINYKV_DECL bool core::in_lease() const {
  if (!options_.check_quorum) return false;
  if (as<leader_state>()) return true;
  return known_leader() != peer_id{} && elapsed_ < options_.election_ticks;
}

TINYKV_DECL bool core::log_is_current(message const& m) const {
  return m.log_term > log_.last_term() || (m.log_term == log_.last_term() && m.index >= log_.last());
}

TINYKV_DECL void core::on_pre_vote_request(message const& m) {
  auto reply = make(message_kind::pre_vote_reply, m.from);
  reply.refused = m.term <= state_.term || in_lease() || !log_is_current(m);
  if (!reply.refused) reply.term = m.term;
  tell_commit(reply);
  send_late(std::move(reply));
}

TINYKV_DECL void core::on_vote_request(message const& m) {
  auto const* f = as<follower_state>();
  auto const free = f && state_.vote == peer_id{} && f->leader == peer_id{};
  auto reply = make(message_kind::vote_reply, m.from);
  reply.refused = !((free || state_.vote == m.from) && log_is_current(m));
  if (!reply.refused) {
    state_.vote = m.from;
    elapsed_ = 0;
  }
  tell_commit(reply);
  send_late(std::move(reply));
}

TINYKV_DECL void core::tell_commit(message& vote_reply) const {
  vote_reply.index = state_.commit;
  vote_reply.log_term = log_.term_at(state_.commit).value_or(term{});
}

TINYKV_DECL void core::on_vote_reply(message const& m) {
  auto* c = as<candidate_state>();
  if (!c || c->pre != (m.kind == message_kind::pre_vote_reply)) return;
  if (c->pre && !m.refused && m.term != state_.term + 1) return;
  // The only one whose log can win may not know that it is over with its configuration, and may need those for it who have
  // gone. Whoever does know tells it: an entry that is committed there, and is here, is committed.
  if (m.index > state_.commit && log_.term_at(m.index) == std::optional{m.log_term}) {
    state_.commit = m.index;
    if (!may_campaign()) return become_follower(state_.term, {});
  }
  if (!is_voter(members(), m.from)) return;
  c->votes.emplace(m.from, !m.refused);
  count_votes();
}

TINYKV_DECL void core::check_quorum() {
  elapsed_ = 0;
  if (!options_.check_quorum) return;
  auto* lead = as<leader_state>();
  auto const active = [&](peer_id p) {
    if (p == options_.self) return true;
    auto const* other = progress_of(p);
    return other && other->active;
  };
  auto const heard = has_quorum(members(), active);
  for (auto& p : lead->peers) p.begin_period();
  if (!heard) become_follower(state_.term, {});
}

TINYKV_DECL void core::abdicate() {
  if (as<leader_state>()) become_follower(state_.term, {});
}

}  // namespace tinykv::raft
