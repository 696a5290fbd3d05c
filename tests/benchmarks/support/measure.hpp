#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace bench {

/// Wall time and CPU time (all threads, user and system) of this process since construction.
class stopwatch {
 public:
  double wall_seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }
  double cpu_seconds() const { return cpu_now() - cpu_begun_; }

 private:
  static double cpu_now() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    auto const seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  double cpu_begun_ = cpu_now();
};

/// One line of a table: operations per second, CPU per operation, latency percentiles if there are any.
inline void report(std::string const& what, std::uint64_t operations, stopwatch const& watch, std::vector<double> latencies_us = {}) {
  auto const n = static_cast<double>(operations);
  std::printf("%-52s %12.0f/s %9.2f us CPU/op", what.c_str(), n / watch.wall_seconds(), watch.cpu_seconds() * 1e6 / n);
  if (!latencies_us.empty()) {
    std::sort(latencies_us.begin(), latencies_us.end());
    auto const at = [&](double share) { return latencies_us[static_cast<std::size_t>(share * static_cast<double>(latencies_us.size() - 1))]; };
    std::printf("   p50 %7.0f us  p99 %7.0f us", at(0.5), at(0.99));
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace bench
