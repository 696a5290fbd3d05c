#pragma once

#include <tinykv/raft/core.hpp>

namespace tinykv::raft {

TINYKV_DECL void core::persisted(ticket number) {
  durability_.complete(number);
  count_votes();
  acknowledge();
  advance_commit();
}

TINYKV_DECL void core::applied(log_index index) {
  applying_.finish(index);
  // What is applied stays a while, for followers that are a little behind; idle groups must not hold much.
  log_.evict(index, options_.window_bytes_max / 16, options_.window_entries_max / 16);
}

TINYKV_DECL bool core::has_ready() const {
  if (!early_.empty() || !late_.empty() || !fetches_.empty() || !grants_.empty() || !refusals_.empty()) return true;
  if (released_ < log_.last() || state_.term != stored_.term || state_.vote != stored_.vote) return true;
  if (replicate_due_ || must_ask_leader()) return true;
  if (auto const* lead = as<leader_state>()) {
    if (lead->beat_due) return true;
    if (!lead->reads.empty() && lead->reads.back().round == 0 && lead->confirmed == lead->round) return true;
  }
  auto const may_apply = applying_.handed() < apply_limit() && applying_.bytes() < options_.apply_bytes_max;
  return may_apply && (!apply_fetched_.empty() || log_.holds(applying_.handed() + 1) || !apply_fetch_open_);
}

TINYKV_DECL ready core::take_ready() {
  ready out;
  if (auto* lead = as<leader_state>()) replicate(*lead);
  else replicate_due_ = false;
  ask_leader();

  for (auto i = released_ + 1; i <= log_.last(); ++i) out.entries.push_back(log_[i]);
  released_ = log_.last();
  // Term, vote, commit and entries of one Ready go together; a changed commit alone starts no batch (SAFETY.md §1).
  if (!out.entries.empty() || state_.term != stored_.term || state_.vote != stored_.vote) {
    out.state = state_;
    stored_ = state_;
  }
  out.number = durability_.open(state_, released_);

  out.early = std::exchange(early_, {});
  out.late = std::exchange(late_, {});
  collect_committed(out);
  out.fetches = std::exchange(fetches_, {});
  out.reads = std::exchange(grants_, {});
  out.refused = std::exchange(refusals_, {});
  return out;
}

TINYKV_DECL void core::collect_committed(ready& out) {
  auto const hand_out = [&](entry e) {
    applying_.hand_out(e.index, cost_of(e));
    out.committed.push_back(std::move(e));
  };
  for (auto& e : std::exchange(apply_fetched_, {})) hand_out(std::move(e));
  while (applying_.handed() < apply_limit() && applying_.bytes() < options_.apply_bytes_max) {
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
