#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/sim/mail.hpp>
#include <tinykv/sim/world.hpp>

#include <utility>

namespace tinykv::sim {

namespace detail {

/// The lines of a letter: `message` for each message, `piece` for each piece of a snapshot.
inline void note_letter(world& in, occurrence message, occurrence piece, store_id from, store_id to, policy::envelope const& letter) {
  for (auto const& [group, m] : letter.messages)
    in.note(message, from.value, to.value, static_cast<std::uint64_t>(m.kind), m.term.value, m.index.value, m.commit.value);
  for (auto const& [group, m] : letter.snapshots)
    in.note(piece, from.value, to.value, m.term.value, m.at.index.value, m.offset,
            m.data.size() * 4 + (m.answer ? 2U : 0U) + (m.refused ? 1U : 0U));
}

}  // namespace detail

TINYKV_DECL void mail::send(host& from, store_id to, policy::envelope letter) {
  detail::note_letter(in_, occurrence::send, occurrence::send_piece, from.id, to, letter);
  if (auto* const witness = in_.watcher()) witness->sent(from.greeting, to, letter);

  if (auto const kind = in_.weather.mute; kind && in_.chance().chance(in_.weather.mute_per_mille))
    std::erase_if(letter.messages, [&](policy::group_message const& m) { return m.message.kind == *kind; });
  if (letter.messages.empty() && letter.snapshots.empty()) return;

  auto& receiver = in_.host(to);
  if (receiver.sink == nullptr) return;  // nobody listens there
  auto const on = connect(from, receiver);
  if (on->at == stage::open)
    launch(on, std::move(letter));
  else if (on->at == stage::greeting && on->queued.size() < waiting_max)
    on->queued.push_back(std::move(letter));
  else
    lose(on, letter);
}

TINYKV_DECL mail::line mail::connect(host& from, host& to) {
  auto& on = lines_[{from.id, to.id}];
  auto const broken = in_.weather.reset_per_mille != 0 && in_.chance().chance(in_.weather.reset_per_mille);
  auto const stale = !on || broken || on->to_life != to.life || on->from_life != from.life ||
                     (on->at != stage::open && in_.now() - on->since > greeting_patience);
  if (stale) {  // letters that fly on the old connection still arrive
    on = std::make_shared<connection>();
    on->from = from.greeting;
    on->from_life = from.life;
    on->to = to.id;
    on->to_life = to.life;
    on->since = in_.now();
    in_.after(in_.between(in_.weather.delay_min, in_.weather.delay_max), [this, on = on] { greet(on); });
  }
  return on;
}

TINYKV_DECL void mail::greet(line const& on) {
  auto& receiver = in_.host(on->to);
  if (in_.link_of(on->from.store, on->to) != link::open || receiver.life != on->to_life || receiver.sink == nullptr) return;
  if (auto const wait = receiver.paused_until - in_.now(); wait > duration::zero())
    return in_.after(wait, [this, on] { greet(on); });
  in_.note(occurrence::greet, on->from.store.value, on->to.value);
  receiver.sink->greeted(on->from, on->to, [this, on](result<done> verdict) { answered(on, std::move(verdict)); });
}

TINYKV_DECL void mail::answered(line const& on, result<done> verdict) {
  if (on->at != stage::greeting || in_.host(on->to).life != on->to_life) return;
  on->since = in_.now();
  if (verdict) {
    on->at = stage::open;
    for (auto& letter : std::exchange(on->queued, {})) launch(on, std::move(letter));
    return;
  }
  on->at = stage::refused;
  on->queued.clear();
  in_.note(occurrence::refuse, on->from.store.value, on->to.value);
  in_.after(in_.between(in_.weather.delay_min, in_.weather.delay_max), [this, on, why = verdict.error()] {
    auto& sender = in_.host(on->from.store);
    if (sender.life == on->from_life && sender.sink != nullptr) sender.sink->refused(on->to, why);
  });
}

TINYKV_DECL void mail::launch(line const& on, policy::envelope letter) {
  auto& chance = in_.chance();
  auto const& rates = in_.weather;
  if (chance.chance(rates.drop_per_mille)) return lose(on, letter);
  auto const slow = chance.chance(rates.tail_per_mille);
  auto const delay = in_.between(rates.delay_min, slow ? rates.tail_max : rates.delay_max);
  if (chance.chance(rates.duplicate_per_mille)) {
    auto const again = delay + in_.between(duration::zero(), rates.duplicate_max);
    fly(on, letter, again);
  }
  fly(on, std::move(letter), delay);
}

TINYKV_DECL void mail::fly(line const& on, policy::envelope letter, duration delay) {
  in_.after(delay, [this, on, letter = std::move(letter)]() mutable { arrive(on, std::move(letter)); });
}

TINYKV_DECL void mail::arrive(line const& on, policy::envelope letter) {
  auto& receiver = in_.host(on->to);
  auto const state = in_.link_of(on->from.store, on->to);
  if (state == link::clogged) {
    auto& held = held_[{on->from.store, on->to}];
    if (held.size() < waiting_max) return held.emplace_back(on, std::move(letter)), void();
  }
  if (state != link::open || receiver.life != on->to_life || receiver.sink == nullptr) return lose(on, letter);
  if (auto const wait = receiver.paused_until - in_.now(); wait > duration::zero())
    return fly(on, std::move(letter), wait);  // the socket's buffer
  detail::note_letter(in_, occurrence::deliver, occurrence::deliver_piece, on->from.store, on->to, letter);
  receiver.sink->received(on->from, std::move(letter));
}

TINYKV_DECL void mail::lose(line const& on, policy::envelope const& letter) {
  in_.note(occurrence::lose, on->from.store.value, on->to.value, letter.messages.size() + letter.snapshots.size());
}

TINYKV_DECL void mail::forget(store_id store) {
  std::erase_if(lines_, [&](auto const& each) { return each.first.first == store; });
}

TINYKV_DECL void mail::release(store_id from, store_id to) {
  auto const held = held_.find({from, to});
  if (held == held_.end()) return;
  for (auto& [on, letter] : std::exchange(held->second, {})) {
    auto const delay = in_.between(in_.weather.delay_min, in_.weather.delay_max);
    fly(on, std::move(letter), delay);
  }
}

}  // namespace tinykv::sim
