#include <tinykv/transport/websocket_rpc.hpp>

#include <tinykv/testing/conformance/rpc.hpp>

#include "support/catch.hpp"
#include "transport/support/net.hpp"

#include <boost/asio/ip/tcp.hpp>

using namespace tinykv;
using namespace tinykv::test;
using transport::close_reason;
using transport::port;
using transport::websocket_rpc;

namespace {

struct websocket_world {
  using model = websocket_rpc;
  net on;
  port client = std::move(*port::open(on.io, quick("")));
  port listening = std::move(*port::open(on.io, quick()));

  websocket_rpc caller() { return websocket_rpc{client}; }
  websocket_rpc server() { return websocket_rpc{listening}; }
  std::string endpoint() { return local(listening); }
  std::string nowhere() {
    auto gone = std::move(*port::open(on.io, quick()));
    return local(gone);
  }
  std::size_t request_bytes_max() { return quick().message_bytes_max - 64; }
  bool wait(std::function<bool()> const& fact) { return on.wait(fact); }
  duration elapsed() { return std::chrono::steady_clock::now().time_since_epoch(); }
};

/// A server that echoes or holds, and a client.
struct client_and_server {
  net on;
  port near, far;
  websocket_rpc client, server;
  std::vector<policy::rpc_reply> held;
  int requests = 0;

  explicit client_and_server(transport::port_options mine = quick(""), transport::port_options theirs = quick())
      : near(std::move(*port::open(on.io, std::move(mine)))),
        far(std::move(*port::open(on.io, std::move(theirs)))),
        client(near),
        server(far) {
    REQUIRE(server.serve([this](policy::rpc_request request, duration, policy::rpc_reply reply) {
      ++requests;
      if (request.method == 1) reply(std::move(request.body));
      else if (request.method == 2) held.push_back(std::move(reply));
    }));
  }
  using answer = std::shared_ptr<std::optional<result<bytes>>>;
  answer ask(std::uint16_t method, std::string body = {}, duration deadline = std::chrono::seconds{20}, std::string where = {}) {
    auto record = std::make_shared<std::optional<result<bytes>>>();
    client.call(where.empty() ? local(far) : where, {method, bytes::adopt(std::move(body))}, deadline,
                [record](result<bytes> outcome) { *record = std::move(outcome); });
    return record;
  }
  bool wait(answer const& a) {
    return on.wait([&] { return a->has_value(); });
  }
  static bool failed(answer const& a, outcome how, error_code why) {
    return *a && !**a && (**a).error().outcome == how && (**a).error().code == why;
  }
};

}  // namespace

TEST_CASE("websocket_rpc keeps the contract of an Rpc", "[transport][websocket][rpc]") {
  for (auto const& each : testing::rpc_suite<websocket_world>([] { return std::make_unique<websocket_world>(); })) {
    INFO(each.name);
    auto const found = each.run();
    INFO(found.text());
    CHECK(found.complaints().empty());
  }
}

TEST_CASE("all calls to an endpoint share one connection", "[transport][websocket][rpc]") {
  client_and_server in;
  std::vector<client_and_server::answer> all;
  for (int i = 0; i < 50; ++i) all.push_back(in.ask(1, std::to_string(i)));
  for (int i = 0; i < 50; ++i) {
    REQUIRE(in.wait(all[static_cast<std::size_t>(i)]));
    CHECK((**all[static_cast<std::size_t>(i)])->view() == std::to_string(i));
  }
  CHECK(in.near.counters().dialled == 1);
}

TEST_CASE("a call whose connection ends before it was handed over was certainly not done; after it, nobody knows",
          "[transport][websocket][rpc]") {
  client_and_server in;
  auto const open = in.ask(2);
  REQUIRE(in.on.wait([&] { return in.held.size() == 1; }));
  in.server.stop();
  REQUIRE(in.wait(open));
  CHECK(in.failed(open, outcome::unknown, error_code::unreachable));
  auto const later = in.ask(2);  // the port still listens, but serves no calls
  REQUIRE(in.wait(later));
  CHECK(in.failed(later, outcome::rejected, error_code::unreachable));
  CHECK(in.requests == 1);
  in.held[0](bytes::copy_of("too late"));  // must not touch anything
}

TEST_CASE("a call to something that takes connections and says nothing was not done", "[transport][websocket][rpc]") {
  client_and_server in;
  boost::asio::ip::tcp::acceptor deaf{in.on.io, {boost::asio::ip::make_address("127.0.0.1"), 0}};
  auto const where = "127.0.0.1:" + std::to_string(deaf.local_endpoint().port());
  auto const brief = in.ask(1, "x", std::chrono::milliseconds{50}, where);   // its own deadline
  auto const patient = in.ask(1, "x", std::chrono::seconds{20}, where);      // that of the handshake
  REQUIRE(in.wait(brief));
  CHECK_FALSE(patient->has_value());
  CHECK(in.failed(brief, outcome::rejected, error_code::unreachable));
  REQUIRE(in.wait(patient));
  CHECK(in.failed(patient, outcome::rejected, error_code::unreachable));
  CHECK(closed(in.near, close_reason::slow_handshake) == 1);
}

TEST_CASE("a call finds a server that has come back", "[transport][websocket][rpc][reconnect]") {
  client_and_server in;
  REQUIRE(in.wait(in.ask(1)));
  auto const again = quick(local(in.far));
  auto const where = local(in.far);
  in.server.stop();
  in.far.stop();
  auto const lost = in.ask(1, "", std::chrono::seconds{1}, where);
  REQUIRE(in.wait(lost));
  CHECK_FALSE(**lost);
  in.far = std::move(*port::open(in.on.io, again));
  in.server = websocket_rpc{in.far};
  REQUIRE(in.server.serve([](policy::rpc_request, duration, policy::rpc_reply reply) { reply(bytes::copy_of("new")); }));
  CHECK(in.on.wait([&] {
    auto const call = in.ask(1, "", std::chrono::seconds{1}, where);
    return in.wait(call) && **call;
  }));
}

TEST_CASE("a client of another cluster is told so, one of any is served", "[transport][websocket][rpc][identity]") {
  auto of = [](std::uint64_t cluster, std::string listen) {
    auto o = quick(std::move(listen));
    o.cluster = cluster_id{cluster};
    return o;
  };
  {
    client_and_server in{of(1, ""), of(2, "127.0.0.1:0")};
    auto const call = in.ask(1);
    REQUIRE(in.wait(call));
    CHECK(in.failed(call, outcome::rejected, error_code::foreign));
    auto const soon = in.ask(1);  // within the pause before the next attempt
    REQUIRE(in.wait(soon));
    CHECK(in.failed(soon, outcome::rejected, error_code::foreign));
    CHECK(in.requests == 0);
  }
  for (auto const& [mine, theirs] : {std::pair{0, 2}, {2, 0}, {2, 2}}) {
    client_and_server in{of(static_cast<std::uint64_t>(mine), ""), of(static_cast<std::uint64_t>(theirs), "127.0.0.1:0")};
    auto const call = in.ask(1);
    REQUIRE(in.wait(call));
    CHECK(**call);
  }
}

TEST_CASE("requests above calls_in_flight_max are busy on the caller's side", "[transport][websocket][rpc][bounds]") {
  auto few = quick("");
  few.calls_in_flight_max = 3;
  client_and_server in{few};
  for (int i = 0; i < 3; ++i) in.ask(2);
  auto const more = in.ask(1);
  REQUIRE(in.wait(more));
  CHECK(in.failed(more, outcome::rejected, error_code::busy));
  REQUIRE(in.on.wait([&] { return in.held.size() == 3; }));
  in.held[1](bytes{});
  in.on.rest(std::chrono::milliseconds{50});
  auto const again = in.ask(1);
  REQUIRE(in.wait(again));
  CHECK(**again);
}

TEST_CASE("requests above calls_in_flight_max are busy on the serving side, and answered or forgotten ones make room",
          "[transport][websocket][rpc][bounds]") {
  auto few = quick();
  few.calls_in_flight_max = 3;
  client_and_server in{quick(""), few};
  for (int i = 0; i < 3; ++i) in.ask(2);
  auto const more = in.ask(1);
  REQUIRE(in.wait(more));
  CHECK(in.failed(more, outcome::rejected, error_code::busy));
  CHECK(in.far.counters().calls_refused == 1);
  in.held.erase(in.held.begin());  // the handler forgets it
  for (int i = 0; i < 5; ++i) {
    auto const again = in.ask(1);  // takes the free place and gives it back
    REQUIRE(in.wait(again));
    CHECK(**again);
  }
}

TEST_CASE("bodies above call_bytes_in_flight_max are busy", "[transport][websocket][rpc][bounds]") {
  auto small = quick();
  small.call_bytes_in_flight_max = 1000;
  client_and_server in{quick(""), small};
  in.ask(2, std::string(600, 'x'));
  auto const fits = in.ask(1, std::string(400, 'x'));
  auto const more = in.ask(1, std::string(401, 'x'));
  REQUIRE(in.wait(fits));
  REQUIRE(in.wait(more));
  CHECK(**fits);
  CHECK(in.failed(more, outcome::rejected, error_code::busy));
}

TEST_CASE("a reply that is too large is said to be, and the request may have been done", "[transport][websocket][rpc][bounds]") {
  auto small = quick();
  small.message_bytes_max = 10000;
  client_and_server in{quick(""), small};
  in.server.stop();
  websocket_rpc other{in.far};
  REQUIRE(other.serve([](policy::rpc_request, duration, policy::rpc_reply reply) { reply(bytes::adopt(std::string(10001, 'x'))); }));
  auto const call = in.ask(1);
  REQUIRE(in.wait(call));
  CHECK(in.failed(call, outcome::unknown, error_code::too_large));
}

TEST_CASE("connections_max holds for dialling too", "[transport][websocket][rpc][bounds]") {
  auto one = quick("");
  one.connections_max = 1;
  client_and_server in{one};
  auto other = std::move(*port::open(in.on.io, quick()));
  REQUIRE(in.wait(in.ask(1)));
  auto const more = in.ask(1, "", std::chrono::seconds{1}, local(other));
  REQUIRE(in.wait(more));
  CHECK(in.failed(more, outcome::rejected, error_code::busy));
}

TEST_CASE("clients above clients_max are turned away, and find room again", "[transport][websocket][rpc][bounds]") {
  auto one = quick();
  one.clients_max = 1;
  client_and_server in{quick(""), one};
  REQUIRE(in.wait(in.ask(1)));
  auto near = std::move(*port::open(in.on.io, quick("")));
  websocket_rpc other{near};
  auto const try_it = [&] {
    std::optional<result<bytes>> got;
    other.call(local(in.far), {1, {}}, std::chrono::seconds{5}, [&](result<bytes> outcome) { got = std::move(outcome); });
    in.on.wait([&] { return got.has_value(); });
    return got && *got;
  };
  CHECK_FALSE(try_it());
  in.client.stop();
  CHECK(in.on.wait(try_it));
}

TEST_CASE("a handler may stop its own server, and a reply its own client", "[transport][websocket][rpc][stop]") {
  client_and_server in;
  in.server.stop();
  websocket_rpc other{in.far};
  REQUIRE(other.serve([&](policy::rpc_request, duration, policy::rpc_reply reply) {
    other.stop();
    reply(bytes{});
  }));
  bool answered = false;
  in.client.call(local(in.far), {1, {}}, std::chrono::seconds{5}, [&](result<bytes> outcome) {
    CHECK_FALSE(outcome);
    answered = true;
    in.client.stop();
  });
  CHECK(in.on.wait([&] { return answered; }));
}

TEST_CASE("without a listener a port still calls, and after stop the io_context runs out of work", "[transport][websocket][rpc][stop]") {
  client_and_server in;
  CHECK(in.near.number() == 0);
  CHECK(in.near.advertised().empty());
  REQUIRE(in.wait(in.ask(1)));
  in.ask(2);
  in.on.rest(std::chrono::milliseconds{20});
  in.client.stop();
  in.server.stop();
  in.near.stop();
  in.far.stop();
  auto const begin = std::chrono::steady_clock::now();
  in.on.io.restart();
  in.on.io.run_for(std::chrono::seconds{5});
  CHECK(in.on.io.stopped());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{1});
}
