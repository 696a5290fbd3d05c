#include <tinykv/testing/conformance/transport.hpp>

#include <tinykv/sim/network.hpp>

#include "support/catch.hpp"

#include <set>

using namespace tinykv;

namespace {

/// Three hosts of a simulated world whose network delays, loses, repeats and reorders.
struct simulated_world {
  using model = sim::network;

  explicit simulated_world(std::uint64_t seed) : world(seed) {
    world.weather.drop_per_mille = 100;
    world.weather.duplicate_per_mille = 100;
    world.weather.reset_per_mille = 20;
  }

  sim::network open(store_id self) {
    if (!started.insert(self).second) world.crash(self);  // the next start is another life of the host
    return {world, self};
  }
  bool wait(std::function<bool()> const& fact) {
    for (int turns = 0; turns < 20'000; ++turns) {
      if (fact()) return true;
      world.run_for(std::chrono::milliseconds{1});
    }
    return false;
  }
  sim::world world;
  std::set<store_id> started;
};

}  // namespace

TEST_CASE("sim::network keeps the promises of Transport", "[conformance][transport][sim]") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    for (auto const& each : testing::transport_suite<simulated_world>([seed] { return std::make_unique<simulated_world>(seed); })) {
      INFO(each.name << ", seed " << seed);
      CHECK(each.run().text() == "");
    }
}
