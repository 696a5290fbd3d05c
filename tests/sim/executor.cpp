#include <tinykv/sim/executor.hpp>

#include "support/catch.hpp"

#include <tinykv/sim/clock.hpp>

#include <memory>
#include <vector>

using namespace std::chrono_literals;
using tinykv::policy::lane;
using tinykv::store_id;
namespace sim = tinykv::sim;

TEST_CASE("home tasks run one by one, in order, at a later moment", "[sim][executor]") {
  sim::world in{1};
  sim::executor executor{in, store_id{1}};
  std::vector<int> seen;
  executor.post([&] {
    executor.post([&] { seen.push_back(3); });
    seen.push_back(1);
  });
  executor.post([&] { seen.push_back(2); });
  CHECK(seen.empty());
  in.run_for(1s);
  CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("a timer is never early by the host's own clock, however wrong that is", "[sim][executor][clock]") {
  for (auto const drift : {0, 50'000, -50'000, 137, -91})
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      sim::world in{seed};
      in.host(store_id{1}).drift_ppm = drift;
      in.host(store_id{1}).clock_start = 77h;
      sim::executor executor{in, store_id{1}};
      sim::clock const clock{in, store_id{1}};
      in.run_for(tinykv::duration{static_cast<std::int64_t>(seed) * 1'234'567});
      for (auto const delay : {0ns, 1ns, 999ns, 10'000'000ns, 3'000'000'001ns})
        executor.post_after(delay, [&, delay, start = clock.now()] {
          CHECK(clock.now() - start >= delay);
          CHECK(clock.now() - start <= delay + 1ms);
        });
      in.run_for(10s);
    }
}

TEST_CASE("a lane task does its work at its completion, and the next one starts after it", "[sim][executor]") {
  sim::world in{1};
  in.weather.lane_min = 1ms;
  in.weather.lane_max = 1ms;
  sim::executor executor{in, store_id{1}};
  std::vector<tinykv::duration> done;
  for (int i = 0; i < 3; ++i) executor.post_on(lane::disk, [&] { done.push_back(in.now().since_start); });
  executor.post_on(lane::apply, [&] { done.push_back(in.now().since_start); });
  in.run_for(1s);
  CHECK(done == std::vector<tinykv::duration>{1ms, 1ms, 2ms, 3ms});
}

TEST_CASE("a crash: queued work is gone, the disk task in flight has happened in some worlds, its answer in none",
          "[sim][executor][crash]") {
  int first = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    sim::world in{seed};
    auto executor = std::make_unique<sim::executor>(in, store_id{1});
    auto const alive = std::make_shared<int>();
    bool second = false, answer = false, home = false, timer = false;
    executor->post_on(lane::disk, [&, alive] {
      ++first;
      executor->post([&, alive] { answer = true; });
    });
    executor->post_on(lane::disk, [&, alive] { second = true; });
    executor->post([&, alive] { home = true; });
    executor->post_after(1ms, [&, alive] { timer = true; });
    in.crash(store_id{1});
    executor->post([&, alive] { home = true; });
    executor.reset();
    in.run_for(1s);
    CHECK_FALSE((second || answer || home || timer));
    CHECK(alive.use_count() == 1);
  }
  CHECK(first > 25);
  CHECK(first < 75);
}

TEST_CASE("nothing runs on a paused host; afterwards everything does, in order", "[sim][executor][pause]") {
  sim::world in{1};
  sim::executor executor{in, store_id{1}};
  std::vector<int> seen;
  executor.post_after(10ms, [&] { seen.push_back(2); });
  executor.post([&] { seen.push_back(1); });
  executor.post_on(lane::disk, [&] { seen.push_back(0); });
  in.pause(store_id{1}, 1s);
  in.run_for(999ms);
  CHECK(seen.empty());
  in.run_for(10ms);
  CHECK(seen.size() == 3);
}

TEST_CASE("a task that crashes its own store ends it there", "[sim][executor][crash]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    sim::world in{seed};
    sim::executor executor{in, store_id{1}};
    int ran = 0;
    executor.post_on(lane::disk, [&] {
      ++ran;
      executor.post_on(lane::disk, [&] { ran += 10; });
    });
    executor.post_on(lane::apply, [&] { in.crash(store_id{1}); });
    in.run_for(1s);
    CHECK(ran <= 11);
  }
}
