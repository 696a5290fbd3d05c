#include "doctor.hpp"

#include <chrono>
#include <cstdio>
#include <thread>

#include <sys/timex.h>

namespace cli {

namespace {

using namespace std::chrono_literals;

std::string milliseconds(std::chrono::nanoseconds time) {
  char out[32];
  std::snprintf(out, sizeof out, "%.3f ms", std::chrono::duration<double, std::milli>(time).count());
  return out;
}

/// Both clocks over the same fifth of a second. Elections count on the monotonic one alone.
finding pace() {
  auto const monotonic = std::chrono::steady_clock::now();
  auto const wall = std::chrono::system_clock::now();
  std::this_thread::sleep_for(200ms);
  auto const passed = std::chrono::nanoseconds{std::chrono::steady_clock::now() - monotonic};
  auto const wall_passed = std::chrono::nanoseconds{std::chrono::system_clock::now() - wall};
  auto const apart = std::chrono::abs(passed - wall_passed);
  if (passed < 200ms)
    return {health::fail, "clock", "the monotonic clock counts " + milliseconds(passed) + " for a sleep of 200 ms",
            "servers cannot keep their timeouts on this machine; choose another clock source"};
  if (passed > 1s)
    return {health::warn, "clock", "a sleep of 200 ms took " + milliseconds(passed),
            "this machine is overloaded or was suspended: expect elections"};
  if (apart > 20ms)
    return {health::warn, "clock", "wall and monotonic clock are " + milliseconds(apart) + " apart after 200 ms",
            "the wall clock is being set; see that it is slewed, not stepped"};
  return {health::ok, "clock",
          "wall and monotonic clock go at one pace (" + milliseconds(apart) + " apart after 200 ms)"};
}

/// What the kernel knows of who keeps its clock right (adjtimex(2)).
finding discipline() {
  timex kernel{};
  auto const state = ::adjtimex(&kernel);
  if (state == -1)
    return {health::warn, "clock", "the kernel does not say whether the clock is synchronised", "see that NTP runs"};
  if (state == TIME_ERROR || (kernel.status & STA_UNSYNC) != 0)
    return {health::warn, "clock", "nothing keeps the wall clock right",
            "start NTP (chrony or systemd-timesyncd) on the host"};
  return {health::ok, "clock", "the wall clock is kept right"};
}

}  // namespace

findings look_at_clock() { return {pace(), discipline()}; }

}  // namespace cli
