#include <tinykv/runtime/steady_clock.hpp>

#include "support/catch.hpp"

#include <tinykv/policy/composition.hpp>
#include <tinykv/runtime/drift_bounded_clock.hpp>

#include <thread>

using namespace std::chrono_literals;
namespace runtime = tinykv::runtime;

static_assert(tinykv::policy::Clock<tinykv::defaults::clock>);
static_assert(!tinykv::policy::BoundedClock<runtime::steady_clock>);

TEST_CASE("the clock passes with time and never falls", "[runtime][clock]") {
  runtime::steady_clock const clock;
  auto const start = clock.now();
  auto before = start;
  for (int i = 0; i < 10000; ++i) {
    auto const now = clock.now();
    REQUIRE(now >= before);
    before = now;
  }
  std::this_thread::sleep_for(3ms);
  CHECK(clock.now() - start >= 3ms);
}

TEST_CASE("a bounded clock gives its bound", "[runtime][clock]") {
  runtime::drift_bounded_clock const clock{500};
  CHECK(clock.drift_ppm() == 500);
  CHECK(clock.now() >= tinykv::instant{});
}
