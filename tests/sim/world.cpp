#include <tinykv/sim/world.hpp>

#include "support/catch.hpp"

#include <vector>

using namespace std::chrono_literals;
namespace sim = tinykv::sim;

TEST_CASE("events happen by time, those of one time in the order of adding", "[sim][world]") {
  sim::world in{1};
  std::vector<int> seen;
  in.after(2ms, [&] { seen.push_back(3); });
  in.after(1ms, [&] { seen.push_back(1); });
  in.after(1ms, [&] { seen.push_back(2); });
  in.after(1s, [&] { seen.push_back(4); });
  in.run_for(2ms);
  CHECK(seen == std::vector{1, 2, 3});
  CHECK(in.now() == tinykv::instant{2ms});
  in.run_for(1s);
  CHECK(seen.size() == 4);
  CHECK_FALSE(in.step());
}

TEST_CASE("the hash depends on every value, on their order and on the time", "[sim][trace]") {
  auto const hash_of = [](auto fill) {
    sim::trace t;
    fill(t);
    return t.hash();
  };
  auto const base = hash_of([](sim::trace& t) { t.add({1ns}, sim::occurrence::send, 1u, 2u); });
  CHECK(base == hash_of([](sim::trace& t) { t.add({1ns}, sim::occurrence::send, 1u, 2u); }));
  CHECK(base != hash_of([](sim::trace& t) { t.add({2ns}, sim::occurrence::send, 1u, 2u); }));
  CHECK(base != hash_of([](sim::trace& t) { t.add({1ns}, sim::occurrence::deliver, 1u, 2u); }));
  CHECK(base != hash_of([](sim::trace& t) { t.add({1ns}, sim::occurrence::send, 2u, 1u); }));
  CHECK(base != hash_of([](sim::trace& t) {
          t.add({1ns}, sim::occurrence::send, 1u, 2u);
          t.add({1ns}, sim::occurrence::note);
        }));
}

TEST_CASE("the trace keeps its last lines, oldest first", "[sim][trace]") {
  sim::trace t{3};
  for (std::uint64_t i = 0; i < 5; ++i) t.add({}, sim::occurrence::note, i);
  auto const lines = t.last_lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].values[0] == 2);
  CHECK(lines[2].values[0] == 4);
  CHECK(t.count() == 5);
}

TEST_CASE("every occurrence has a name", "[sim][trace]") {
  CHECK(sim::name_of(sim::occurrence::start) == "start");
  CHECK(sim::name_of(sim::occurrence::note) == "note");
}

TEST_CASE("a world that ends with events outstanding destroys them unrun", "[sim][world]") {
  auto const alive = std::make_shared<int>();
  {
    sim::world in{1};
    in.after(1s, [alive] { FAIL("ran"); });
  }
  CHECK(alive.use_count() == 1);
}
