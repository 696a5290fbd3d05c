#include <tinykv/runtime/asio_executor.hpp>

#include "support/catch.hpp"

#include <tinykv/runtime/steady_clock.hpp>

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tinykv::policy::lane;
namespace runtime = tinykv::runtime;

TEST_CASE("home tasks run in the order of post, never inside it, and run() returns afterwards", "[runtime][asio]") {
  boost::asio::io_context io;
  runtime::asio_executor executor{io};
  std::vector<int> seen;
  executor.post([&] {
    executor.post([&] { seen.push_back(3); });
    seen.push_back(1);
  });
  executor.post([&] { seen.push_back(2); });
  CHECK(seen.empty());
  io.run();
  CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("a task posted from another thread runs on the thread of the home lane", "[runtime][asio]") {
  boost::asio::io_context io;
  runtime::asio_executor executor{io};
  std::thread::id ran;
  std::thread{[&] { executor.post([&] { ran = std::this_thread::get_id(); }); }}.join();
  io.run();
  CHECK(ran == std::this_thread::get_id());
}

TEST_CASE("a timer is never early by the clock that counts suspension", "[runtime][asio]") {
  boost::asio::io_context io;
  runtime::asio_executor executor{io};
  runtime::steady_clock const clock;
  std::vector<tinykv::duration> errors;
  executor.post([&] {
    for (auto const delay : {0ms, 1ms, 7ms, 20ms})
      executor.post_after(delay, [&, delay, start = clock.now()] { errors.push_back(clock.now() - start - delay); });
  });
  io.run();
  REQUIRE(errors.size() == 4);
  for (auto const error : errors) CHECK(error >= 0ns);
}

TEST_CASE("run() lasts until a lane task has answered, though the home lane is empty meanwhile", "[runtime][asio]") {
  boost::asio::io_context io;
  runtime::asio_executor executor{io};
  bool answered = false;
  executor.post([&] {
    executor.post_on(lane::disk, [&] {
      std::this_thread::sleep_for(30ms);
      executor.post([&] { answered = true; });
    });
  });
  io.run();
  CHECK(answered);
}

TEST_CASE("a lane runs its tasks one at a time and in order, beside the other lanes", "[runtime][asio]") {
  boost::asio::io_context io;
  runtime::asio_executor executor{io};
  std::vector<int> disk;
  std::promise<void> apply_ran;
  executor.post([&] {
    // The first disk task cannot end unless the apply lane runs beside it.
    executor.post_on(lane::disk, [&] { CHECK(apply_ran.get_future().wait_for(10s) == std::future_status::ready); });
    for (int i = 0; i < 100; ++i) executor.post_on(lane::disk, [&disk, i] { disk.push_back(i); });
    executor.post_on(lane::apply, [&] { apply_ran.set_value(); });
  });
  io.run();
  REQUIRE(disk.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(disk[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("destruction waits for the running lane task and destroys queued ones and timers unrun", "[runtime][asio]") {
  boost::asio::io_context io;
  auto const alive = std::make_shared<int>();
  std::atomic<bool> ended{false};
  std::atomic<bool> ran{false};
  {
    runtime::asio_executor executor{io};
    std::promise<void> started;
    executor.post([&] {
      executor.post_on(lane::disk, [&] {
        started.set_value();
        std::this_thread::sleep_for(30ms);
        ended = true;
      });
      executor.post_on(lane::disk, [&ran, alive] { ran = true; });
      executor.post_after(1h, [&ran, alive] { ran = true; });
    });
    io.poll();
    started.get_future().wait();
  }
  CHECK(ended);
  io.restart();
  io.run();  // an uncancelled timer would hold it for an hour
  CHECK_FALSE(ran);
  CHECK(alive.use_count() == 1);
}

TEST_CASE("what comes after stop is destroyed, home tasks still run", "[runtime][asio]") {
  boost::asio::io_context io;
  runtime::asio_executor executor{io};
  auto const alive = std::make_shared<int>();
  bool ran = false;
  bool home = false;
  executor.stop();
  executor.stop();
  executor.post_on(lane::read, [&ran, alive] { ran = true; });
  executor.post_after(0ns, [&ran, alive] { ran = true; });
  executor.post([&] { home = true; });
  io.run();
  CHECK(alive.use_count() == 1);
  CHECK_FALSE(ran);
  CHECK(home);
}

TEST_CASE("a timer that expired in the same turn as the stop does not run", "[runtime][asio]") {
  boost::asio::io_context io;
  runtime::asio_executor executor{io};
  bool ran = false;
  executor.post([&] {
    executor.post_after(0ns, [&] { executor.stop(); });
    executor.post_after(0ns, [&] { ran = true; });
    std::this_thread::sleep_for(5ms);
  });
  io.run();
  CHECK_FALSE(ran);
}

TEST_CASE("several executors share one home lane", "[runtime][asio]") {
  boost::asio::io_context io;
  runtime::asio_executor first{io};
  runtime::asio_executor second{io};
  int answers = 0;
  first.post([&] { first.post_on(lane::disk, [&] { first.post([&] { ++answers; }); }); });
  second.post([&] { second.post_on(lane::disk, [&] { second.post([&] { ++answers; }); }); });
  io.run();
  CHECK(answers == 2);
}
