#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/sim/engine_disk.hpp>
#include <tinykv/sim/world.hpp>

#include <algorithm>
#include <utility>

namespace tinykv::sim {

TINYKV_DECL world::world(std::uint64_t seed, faults w)
    : weather(w), chance_(seed), mail_(*this) {}

TINYKV_DECL world::~world() { queue_.clear(); }

TINYKV_DECL void world::run_for(duration span) {
  auto const end = now() + span;
  while (!queue_.empty() && queue_.next_at() <= end) step();
  queue_.pass_to(end);
}

TINYKV_DECL duration world::between(duration low, duration high) {
  if (high <= low) return low;
  return low + duration{static_cast<duration::rep>(chance_.below(static_cast<std::uint64_t>((high - low).count()) + 1))};
}

TINYKV_DECL host& world::host(store_id store) {
  auto const [place, made] = hosts_.try_emplace(store);
  if (made) place->second.id = store;
  return place->second;
}

namespace detail {
__extension__ using wide = __int128;
}

TINYKV_DECL instant world::local_time(sim::host const& of) const {
  auto const passed = now().since_start;
  auto const gained = static_cast<detail::wide>(passed.count()) * of.drift_ppm / 1'000'000;
  return {of.clock_start + passed + duration{static_cast<duration::rep>(gained)}};
}

TINYKV_DECL duration world::true_span(sim::host const& of, duration local) const {
  auto const rate = 1'000'000 + of.drift_ppm;
  // Two nanoseconds more make up for both roundings of local_time: a timer is never early.
  auto const span = (static_cast<detail::wide>(local.count()) + 2) * 1'000'000 / rate + 1;
  return duration{static_cast<duration::rep>(span)};
}

TINYKV_DECL void world::crash(store_id store) {
  auto& dead = host(store);
  note(occurrence::crash, store.value, dead.life);
  dead.sink = nullptr;
  if (dead.lanes != nullptr) dead.lanes->crash();  // a lane task in flight may still reach the disks
  if (dead.engine) dead.engine->crash(*this, store);
  dead.spools.crash(*this, store);
  mail_.forget(store);
  dead.lanes = nullptr;
  dead.disk_failed = false;
  dead.paused_until = now();
  ++dead.life;
}

TINYKV_DECL void world::pause(store_id store, duration span) {
  note(occurrence::pause, store.value, span.count());
  auto& asleep = host(store);
  asleep.paused_until = std::max(asleep.paused_until, now() + span);
}

TINYKV_DECL void world::set_link(store_id from, store_id to, link state) {
  auto const before = link_of(from, to);
  if (before == state) return;
  note(occurrence::link, from.value, to.value, static_cast<std::uint64_t>(state));
  if (state == link::open)
    links_.erase({from, to});
  else
    links_[{from, to}] = state;
  if (before == link::clogged) mail_.release(from, to);
}

TINYKV_DECL link world::link_of(store_id from, store_id to) const {
  auto const found = links_.find({from, to});
  return found == links_.end() ? link::open : found->second;
}

TINYKV_DECL void world::heal() {
  while (!links_.empty()) {
    auto const [from, to] = links_.begin()->first;
    set_link(from, to, link::open);
  }
}

}  // namespace tinykv::sim
