#include <tinykv/transport/websocket.hpp>
#include <tinykv/transport/websocket_rpc.hpp>

#include <tinykv/testing/conformance/transport.hpp>
#include <tinykv/wire/frame.hpp>
#include <tinykv/wire/peer.hpp>
#include <tinykv/wire/rpc.hpp>

#include "support/catch.hpp"
#include "transport/support/raw_client.hpp"

#include <deque>

// Many connections that mean no good, together: what a process holds is bounded, and stores hear each other.

using namespace tinykv;
using namespace tinykv::test;
using raft::priority;
using transport::close_reason;
using transport::port;
using wire::frame_kind;

namespace {

constexpr std::size_t piece_bytes = 200U << 10;

store_identity start_of(std::uint64_t id) {
  return {cluster_id{1}, store_id{id}, {}, consensus_kind::raft, {1, id}};
}
std::string frame(frame_kind kind, std::string_view piece, bool more = false, priority of = priority::normal) {
  auto const head = wire::encode(wire::frame_header{kind, of, more});
  return std::string{head.data(), head.size()}.append(piece);
}
std::string heartbeat(std::uint64_t n) {
  raft::message m;
  m.from = peer_id{1};
  m.to = peer_id{2};
  m.round = n;
  return frame(frame_kind::mail, wire::encode(raft::envelope{priority::urgent, {{group_id{1}, m}}}).at(0), false, priority::urgent);
}
std::string call(std::uint64_t id, std::uint16_t method, std::size_t size = 0) {
  return wire::encode(wire::call{id, method, std::chrono::seconds{60}, bytes::adopt(std::string(size, 'x'))});
}

/// Store 1, which also serves calls: 2 waits until the test answers, 3 is answered with 1 MiB, others at once with nothing.
struct victim {
  net on;
  testing::recording_sink sink;
  port here;
  transport::websocket store;
  transport::websocket_rpc rpc;
  std::vector<policy::rpc_reply> held;

  explicit victim(transport::port_options options) : here(std::move(*port::open(on.io, options))), store(here, {}), rpc(here) {
    REQUIRE(store.start(start_of(1), sink));
    REQUIRE(rpc.serve([this](policy::rpc_request request, duration, policy::rpc_reply reply) {
      if (request.method == 2) held.push_back(std::move(reply));
      else reply(request.method == 3 ? bytes::adopt(std::string(1U << 20, 'x')) : bytes{});
    }));
  }
  raw_client store_let_in(std::uint64_t id) {
    raw_client client{on, here.number()};
    REQUIRE(client.upgrade("/peer"));
    auto const before = sink.greetings.size();
    client.message(frame(frame_kind::hello, wire::encode(wire::hello{start_of(id), store_id{1}})));
    REQUIRE(on.wait([&] { return sink.greetings.size() > before; }));
    sink.judge();
    REQUIRE(client.wait_frame());
    return client;
  }
  raw_client client_let_in() {
    raw_client client{on, here.number()};
    REQUIRE(client.upgrade("/rpc"));
    client.message(frame(frame_kind::hello, wire::encode(wire::client_hello{})));
    REQUIRE(client.wait_frame());
    return client;
  }
  bool hears(raw_client& other) {
    auto const before = sink.mails.size();
    other.message(heartbeat(before));
    return on.wait([&] { return sink.mails.size() == before + 1; });
  }
  bool serves(raw_client& client, std::uint64_t id) {
    client.message(frame(frame_kind::call, call(id, 1)));
    auto const got = client.wait_frame();
    if (!got || got->opcode != 2) return false;
    auto const answer = wire::decode_answer(std::string_view{got->payload}.substr(2));
    return answer && answer->id == id && answer->outcome;
  }
  std::uint64_t ended(close_reason why) const { return closed(here, why); }
};

transport::port_options small_budget() {
  auto options = quick();
  options.bytes_max = 4U << 20;
  return options;
}

}  // namespace

TEST_CASE("connections that say nothing do not keep a store out", "[transport][websocket][hostile][bounds]") {
  auto options = quick();
  options.handshake_deadline = std::chrono::seconds{60};  // so that only the bound can help
  options.connections_max = 24;
  options.strangers_max = 8;
  options.clients_max = 8;
  victim v{options};
  auto friendly = v.store_let_in(2);
  auto client = v.client_let_in();
  bool const asked = GENERATE(false, true);  // silent from the first byte, or after the upgrade
  std::deque<raw_client> silent;
  for (int i = 0; i < 60; ++i) {
    silent.emplace_back(v.on, v.here.number());
    if (asked) REQUIRE(silent.back().upgrade(i % 2 == 0 ? "/peer" : "/rpc"));
    else v.on.rest(std::chrono::milliseconds{1});
  }
  REQUIRE(v.on.wait([&] { return v.here.counters().crowded_out == 52; }));
  CHECK(v.on.wait([&] { return v.here.connections() == 10; }));
  CHECK(v.here.counters().turned_away == 0);
  CHECK(silent.front().wait_closed());
  silent.back().read();
  CHECK_FALSE(silent.back().closed());  // the oldest goes, not the newest
  CHECK(v.ended(close_reason::crowded_out) == (asked ? 52 : 0));

  auto fresh = v.store_let_in(3);  // a stranger for as long as its greeting takes
  CHECK(v.hears(fresh));
  CHECK(v.hears(friendly));
  CHECK(v.serves(client, 1));
  auto another = v.client_let_in();
  CHECK(v.serves(another, 1));
}

TEST_CASE("who was let in is no stranger, however many there are", "[transport][websocket][bounds]") {
  auto options = quick();
  options.strangers_max = 1;
  victim v{options};
  std::deque<raw_client> all;
  for (std::uint64_t n = 0; n < 10; ++n) all.push_back(n % 2 == 0 ? v.store_let_in(n + 2) : v.client_let_in());
  CHECK(v.here.counters().crowded_out == 0);
  for (std::size_t n = 0; n < 10; ++n) CHECK((n % 2 == 0 ? v.hears(all[n]) : v.serves(all[n], 1)));
}

TEST_CASE("messages that never become whole hold no more than bytes_max together; the heaviest client goes", "[transport][websocket][hostile][bounds]") {
  victim v{small_budget()};
  auto friendly = v.store_let_in(2);
  auto modest = v.client_let_in();
  modest.message(frame(frame_kind::call, std::string(10000, 'x'), true));
  std::deque<raw_client> greedy;
  std::size_t most = 0;
  for (int n = 0; n < 8; ++n) {
    greedy.push_back(v.client_let_in());
    for (int i = 0; i < 9; ++i) {
      greedy.back().message(frame(frame_kind::call, std::string(piece_bytes, 'x'), true));
      v.on.rest(std::chrono::milliseconds{2});
      most = std::max(most, v.here.bytes_held());
    }
    CHECK(v.hears(friendly));
  }
  CHECK(most > small_budget().bytes_max / 2);
  CHECK(most <= small_budget().bytes_max);
  CHECK(v.on.wait([&] { return v.ended(close_reason::over_budget) >= 5; }));
  CHECK(v.ended(close_reason::over_budget) <= 8);
  modest.read();
  CHECK_FALSE(modest.closed());
  for (auto& each : greedy) each.reset();
  modest.reset();
  REQUIRE(v.on.wait([&] { return v.here.connections() == 1; }));
  CHECK(v.here.bytes_held() < 64U << 10);
}

TEST_CASE("a frame that never becomes whole is counted, and what it declares takes nothing", "[transport][websocket][hostile][bounds]") {
  victim v{small_budget()};
  std::deque<raw_client> all;
  for (int n = 0; n < 40; ++n) {
    all.push_back(v.client_let_in());
    all.back().send(raw_client::websocket_frame(frame(frame_kind::call, "x", true), 2, piece_bytes));
  }
  v.on.rest(std::chrono::milliseconds{20});
  CHECK(v.here.bytes_held() < 40 * (70U << 10));
  CHECK(v.ended(close_reason::over_budget) == 0);
  for (auto& each : all) each.send(std::string(piece_bytes - 100, 'x'));
  CHECK(v.on.wait([&] { return v.ended(close_reason::over_budget) > 10; }));
  CHECK(v.here.bytes_held() <= small_budget().bytes_max);
}

TEST_CASE("a client that has its answer costs next to nothing", "[transport][websocket][rpc][bounds]") {
  victim v{small_budget()};
  std::deque<raw_client> all;
  for (std::uint64_t n = 0; n < 20; ++n) {
    all.push_back(v.client_let_in());
    auto const body = call(1, 1, 5 * piece_bytes);
    for (std::size_t at = 0; at < body.size(); at += piece_bytes)
      all.back().message(frame(frame_kind::call, body.substr(at, piece_bytes), at + piece_bytes < body.size()));
    REQUIRE(all.back().wait_frame());
    CHECK(v.here.bytes_held() < (n + 1) * (10U << 10));
  }
  CHECK(v.ended(close_reason::over_budget) == 0);
}

TEST_CASE("calls that fill half of bytes_max make more of them busy, until others have their answer",
          "[transport][websocket][rpc][bounds]") {
  victim v{small_budget()};
  auto friendly = v.store_let_in(2);
  std::deque<raw_client> all;
  for (std::uint64_t n = 0; n < 15; ++n) {
    all.push_back(v.client_let_in());
    all.back().message(frame(frame_kind::call, call(1, 2, piece_bytes)));
    v.on.rest(std::chrono::milliseconds{5});
  }
  REQUIRE(v.on.wait([&] { return v.held.size() + v.here.counters().calls_refused == 15; }));
  CHECK(v.held.size() == 10);  // 2 MiB
  auto const got = all.back().wait_frame();
  REQUIRE(got);
  auto const answer = wire::decode_answer(std::string_view{got->payload}.substr(2));
  REQUIRE(answer);
  CHECK(answer->outcome.error().code == error_code::busy);
  CHECK(answer->outcome.error().outcome == outcome::rejected);
  CHECK(v.hears(friendly));
  CHECK(v.ended(close_reason::over_budget) == 0);

  // A client that leaves frees nothing that is still at work.
  auto const before = v.here.bytes_held();
  all.front().reset();
  REQUIRE(v.on.wait([&] { return v.here.connections() == 15; }));
  CHECK(v.here.bytes_held() + (16U << 10) > before);
  for (auto& reply : std::exchange(v.held, {})) reply(bytes{});
  CHECK(v.here.bytes_held() < 256U << 10);
  CHECK(v.serves(all.back(), 2));
}

TEST_CASE("answers that nobody takes are counted, and end with their client", "[transport][websocket][rpc][hostile][bounds]") {
  auto options = small_budget();
  options.queue_bytes_max = 1U << 30;
  victim v{options};
  auto friendly = v.store_let_in(2);
  auto client = v.client_let_in();
  for (std::uint64_t id = 1; id <= 40 && v.ended(close_reason::over_budget) == 0; ++id) {
    client.message(frame(frame_kind::call, call(id, 3)));
    v.on.rest(std::chrono::milliseconds{1});
    CHECK(v.here.bytes_held() <= options.bytes_max);
  }
  CHECK(v.on.wait([&] { return v.ended(close_reason::over_budget) == 1; }));
  CHECK(v.hears(friendly));
  auto another = v.client_let_in();
  CHECK(v.serves(another, 1));
}
