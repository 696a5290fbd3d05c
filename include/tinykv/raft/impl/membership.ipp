#pragma once

#include <tinykv/raft/core.hpp>

namespace tinykv::raft {

TINYKV_DECL result<position> core::change_membership(membership target, std::uint64_t version) {
  auto const* lead = as<leader_state>();
  if (!lead || lead->left) return rejected(error_code::not_leader, "this peer does not lead the group", leader_store());
  auto const& now = members();
  if (version != now.version) return rejected(error_code::epoch_mismatch, "the members have changed; look again", now.version);
  if (auto const fault = fault_of(target)) return rejected(error_code::invalid_argument, std::string{*fault});
  if (target.voters == now.voters && target.learners == now.learners && !is_joint(now))
    return rejected(error_code::invalid_argument, "these are the members already");
  // A peer that left has given up its log; under its old id it would be taken for one that still has it.
  for (auto const& m : all_members(target))
    if (!is_member(now, m.peer) && m.peer <= highest_peer(now))
      return rejected(error_code::invalid_argument, "peer ids are not used twice; take one above the highest", highest_peer(now).value);
  // Before a commit of the own term a leader does not know whether an earlier change is decided (dissertation 4.1; the
  // correction of 2015), and one that is not applied here is not in force here.
  if (is_joint(now) || configuration_.pending()) return rejected(error_code::busy, "another change of members is under way");
  if (state_.commit < lead->first_own) return rejected(error_code::busy, "this leader has not committed anything yet");
  if (lead->handover.to != peer_id{}) return rejected(error_code::busy, "the leadership is being handed over; repeat later");
  for (auto const& v : target.voters) {
    if (is_voter(now, v.peer)) continue;
    if (!contains(now.learners, v.peer)) return rejected(error_code::invalid_argument, "a new voter must be a learner first");
    if (!has_caught_up(*lead, v.peer)) return rejected(error_code::busy, "a new voter has not caught up; repeat later");
  }
  for (auto const& m : all_members(target))
    for (auto const& known : all_members(now))
      if (m.peer == known.peer && m.store != known.store)
        return rejected(error_code::invalid_argument, "a peer stays on its store; add another one");
      else if (m.peer != known.peer && m.store == known.store)
        return rejected(error_code::invalid_argument, "a store has one peer of a group; drop that one first");
  auto const next = step_towards(std::move(target));
  auto const bytes = encode_change({next}).size() + 64;
  if (!make_room(1, bytes, 2)) return rejected(error_code::busy, "the log window is full; repeat later");
  return order_configuration(next);
}

TINYKV_DECL bool core::has_caught_up(leader_state const& lead, peer_id peer) const {
  for (auto const& p : lead.peers)
    if (p.peer() == peer) return p.alive() && p.replicating() && p.match() + options_.promotion_lag_max >= log_.last();
  return false;
}

// One voter more or less keeps every two majorities overlapping; anything else is joint (dissertation 4.1, 4.3). So is a
// change that ends this leader, since the joint configuration is where it hands over.
TINYKV_DECL membership core::step_towards(membership target) const {
  auto const& now = members();
  std::size_t changes = 0;
  for (auto const& m : target.voters) changes += contains(now.voters, m.peer) ? 0 : 1;
  for (auto const& m : now.voters) changes += contains(target.voters, m.peer) ? 0 : 1;
  if (changes > 1 || !contains(target.voters, options_.self)) target.outgoing = now.voters;
  return target;
}

TINYKV_DECL position core::order_configuration(membership target) {
  target.version = members().version + 1;
  target.highest_peer = {};
  auto const ever = highest_peer(members());
  if (ever > highest_peer(target)) target.highest_peer = ever;  // named only when it does not show by itself
  return append_own({log_.last() + 1, state_.term, entry_kind::configuration, encode_change({std::move(target)})});
}

// Another configuration is in force.
TINYKV_DECL void core::on_configuration() {
  auto* lead = as<leader_state>();
  if (!lead) return;
  auto before = std::exchange(lead->peers, {});
  for (auto const& m : all_members(members())) {
    auto const known = std::find_if(before.begin(), before.end(), [&](auto const& p) { return p.peer() == m.peer; });
    if (m.peer == options_.self) continue;
    if (known != before.end()) {
      lead->peers.push_back(std::move(*known));
    } else {
      lead->peers.emplace_back(m.peer, log_.last() + 1);
      lead->peers.back().nudged = true;  // it has waited for the first word
    }
  }
  for (auto const& p : before)
    if (!is_member(members(), p.peer())) lead->dismissed.push_back(p.peer());
  if (!is_voter(members(), lead->handover.to)) lead->handover = {};
  if (!is_voter(members(), options_.self)) {
    lead->left = configuration_.since();
    lead->handover = {};
  }
  replicate_due_ = true;
  advance_commit();  // a smaller quorum may hold more
  confirm_rounds(*lead);
}

// A joint configuration is left by whoever leads with it in force (SAFETY.md §6). A leader that will be no voter then
// tries first to hand over to one that will.
TINYKV_DECL void core::care_for_change() {
  auto* lead = as<leader_state>();
  if (!lead || !is_joint(members()) || configuration_.pending()) return;
  if (state_.commit < lead->first_own || lead->handover.to != peer_id{}) return;
  auto const leaves = !contains(members().voters, options_.self);
  if (leaves && !std::exchange(lead->handed_before_leaving, true) && transfer_to(best_successor(*lead))) return;
  auto target = members();
  target.outgoing.clear();
  order_configuration(std::move(target));
}

TINYKV_DECL result<done> core::transfer_to(peer_id to) {
  auto* lead = as<leader_state>();
  if (!lead || lead->left) return rejected(error_code::not_leader, "this peer does not lead the group", leader_store());
  if (!is_voter(members(), to)) return rejected(error_code::invalid_argument, "only a voter can lead");
  if (to == lead->handover.to) return done{};
  lead->handover = {};
  if (to == options_.self) return done{};
  lead->handover.to = to;
  hand_over(*lead, *progress_of(to));
  replicate_due_ = true;
  return done{};
}

// Once it holds everything, the successor campaigns (dissertation 3.10). Said again as long as it answers as a follower:
// the word may be lost.
TINYKV_DECL void core::hand_over(leader_state& lead, progress const& peer) {
  if (lead.handover.to == peer.peer() && peer.match() == log_.last()) send_early(make(message_kind::timeout_now, peer.peer()));
}

TINYKV_DECL peer_id core::best_successor(leader_state const& lead) const {
  peer_id best;
  log_index most;
  for (auto const& p : lead.peers) {
    if (!contains(members().voters, p.peer()) || !p.alive() || p.match() < most || p.match() == log_index{}) continue;
    if (lead.left && p.commit_known < *lead.left) continue;  // it would not campaign, or wait for this peer's vote
    best = p.peer();
    most = p.match();
  }
  return best;
}

// True iff a quorum of the configuration in force knows, durably, that it is committed. From then on any quorum has a voter
// who knows it, and tells it to the one that campaigns: the votes of former members are not needed any more. Before,
// the leader could fail as the only one who knew, and those who are left would wait for the votes of those who are gone.
TINYKV_DECL bool core::configuration_is_known() const {
  auto const* lead = as<leader_state>();
  auto const knows = [&](peer_id p) {
    if (p == options_.self) return durability_.durable_commit() >= configuration_.since();
    auto const found = std::find_if(lead->peers.begin(), lead->peers.end(), [&](auto const& other) { return other.peer() == p; });
    return found != lead->peers.end() && found->commit_known >= configuration_.since();
  };
  return lead && has_quorum(members(), knows);
}

TINYKV_DECL void core::part_from_former_members(leader_state& lead) {
  if ((lead.dismissed.empty() && !lead.left) || !configuration_is_known()) return;
  for (auto const p : std::exchange(lead.dismissed, {}))
    if (!is_member(members(), p)) tell_removed(p);
  if (lead.left) leave(best_successor(lead));
}

// This leader is out of the configuration, and the others can do without it.
TINYKV_DECL void core::leave(peer_id successor) {
  if (successor != peer_id{}) send_early(make(message_kind::timeout_now, successor));
  become_follower(state_.term, {});
  if (!is_member(members(), options_.self)) retire();
}

TINYKV_DECL void core::retire() {
  removed_ = true;
  refuse_waiting_reads();
}

// A request for votes shows that its sender has not heard of its removal. One with an id above all that are known here has
// not been removed: a later leader has added it.
TINYKV_DECL void core::answer_former_member(peer_id peer) {
  if (!as<leader_state>() || is_member(members(), peer) || peer > highest_peer(members())) return;
  if (configuration_is_known()) tell_removed(peer);
}

TINYKV_DECL void core::on_timeout_now(message const& m) {
  if (known_leader() == m.from) campaign();
}

TINYKV_DECL void core::tell_removed(peer_id peer) {
  auto m = make(message_kind::removed, peer);
  m.round = members().version;
  send_early(std::move(m));
}

// Believed only if nothing in the log here speaks of a later configuration: this peer may have been added again, and what
// it has acknowledged since counts. There is one committed configuration of a version, so an entry of the same version
// that is not known to be committed is another one.
TINYKV_DECL void core::on_removed(message const& m) {
  auto const& newest = configuration_.newest();
  auto const later = m.round > newest.version;
  auto const same = m.round == newest.version && (configuration_.pending() || !is_member(newest, options_.self));
  if (as<leader_state>() || installing_ || !(later || same)) return;
  become_follower(state_.term, {});
  retire();
}

}  // namespace tinykv::raft
