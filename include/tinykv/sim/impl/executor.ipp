#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/sim/executor.hpp>
#include <tinykv/sim/world.hpp>

#include <array>
#include <deque>
#include <utility>

namespace tinykv::sim {

struct executor::body : mortal, std::enable_shared_from_this<body> {
  body(world& w, store_id s) : in(w), on(w.host(s)) {}

  /// Calls `f` at the end of `delay`, or when the host is awake again, unless this start has ended by then.
  void later(duration delay, unique_function<void(body&)> f) {
    in.after(delay, [self = weak_from_this(), f = std::move(f)]() mutable {
      auto const alive = self.lock();
      if (!alive || alive->dead) return;
      if (auto const wait = alive->on.paused_until - alive->in.now(); wait > duration::zero())
        alive->later(wait, std::move(f));
      else
        f(*alive);
    });
  }

  void schedule_turn() {
    if (turn_scheduled || home.empty()) return;
    turn_scheduled = true;
    later(in.between(duration::zero(), in.weather.task_max), [](body& self) { self.turn(); });
  }
  void turn() {
    turn_scheduled = false;
    auto work = std::move(home.front());
    home.pop_front();
    in.note(occurrence::turn, on.id.value);
    work();
    if (dead) return;
    if (auto* const witness = in.watcher()) witness->turned(on.id);
    schedule_turn();
  }

  void arm(instant due, task work) {
    auto const local = due - in.local_time(on);
    auto const wait = local > duration::zero() ? in.true_span(on, local) : duration::zero();
    auto const late = in.between(duration::zero(), in.weather.timer_late_max);
    later(wait + late, [work = std::move(work)](body& self) mutable {
      self.in.note(occurrence::timer, self.on.id.value);
      self.home.push_back(std::move(work));
      self.schedule_turn();
    });
  }

  void start_lane(std::size_t lane) {
    auto& queue = lanes[lane];
    if (queue.busy || queue.waiting.empty()) return;
    queue.busy = true;
    queue.in_flight = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    auto const stalls = in.chance().chance(in.weather.stall_per_mille);
    auto const takes = stalls ? in.between(in.weather.lane_min, in.weather.stall_max)
                              : in.between(in.weather.lane_min, in.weather.lane_max) * on.slowness;
    in.note(occurrence::lane_start, on.id.value, lane, takes.count());
    later(takes, [lane](body& self) { self.end_lane(lane); });
  }
  void end_lane(std::size_t lane) {
    in.note(occurrence::lane_end, on.id.value, lane);
    {
      auto work = std::move(lanes[lane].in_flight);
      work();  // may crash the host
    }
    if (dead) return;
    lanes[lane].busy = false;
    start_lane(lane);
  }

  /// From now on nothing that is posted is kept. A task in flight has done its work or not.
  void crash() override {
    auto const keep = shared_from_this();  // a destroyed task may own what owns the executor
    dead = true;
    auto const unrun = std::exchange(home, {});
    for (std::size_t lane = 0; lane < policy::lane_count; ++lane) {
      auto queue = std::exchange(lanes[lane], {});
      if (!queue.in_flight) continue;
      if (lane == static_cast<std::size_t>(policy::lane::disk)) ++on.writes_cut;
      auto const happened = in.chance().chance(500);
      in.note(occurrence::lane_cut, on.id.value, lane, happened ? 1 : 0);
      if (happened) queue.in_flight();
    }
  }

  struct lane_queue {
    bool busy = false;
    task in_flight;  // empty while it runs
    std::deque<task> waiting;
  };
  world& in;
  host& on;
  bool dead = false;
  bool turn_scheduled = false;
  std::deque<task> home;
  std::array<lane_queue, policy::lane_count> lanes;
};

TINYKV_DECL executor::executor(world& in, store_id store) : body_(std::make_shared<body>(in, store)) {
  body_->on.lanes = body_.get();
}

TINYKV_DECL executor::~executor() {
  body_->dead = true;
  if (body_->on.lanes == body_.get()) body_->on.lanes = nullptr;
}

TINYKV_DECL void executor::post(task work) {
  if (body_->dead) return;
  body_->home.push_back(std::move(work));
  body_->schedule_turn();
}

TINYKV_DECL void executor::post_after(duration delay, task work) {
  if (body_->dead) return;
  body_->arm(body_->in.local_time(body_->on) + delay, std::move(work));
}

TINYKV_DECL void executor::post_on(policy::lane where, task work) {
  if (body_->dead) return;
  auto const lane = static_cast<std::size_t>(where);
  body_->lanes[lane].waiting.push_back(std::move(work));
  body_->start_lane(lane);
}

}  // namespace tinykv::sim
