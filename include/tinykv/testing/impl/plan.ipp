#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/raft/values/snapshot.hpp>
#include <tinykv/testing/plan.hpp>

namespace tinykv::testing {

TINYKV_DECL std::string plan::text() const {
  std::string out = std::to_string(cluster.stores) + " stores";
  for (std::size_t i = 0; i < strength.size(); ++i)
    if (strength[i] != 0) out += ", " + std::string{name_of(static_cast<fault>(i))} + ' ' + std::to_string(strength[i]);
  return out;
}

namespace detail {

inline void draw_strengths(plan& out, random& chance) {
  auto const mode = chance.below(4);
  if (mode == 0) {
    auto const only = chance.below(out.strength.size());
    out.strength[static_cast<std::size_t>(only)] = 3;
    return;
  }
  for (auto& each : out.strength) {
    auto const on = mode == 1 || chance.chance(350);
    auto const most = std::uint64_t{mode == 1 ? 1U : 3U};
    each = on ? static_cast<std::uint8_t>(chance.between(1, most)) : std::uint8_t{0};
  }
}

inline sim::faults draw_weather(plan const& of, random& chance) {
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  constexpr std::array<std::uint32_t, 4> rare{0, 5, 30, 150};
  sim::faults out;
  out.delay_max = microseconds{chance.between(300, 5000)};
  out.lane_max = microseconds{chance.between(100, 4000)};
  out.drop_per_mille = rare[of.of(fault::drop)];
  out.duplicate_per_mille = rare[of.of(fault::duplicate)];
  if (of.of(fault::late_copy) != 0) {
    out.duplicate_per_mille += rare[of.of(fault::late_copy)] / 3;
    out.duplicate_max = milliseconds{3000};
  }
  out.tail_per_mille = rare[of.of(fault::tail)] / 2;
  out.reset_per_mille = rare[of.of(fault::reset)];
  if (of.of(fault::mute) != 0) {
    out.mute = static_cast<raft::message_kind>(chance.between(1, 12));
    out.mute_per_mille = rare[of.of(fault::mute)] * 5;
  }
  out.stall_per_mille = rare[of.of(fault::stall)] / 3;
  out.disk_error_per_million = of.of(fault::disk_error) * 300;
  if (of.of(fault::clocks) != 0) out.timer_late_max = milliseconds{5 * of.of(fault::clocks)};
  return out;
}

// Small bounds, so that windows fill, fetches happen and appends are cut, in some seeds.
inline void draw_bounds(raftstore::options& out, random& chance) {
  out.tick_interval = std::chrono::milliseconds{10};
  out.disk_stall_max = std::chrono::milliseconds{chance.between(50, 300)};
  out.raft.pre_vote = chance.chance(750);
  out.raft.check_quorum = chance.chance(850);
  out.raft.append_bytes_max = chance.between(100, 4000);
  out.raft.inflight_appends_max = static_cast<std::uint32_t>(chance.between(1, 32));
  out.raft.apply_bytes_max = chance.between(200, 20'000);
  // A follower must have room for one append, which may pass append_bytes_max by its first entry.
  out.raft.command_bytes_max = 4000;
  out.raft.window_entries_max = out.raft.append_bytes_max / 64 + chance.between(8, 400);
  out.raft.window_bytes_max = 2 * (out.raft.append_bytes_max + 4100) + chance.below(50'000);
  out.raft.pending_reads_max = static_cast<std::uint32_t>(chance.between(2, 64));
}

// How long logs are kept, how snapshots travel, and how many stores wait to be added.
inline void draw_upkeep(plan& out, random& chance) {
  auto& store = out.cluster.store;
  if (auto const strength = out.of(fault::compaction); strength != 0) {
    store.compaction.entries_max = chance.between(4, 400 / strength);
    store.compaction.bytes_max = chance.between(500, 100'000 / strength);
    store.compaction.entries_kept = chance.below(store.compaction.entries_max);
    store.compaction.follower_entries_max = store.compaction.entries_max * chance.between(1, 4);
    store.compaction.follower_bytes_max = store.compaction.bytes_max * chance.between(1, 4);
    store.compaction.piece_entries_max = chance.between(2, 200);
    store.unsynced_entries_max = chance.between(5, 500);
    store.unsynced_max = std::chrono::milliseconds{chance.between(20, 2000)};
    store.snapshots.window_bytes_max = chance.between(1, 4) * raft::snapshot_message::chunk_bytes_max;
    store.snapshots.resend_ticks = static_cast<std::uint32_t>(chance.between(2, 10));
    store.snapshots.patience_ticks = static_cast<std::uint32_t>(chance.between(20, 100));
  }
  if (out.of(fault::members) != 0) {
    out.cluster.spares = static_cast<std::uint32_t>(chance.between(1, 2));
    store.raft.promotion_lag_max = chance.between(1, 100);
  }
  store.raft.uncommitted_bytes_max = chance.between(4'000, 60'000);
  store.raft.inflight_bytes_max = chance.between(1'000, 60'000);
}

}  // namespace detail

TINYKV_DECL plan draw_plan(std::uint64_t seed) {
  random chance{seed ^ 0x5eed5eed5eed5eedULL};
  plan out;
  out.cluster.seed = seed;
  out.cluster.stores = chance.chance(600) ? 3 : 5;
  out.clients = static_cast<std::uint32_t>(chance.between(1, 8));
  detail::draw_strengths(out, chance);
  out.cluster.weather = detail::draw_weather(out, chance);
  detail::draw_bounds(out.cluster.store, chance);
  detail::draw_upkeep(out, chance);
  return out;
}

}  // namespace tinykv::testing
