#include <tinykv/runtime/manual_executor.hpp>

#include "support/catch.hpp"

#include <functional>
#include <memory>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tinykv::policy::lane;
namespace runtime = tinykv::runtime;

TEST_CASE("nothing runs and no time passes by itself", "[runtime][manual]") {
  runtime::manual_executor executor;
  runtime::manual_clock const clock{executor};
  int ran = 0;
  executor.post([&] { ++ran; });
  executor.post_after(0ns, [&] { ++ran; });
  executor.post_on(lane::disk, [&] { ++ran; });
  CHECK(ran == 0);
  CHECK(clock.now() == tinykv::instant{});
  CHECK(executor.run_all() == 3);
  CHECK(ran == 3);
  CHECK(clock.now() == tinykv::instant{});
  CHECK_FALSE(executor.run_one());
}

TEST_CASE("home tasks run before lane tasks, each queue in order", "[runtime][manual]") {
  runtime::manual_executor executor;
  std::vector<int> seen;
  executor.post_on(lane::apply, [&] { seen.push_back(5); });
  executor.post_on(lane::disk, [&] {
    seen.push_back(3);
    executor.post([&] { seen.push_back(4); });
  });
  executor.post([&] { seen.push_back(1); });
  executor.post([&] { seen.push_back(2); });
  executor.run_all();
  CHECK(seen == std::vector{1, 2, 3, 4, 5});
}

TEST_CASE("a chosen lane runs one task at a time", "[runtime][manual]") {
  runtime::manual_executor executor;
  std::vector<int> seen;
  executor.post([&] { seen.push_back(0); });
  executor.post_on(lane::disk, [&] { seen.push_back(1); });
  executor.post_on(lane::disk, [&] { seen.push_back(2); });
  CHECK(executor.waiting(lane::disk) == 2);
  CHECK(executor.run_lane(lane::disk));
  CHECK_FALSE(executor.run_lane(lane::apply));
  CHECK(executor.waiting(lane::disk) == 1);
  CHECK(seen == std::vector{1});
}

TEST_CASE("a timer fires at its time, not a nanosecond before, in the order of the times", "[runtime][manual]") {
  runtime::manual_executor executor;
  std::vector<int> seen;
  executor.post_after(20ms, [&] { seen.push_back(2); });
  executor.post_after(10ms, [&] { seen.push_back(1); });
  executor.post_after(20ms, [&] { seen.push_back(3); });
  executor.advance(10ms - 1ns);
  executor.run_all();
  CHECK(seen.empty());
  executor.advance(1ns);
  CHECK(seen.empty());
  executor.run_all();
  CHECK(seen == std::vector{1});
  executor.advance(1s);
  executor.run_all();
  CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("run_for stops at every timer on the way, so that one which re-arms keeps its pace", "[runtime][manual]") {
  runtime::manual_executor executor;
  std::vector<tinykv::duration> times;
  std::function<void()> tick = [&] {
    times.push_back(executor.now().since_start);
    executor.post_after(10ms, tick);
  };
  executor.post_after(10ms, tick);
  executor.run_for(35ms);
  CHECK(times == std::vector<tinykv::duration>{10ms, 20ms, 30ms});
  CHECK(executor.now() == tinykv::instant{35ms});
}

TEST_CASE("post is open to other threads", "[runtime][manual]") {
  runtime::manual_executor executor;
  int ran = 0;
  std::thread other{[&] {
    for (int i = 0; i < 1000; ++i) executor.post([&] { ++ran; });
  }};
  for (int i = 0; i < 1000; ++i) executor.post([&] { ++ran; });
  other.join();
  CHECK(executor.run_all() == 2000);
  CHECK(ran == 2000);
}

TEST_CASE("queued tasks are destroyed with the executor", "[runtime][manual]") {
  auto const alive = std::make_shared<int>();
  {
    runtime::manual_executor executor;
    executor.post([alive] {});
    executor.post_after(1s, [alive] {});
    executor.post_on(lane::snapshot, [alive] {});
    CHECK(alive.use_count() == 4);
  }
  CHECK(alive.use_count() == 1);
}
