#pragma once

#include <tinykv/raft/core.hpp>

namespace tinykv::raft {

TINYKV_DECL void core::read_index(read_id read) {
  auto const busy = [&] { refusals_.push_back({read, rejected(error_code::busy, "too many reads wait for their index")}); };
  if (removed_) return refusals_.push_back({read, rejected(error_code::not_leader, "this peer has left the group")});
  if (auto* lead = as<leader_state>()) {
    if (lead->left) return refusals_.push_back({read, rejected(error_code::not_leader, "this leader leaves the group")});
    if (lead->reads.size() + lead->early_reads.size() >= options_.pending_reads_max) return busy();
    admit_read(*lead, {options_.self, read, {}, 0});
  } else {
    if (waiting_.size() >= options_.pending_reads_max) return busy();
    waiting_.push_back({read, 0, 0});
  }
}

// The index is taken when the read arrives, but not before the first commit of the term: until then a new leader does
// not know how far its predecessor had committed (dissertation 6.4).
TINYKV_DECL void core::admit_read(leader_state& lead, leader_read read) {
  if (state_.commit < lead.first_own) return lead.early_reads.push_back(read);
  read.index = state_.commit;
  lead.reads.push_back(read);
}

TINYKV_DECL void core::admit_early_reads(leader_state& lead) {
  if (state_.commit < lead.first_own) return;
  auto early = std::move(lead.early_reads);
  lead.early_reads.clear();
  for (auto const& r : early) admit_read(lead, r);
}

// A round confirms that this peer still led when the round began: only reads that arrived before count on it. New reads
// wait while a round is open, so that one round serves many.
TINYKV_DECL void core::begin_round(leader_state& lead) {
  ++lead.round;
  lead.beat_due = false;
  lead.heartbeat_elapsed = 0;
  for (auto r = lead.reads.rbegin(); r != lead.reads.rend() && r->round == 0; ++r) r->round = lead.round;
  for (auto& p : lead.peers) {
    auto m = make(message_kind::heartbeat, p.peer());
    m.commit = std::min(p.match(), state_.commit);
    m.round = lead.round;
    send_early(std::move(m));
  }
  confirm_rounds(lead);
}

TINYKV_DECL void core::confirm_rounds(leader_state& lead) {
  auto const answered = [&](peer_id p) -> std::uint64_t {
    if (p == options_.self) return lead.round;
    auto const* other = progress_of(p);
    return other ? other->round : 0;
  };
  lead.confirmed = std::max(lead.confirmed, quorum_value(members(), answered));
  auto const waits = [&](leader_read const& r) { return r.round == 0 || r.round > lead.confirmed; };
  auto const first = std::find_if(lead.reads.begin(), lead.reads.end(), waits);  // rounds rise along the list
  for (auto r = lead.reads.begin(); r != first; ++r) {
    if (r->from == options_.self) {
      grants_.push_back({r->read, r->index});
    } else {
      auto reply = make(message_kind::read_reply, r->from);
      reply.read = r->read;
      reply.index = r->index;
      send_early(std::move(reply));
    }
  }
  lead.reads.erase(lead.reads.begin(), first);
}

TINYKV_DECL void core::on_read_request(message const& m) {
  auto* lead = as<leader_state>();
  if (!lead || lead->left) return;
  if (lead->reads.size() + lead->early_reads.size() >= options_.pending_reads_max) {
    auto reply = make(message_kind::read_reply, m.from);
    reply.read = m.read;
    reply.refused = true;
    return send_early(std::move(reply));
  }
  admit_read(*lead, {m.from, m.read, {}, 0});
}

TINYKV_DECL bool core::must_ask_leader() const {
  auto const* f = as<follower_state>();
  return f && f->leader != peer_id{} && !waiting_.empty() && (ask_again_ || waiting_.back().asked == 0);
}

TINYKV_DECL void core::ask_leader() {
  if (!must_ask_leader()) return;
  ask_again_ = false;
  ++asked_;
  for (auto& r : waiting_)
    if (r.asked == 0) r.asked = asked_;
  auto request = make(message_kind::read_request, as<follower_state>()->leader);
  request.read = read_id{asked_};
  send_when_term_is_durable(std::move(request));
}

// The answer to a request serves every read that was waiting when it, or an earlier one, was sent to this leader.
TINYKV_DECL void core::on_read_reply(message const& m) {
  auto const* f = as<follower_state>();
  if (!f || f->leader != m.from || m.read.value > asked_) return;
  auto const covered = [&](waiting_read const& r) { return r.asked != 0 && r.asked <= m.read.value; };
  for (auto const& r : waiting_) {
    if (!covered(r)) continue;
    if (m.refused) refusals_.push_back({r.read, rejected(error_code::busy, "the leader has too many reads")});
    else grants_.push_back({r.read, m.index});
  }
  std::erase_if(waiting_, covered);
}

TINYKV_DECL void core::age_reads() {
  if (waiting_.empty()) return;
  for (auto& r : waiting_) {
    ++r.age_ticks;
    if (r.age_ticks % options_.heartbeat_ticks == 0) ask_again_ = true;  // the request or its answer may be lost
  }
  auto const too_old = [&](waiting_read const& r) { return r.age_ticks >= 4 * options_.election_ticks; };
  for (auto const& r : waiting_)
    if (too_old(r)) refusals_.push_back({r.read, rejected(error_code::not_leader, "no leader has answered", leader_store())});
  std::erase_if(waiting_, too_old);
}

TINYKV_DECL void core::refuse_waiting_reads() {
  for (auto const& r : std::exchange(waiting_, {}))
    refusals_.push_back({r.read, rejected(error_code::not_leader, "this peer has left the group")});
}

}  // namespace tinykv::raft
