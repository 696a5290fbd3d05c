// The counter in the simulated world: the same machine and the same algorithms, with log, network, clock and threads from a
// seed. Shows that a seed decides everything: a crash, a partition and lost messages happen twice in the same way.

#include "counter.hpp"

#include <tinykv/raft/core.hpp>
#include <tinykv/testing/cluster.hpp>

#include <iomanip>
#include <iostream>

using namespace std::chrono_literals;

struct simulated_counter : tinykv::defaults {
  using machine = counter;
};

// What happened, as one number.
std::uint64_t story_of(std::uint64_t seed) {
  tinykv::testing::cluster_options options;
  options.seed = seed;
  tinykv::testing::cluster<simulated_counter> cluster{options};
  cluster.run_until([&] { return cluster.leader().has_value(); }, 30s);
  auto const first = *cluster.leader();
  cluster.propose(first, tinykv::bytes::copy_of("up"), 2s, [](auto) {});
  cluster.run_for(1s);
  cluster.crash(first);
  cluster.run_for(5s);
  cluster.start(first);
  cluster.partition({first});
  cluster.run_for(5s);
  cluster.heal();
  auto const together = cluster.converges_within(30s);
  std::cout << "seed " << seed << ": " << (together ? "all three agree again" : "they do not agree") << ", violations: "
            << (cluster.violations().empty() ? "none" : "some") << '\n';
  return cluster.world().trace().hash();
}

int main() {
  auto const once = story_of(7);
  auto const again = story_of(7);
  auto const other = story_of(8);
  std::cout << "the same seed, " << (once == again ? "the same story" : "another story") << '\n';
  std::cout << "another seed, " << (once == other ? "the same story" : "another story") << '\n';
}
