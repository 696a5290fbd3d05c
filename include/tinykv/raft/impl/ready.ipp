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
  TINYKV_CHECK(index >= applied_);
  TINYKV_CHECK(index <= handed_);
  applied_ = index;
  while (!applying_.empty() && applying_.front().last <= index) {
    applying_bytes_ -= applying_.front().bytes;
    applying_.pop_front();
  }
  // What is applied stays a while, for followers that are a little behind; idle groups must not hold much.
  log_.evict(applied_, options_.window_bytes_max / 16, options_.window_entries_max / 16);
}

TINYKV_DECL bool core::has_ready() const {
  if (!early_.empty() || !late_.empty() || !fetches_.empty() || !grants_.empty() || !refusals_.empty()) return true;
  if (released_ < log_.last() || state_.term != stored_.term || state_.vote != stored_.vote) return true;
  if (replicate_due_ || must_ask_leader()) return true;
  if (auto const* lead = as<leader_state>()) {
    if (lead->beat_due) return true;
    if (!lead->reads.empty() && lead->reads.back().round == 0 && lead->confirmed == lead->round) return true;
  }
  auto const may_apply = handed_ < apply_limit() && applying_bytes_ < options_.apply_bytes_max;
  return may_apply && (!apply_fetched_.empty() || log_.holds(handed_ + 1) || !apply_fetch_open_);
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
  std::uint64_t bytes = 0;
  auto const hand_out = [&](entry e) {
    bytes += cost_of(e);
    handed_ = e.index;
    out.committed.push_back(std::move(e));
  };
  for (auto& e : std::exchange(apply_fetched_, {})) hand_out(std::move(e));
  while (handed_ < apply_limit() && applying_bytes_ + bytes < options_.apply_bytes_max) {
    auto const next = handed_ + 1;
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
  if (out.committed.empty()) return;
  applying_.push_back({handed_, bytes});
  applying_bytes_ += bytes;
}

}  // namespace tinykv::raft
