#include <tinykv/transport/loopback_rpc.hpp>

#include <tinykv/runtime/manual_executor.hpp>
#include <tinykv/testing/conformance/rpc.hpp>

#include "support/catch.hpp"

using namespace tinykv;
using transport::loopback_rpc;

namespace {

struct loopback_world {
  using model = loopback_rpc;
  runtime::manual_executor calling, serving;
  loopback_rpc::hub hub;

  loopback_rpc caller() { return {hub, "", calling}; }
  loopback_rpc server() { return {hub, "server", serving}; }
  std::string endpoint() { return "server"; }
  std::string nowhere() { return "nowhere"; }
  std::size_t request_bytes_max() { return loopback_rpc::options{}.request_bytes_max; }
  bool wait(std::function<bool()> const& fact) {
    for (int i = 0; i < 100000; ++i) {
      if (fact()) return true;
      if (!calling.run_one() && !serving.run_one()) {
        calling.advance(std::chrono::milliseconds{1});
        serving.advance(std::chrono::milliseconds{1});
      }
    }
    return false;
  }
  duration elapsed() { return calling.now().since_start; }
};

}  // namespace

TEST_CASE("loopback_rpc keeps the contract of an Rpc", "[transport][loopback][rpc]") {
  for (auto const& each : testing::rpc_suite<loopback_world>([] { return std::make_unique<loopback_world>(); })) {
    INFO(each.name);
    auto const found = each.run();
    INFO(found.text());
    CHECK(found.complaints().empty());
  }
}

TEST_CASE("calls above the bound of a handle are busy, and answered ones make room", "[transport][loopback][rpc]") {
  runtime::manual_executor executor;
  loopback_rpc::hub hub{{.request_bytes_max = 10, .in_flight_max = 2}};
  loopback_rpc caller{hub, "", executor}, server{hub, "s", executor};
  std::vector<policy::rpc_reply> held;
  REQUIRE(server.serve([&](policy::rpc_request, duration, policy::rpc_reply reply) { held.push_back(std::move(reply)); }));
  int busy = 0, ok = 0;
  auto const ask = [&] {
    caller.call("s", {1, {}}, std::chrono::seconds{1}, [&](result<bytes> r) {
      if (r) ++ok;
      else if (r.error() == rejected(error_code::busy, r.error().detail, 2)) ++busy;
    });
  };
  ask(), ask(), ask();
  executor.run_all();
  CHECK(busy == 1);
  REQUIRE(held.size() == 2);
  held[0](bytes{});
  executor.run_all();
  CHECK(ok == 1);
  ask();
  executor.run_all();
  CHECK(held.size() == 3);
  CHECK(busy == 1);
}

TEST_CASE("an endpoint is served by one handle, and free again after its stop", "[transport][loopback][rpc]") {
  runtime::manual_executor executor;
  loopback_rpc::hub hub;
  loopback_rpc one{hub, "s", executor}, two{hub, "s", executor};
  auto const handler = [](policy::rpc_request, duration, policy::rpc_reply) {};
  REQUIRE(one.serve(handler));
  CHECK(two.serve(handler).error().code == error_code::locked);
  one.stop();
  CHECK(one.serve(handler).error().code == error_code::stopped);
  CHECK(two.serve(handler));
}
