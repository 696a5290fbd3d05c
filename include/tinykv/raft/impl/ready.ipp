#pragma once

#include <tinykv/raft/core.hpp>

namespace tinykv::raft {

TINYKV_DECL void core::persisted(ticket number) {
  durability_.complete(number);
  count_votes();
  acknowledge();
  advance_commit();
  if (auto* lead = as<leader_state>()) part_from_former_members(*lead);
}

TINYKV_DECL void core::applied(log_index index) {
  applying_.finish(index);
  // What is applied stays a while, for followers that are a little behind; idle groups must not hold much.
  log_.evict(index, options_.window_bytes_max / 16, options_.window_entries_max / 16);
  if (configuration_.applied(index)) on_configuration();
  care_for_change();
  if (auto* lead = as<leader_state>()) part_from_former_members(*lead);
}

// The commit of a configuration is stored like a vote, before anyone is told: members that leave take with them the votes
// of the configuration before, so those who stay must not forget, in a crash of all, that it is over.
TINYKV_DECL log_index core::newest_decided_configuration() const {
  auto const change = configuration_.first_pending();
  return change && *change <= state_.commit ? *change : configuration_.since();
}

// What follows a configuration entry waits until that is applied (SAFETY.md §4); nothing is handed out while a snapshot
// takes the place of it all.
TINYKV_DECL bool core::apply_is_held() const {
  auto const change = configuration_.first_pending();
  return removed_ || installing_ || (change && *change <= applying_.handed());
}

TINYKV_DECL bool core::may_apply() const {
  return !apply_is_held() && applying_.handed() < apply_limit() && applying_.bytes() < options_.apply_bytes_max;
}

TINYKV_DECL bool core::has_ready() const {
  if (!early_.empty() || !late_.empty() || !fetches_.empty() || !grants_.empty() || !refusals_.empty()) return true;
  if (!snapshots_.empty() || removed_ != removed_told_) return true;
  if (released_ < log_.last() || state_.term != stored_.term || state_.vote != stored_.vote) return true;
  if (stored_.commit < newest_decided_configuration()) return true;
  if (replicate_due_ || must_ask_leader()) return true;
  if (auto const* lead = as<leader_state>()) {
    if (lead->beat_due) return true;
    if (!lead->reads.empty() && lead->reads.back().round == 0 && lead->confirmed == lead->round) return true;
  }
  return may_apply() && (!apply_fetched_.empty() || log_.holds(applying_.handed() + 1) || !apply_fetch_open_);
}

TINYKV_DECL ready core::take_ready() {
  ready out;
  if (auto* lead = as<leader_state>()) replicate(*lead);
  else replicate_due_ = false;
  ask_leader();

  for (auto i = released_ + 1; i <= log_.last(); ++i) out.entries.push_back(log_[i]);
  released_ = log_.last();
  // Term, vote, commit and entries of one Ready go together; a changed commit alone starts no batch (SAFETY.md §1), unless
  // it decides a configuration.
  auto const promised = state_.term != stored_.term || state_.vote != stored_.vote;
  if (!out.entries.empty() || promised || stored_.commit < newest_decided_configuration()) {
    out.state = state_;
    stored_ = state_;
  }
  out.number = durability_.open(stored_, released_);

  out.early = std::exchange(early_, {});
  out.late = std::exchange(late_, {});
  collect_committed(out);
  out.fetches = std::exchange(fetches_, {});
  out.reads = std::exchange(grants_, {});
  out.refused = std::exchange(refusals_, {});
  out.snapshots = std::exchange(snapshots_, {});
  out.removed = removed_ && !std::exchange(removed_told_, removed_);
  return out;
}

TINYKV_DECL void core::collect_committed(ready& out) {
  auto const hand_out = [&](entry e) {
    applying_.hand_out(e.index, cost_of(e));
    if (e.kind == entry_kind::configuration) out.configuration = configuration_.next();
    out.committed.push_back(std::move(e));
  };
  auto fetched = std::exchange(apply_fetched_, {});
  for (auto e = fetched.begin(); e != fetched.end() && !apply_is_held(); ++e) hand_out(std::move(*e));
  while (may_apply()) {
    auto const next = applying_.handed() + 1;
    if (!log_.holds(next)) {
      if (!apply_fetch_open_) {
        apply_fetch_open_ = true;
        auto const to = std::min(apply_limit(), log_.window_first() - 1);
        fetches_.push_back({fetch_purpose::apply, {}, state_.term, next, to, options_.apply_bytes_max / 4});
      }
      break;
    }
    hand_out(log_[next]);
  }
}

}  // namespace tinykv::raft
