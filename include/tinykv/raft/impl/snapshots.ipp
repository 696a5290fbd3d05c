#pragma once

#include <tinykv/raft/core.hpp>

namespace tinykv::raft {

TINYKV_DECL truncation core::truncation_at(log_index index) const {
  TINYKV_CHECK(index >= log_.truncated().index && index <= applying_.applied());
  return {{index, *log_.term_at(index)}, configuration_.after(index)};
}

TINYKV_DECL void core::compacted(log_index index) {
  TINYKV_CHECK(index >= log_.truncated().index && index <= applying_.applied());
  log_.compact(index);
  configuration_.forget(index);
}

// Only for one that is heard of: a snapshot for a store that is down would be made for nothing.
TINYKV_DECL void core::ask_for_snapshot(progress& peer) {
  if (!peer.active) return;
  peer.need_snapshot(log_.truncated().index);
  snapshots_.push_back({peer.peer(), state_.term, log_.truncated().index});
}

TINYKV_DECL void core::snapshot_sent(peer_id peer, log_index index) {
  auto* p = progress_of(peer);
  if (!p || index > log_.last()) return;
  p->snapshot_sent(index);
  replicate_due_ = true;
}

TINYKV_DECL void core::snapshot_failed(peer_id peer) {
  if (auto* p = progress_of(peer)) p->snapshot_failed();
}

TINYKV_DECL snapshot_verdict core::offered(peer_id from, term in, position at) {
  if (removed_ || from == peer_id{} || from == options_.self) return snapshot_verdict::ignored;
  if (in.value >= detail::number_max || at.index.value >= detail::number_max || at.term > in) return snapshot_verdict::ignored;
  if (in < state_.term) {  // the sender is behind and must learn of it
    auto reply = make(message_kind::append_reply, from);
    reply.refused = true;
    send_late(std::move(reply));
    return snapshot_verdict::ignored;
  }
  if (in > state_.term) become_follower(in, from);
  if (!follow(from) || installing_) return snapshot_verdict::ignored;
  // What is committed is in it; what the log holds up to `at` is committed by it, and what lies behind may have been
  // acknowledged (SAFETY.md §5).
  auto const holds = log_.term_at(at.index) == std::optional{at.term};
  if (at.index > state_.commit && !holds) return snapshot_verdict::wanted;
  if (holds) state_.commit = std::max(state_.commit, at.index);
  auto& f = std::get<follower_state>(role_);
  f.verified = std::max(f.verified, state_.commit);
  f.ack_due = true;
  acknowledge();
  return snapshot_verdict::held;
}

TINYKV_DECL void core::installing(snapshot_meta const& meta) {
  TINYKV_CHECK(!installing_ && meta.at.index > state_.commit);
  installing_ = meta;
}

TINYKV_DECL void core::installed(snapshot_meta meta) {
  TINYKV_CHECK(installing_ == std::optional{meta});
  installing_.reset();
  auto const end = meta.at.index;
  state_.commit = end;
  log_.restore(meta.at, {}, end, {});
  durability_.reset(end);
  stored_.commit = std::max(stored_.commit, end);  // the truncation record says so
  applying_.restore(end);
  configuration_.restore(end, std::move(meta.configuration));
  apply_fetched_.clear();
  released_ = end;
  if (auto* f = as<follower_state>()) {
    f->verified = end;  // committed: equal to the log of every later leader
    f->ack_due = true;
    acknowledge();
  }
}

}  // namespace tinykv::raft
