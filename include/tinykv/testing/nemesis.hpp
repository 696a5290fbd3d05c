#pragma once

#include <tinykv/sim/world.hpp>
#include <tinykv/testing/plan.hpp>
#include <tinykv/testing/situations.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// Does to a cluster what a plan says, beyond the weather: crashes, pauses, partitions, slow disks, wrong clocks. Never
/// more than a log can bear: it damages no disk.
template <class Cluster>
class nemesis {
 public:
  /// Begins its work on `target`, which must outlive it.
  nemesis(Cluster& target, plan const& of) : target_(target), world_(target.world()), plan_(of) {
    set_clocks();
    repeat(fault::crash, ms(900), [this] { crash(victim()); });
    repeat(fault::crash_all, ms(2500), [this] { crash_all(); });
    repeat(fault::pause, ms(900), [this] {
      auto const who = victim();
      world_.pause(who, between(5, 700));
    });
    repeat(fault::partition, ms(1200), [this] { partition(); });
    repeat(fault::one_way, ms(900), [this] { cut_one_way(); });
    repeat(fault::bridge, ms(2500), [this] { ring(); });
    repeat(fault::flap, ms(1800), [this] {
      auto const from = victim();
      auto const to = any();  // one draw per full expression: the order of arguments differs between compilers
      flap(from, to, 12);
    });
    repeat(fault::clog, ms(900), [this] { clog(); });
    repeat(fault::slow_disk, ms(1800), [this] { slow_down(victim()); });
    repeat(fault::members, ms(1500), [this] { change_members(); });
    repeat(fault::transfer, ms(900), [this] { target_.transfer(any(), between(20, 500)); });
  }
  nemesis(nemesis const&) = delete;
  nemesis& operator=(nemesis const&) = delete;

  /// Makes the world calm and lets a quorum run, or all; some stores may stay dead. Nothing is done from now on.
  void stop() {
    *stopped_ = true;
    world_.heal();
    world_.weather = {};
    for (auto const id : target_.stores()) world_.host(id).slowness = 1;
    // Which stores make a quorum is not known from outside when members come and go: then all are healed.
    auto const chosen = world_.chance().chance(600);
    auto const all = chosen || plan_.of(fault::members) != 0;
    auto const wanted = all ? target_.stores().size() : target_.stores().size() / 2 + 1;
    for (auto const id : shuffled())
      if (!target_.up(id) && target_.up_count() < wanted) target_.start(id);
  }

 private:
  static duration ms(std::int64_t n) { return std::chrono::milliseconds{n}; }
  duration between(std::int64_t low, std::int64_t high) { return world_.between(ms(low), ms(high)); }
  store_id any() { return target_.stores()[static_cast<std::size_t>(world_.chance().below(target_.stores().size()))]; }
  // The leader more often than others: it is where most can go wrong.
  store_id victim() {
    auto const leader = target_.leader();
    auto const chosen = any();
    return leader && world_.chance().chance(400) ? *leader : chosen;
  }
  std::vector<store_id> shuffled() {
    auto out = target_.stores();
    for (std::size_t i = out.size(); i > 1; --i)
      std::swap(out[i - 1], out[static_cast<std::size_t>(world_.chance().below(i))]);
    return out;
  }
  /// Unless the work is over by then.
  template <class F>
  void later(duration delay, F f) {
    world_.after(delay, [over = stopped_, f = std::move(f)]() mutable {
      if (!*over) f();
    });
  }
  /// The stronger, the more often: at `rare`, a half and a sixth of it.
  template <class F>
  void repeat(fault which, duration rare, F f) {
    auto const strength = plan_.of(which);
    if (strength == 0) return;
    auto const often = rare / (strength == 1 ? 1 : strength == 2 ? 2 : 6);
    later(world_.between(often / 4, often * 2), [this, which, rare, f] {
      f();
      repeat(which, rare, f);
    });
  }

  void crash(store_id id) {
    if (!target_.up(id)) return;
    target_.crash(id);
    auto const at_once = world_.chance().chance(500);
    auto const away = at_once ? between(0, 20) : between(20, 1500);
    later(away, [this, id] { revive(id); });
  }
  void revive(store_id id) {
    if (!target_.up(id)) target_.start(id);
  }
  void crash_all() {
    target_.oracle().reached().count(situation::cluster_crashed);
    for (auto const id : shuffled()) crash(id);
  }
  void partition() {
    auto side = shuffled();
    if (world_.chance().chance(300)) side = {victim()};
    else side.resize(1 + static_cast<std::size_t>(world_.chance().below(side.size() - 1)));
    target_.partition(side);
    later(between(20, 1200), [this] { world_.heal(); });
  }
  void cut_one_way() {
    auto from = victim();
    auto to = any();
    if (world_.chance().chance(500)) std::swap(from, to);
    if (from == to) return;
    world_.set_link(from, to, sim::link::cut);
    later(between(20, 1200), [this, from, to] { world_.set_link(from, to, sim::link::open); });
  }
  void ring() {
    auto const order = shuffled();
    for (std::size_t i = 0; i < order.size(); ++i)
      for (std::size_t j = 0; j < order.size(); ++j)
        if (i != j && (i + 1) % order.size() != j && (j + 1) % order.size() != i)
          world_.set_link(order[i], order[j], sim::link::cut);
    if (order.size() == 3) {  // a ring of three is whole; a bridge is not
      world_.set_link(order[0], order[1], sim::link::cut);
      world_.set_link(order[1], order[0], sim::link::cut);
    }
    later(between(200, 1500), [this] { world_.heal(); });
  }
  void flap(store_id from, store_id to, int left) {
    if (from == to) return;
    world_.set_link(from, to, left % 2 == 0 && left > 0 ? sim::link::cut : sim::link::open);
    if (left > 0) later(between(5, 120), [this, from, to, left] { flap(from, to, left - 1); });
  }
  void clog() {
    auto const from = any();
    auto const to = any();
    if (from == to) return;
    world_.set_link(from, to, sim::link::clogged);
    later(between(20, 900), [this, from, to] { world_.set_link(from, to, sim::link::open); });
  }
  void slow_down(store_id id) {
    world_.host(id).slowness = static_cast<std::uint32_t>(world_.chance().between(5, 100));
    later(between(50, 1000), [this, id] { world_.host(id).slowness = 1; });
  }
  // Between one voter and all of them; now and then some stores only listen.
  void change_members() {
    raft::membership target;
    auto order = shuffled();
    auto const voters = 1 + world_.chance().below(order.size());
    auto const learners = world_.chance().chance(300) ? world_.chance().below(order.size() - voters + 1) : 0;
    for (std::size_t i = 0; i < voters + learners; ++i) {
      auto& list = i < voters ? target.voters : target.learners;
      list.push_back({peer_id{}, order[i]});
    }
    target_.change_membership(std::move(target), between(100, 3000));
  }
  void set_clocks() {
    for (auto const id : target_.stores()) {
      world_.host(id).clock_start = between(0, 1'000'000'000);
      if (plan_.of(fault::clocks) == 0) continue;
      auto const most = 20'000 * plan_.of(fault::clocks);
      world_.host(id).drift_ppm = static_cast<std::int64_t>(world_.chance().below(2 * most + 1)) - most;
    }
  }

  Cluster& target_;
  sim::world& world_;
  plan const plan_;
  std::shared_ptr<bool> stopped_ = std::make_shared<bool>(false);
};

}  // namespace tinykv::testing
