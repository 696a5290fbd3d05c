#include <tinykv/testing/conformance/executor.hpp>

#include "support/catch.hpp"

#include <tinykv/runtime/asio_executor.hpp>
#include <tinykv/runtime/manual_executor.hpp>
#include <tinykv/runtime/steady_clock.hpp>
#include <tinykv/sim/clock.hpp>
#include <tinykv/sim/executor.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace runtime = tinykv::runtime;
namespace sim = tinykv::sim;
using namespace std::chrono_literals;

namespace {

struct asio_rig {
  boost::asio::io_context io;
  std::optional<runtime::asio_executor> model{io};
  runtime::asio_executor& executor() { return *model; }
  runtime::steady_clock clock() { return {}; }
  bool run_until(std::function<bool()> const& fact) {
    auto const end = std::chrono::steady_clock::now() + 20s;
    while (!fact() && std::chrono::steady_clock::now() < end) {
      io.restart();
      io.run_one_for(10ms);
    }
    return fact();
  }
  void end() {
    model.reset();
    io.restart();
    io.poll();
  }
};

struct manual_rig {
  std::optional<runtime::manual_executor> model{std::in_place};
  runtime::manual_executor& executor() { return *model; }
  runtime::manual_clock clock() { return runtime::manual_clock{*model}; }
  bool run_until(std::function<bool()> const& fact) {
    for (int i = 0; i < 1000 && !fact(); ++i)
      if (!model->run_one()) model->advance(1ms);
    return fact();
  }
  void end() { model.reset(); }
};

struct sim_rig {
  sim::world in{1};
  std::optional<sim::executor> model{std::in_place, in, tinykv::store_id{1}};
  sim::executor& executor() { return *model; }
  sim::clock clock() { return {in, tinykv::store_id{1}}; }
  bool run_until(std::function<bool()> const& fact) {
    for (int i = 0; i < 10000 && !fact(); ++i) in.step();
    return fact();
  }
  void end() {
    in.crash(tinykv::store_id{1});
    model.reset();
    in.run_for(2h);
  }
};

template <class Rig>
void conforms() {
  for (auto const& each : tinykv::testing::executor_suite([] { return std::make_unique<Rig>(); })) {
    INFO(each.name);
    auto const found = each.run();
    INFO(found.text());
    CHECK(found.complaints().empty());
  }
}

}  // namespace

TEST_CASE("asio_executor keeps the promises of Executor", "[runtime][conformance]") { conforms<asio_rig>(); }
TEST_CASE("manual_executor keeps the promises of Executor", "[runtime][conformance]") { conforms<manual_rig>(); }
TEST_CASE("sim::executor keeps the promises of Executor", "[sim][conformance]") { conforms<sim_rig>(); }
