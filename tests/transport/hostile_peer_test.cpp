#include <tinykv/transport/websocket.hpp>
#include <tinykv/transport/websocket_rpc.hpp>

#include <tinykv/core/random.hpp>
#include <tinykv/testing/conformance/transport.hpp>
#include <tinykv/wire/frame.hpp>
#include <tinykv/wire/peer.hpp>
#include <tinykv/wire/rpc.hpp>

#include "support/catch.hpp"
#include "transport/support/raw_client.hpp"

using namespace tinykv;
using namespace tinykv::test;
using raft::priority;
using transport::close_reason;
using transport::port;
using wire::frame_kind;

namespace {

store_identity start_of(std::uint64_t id) {
  return {cluster_id{1}, store_id{id}, {}, consensus_kind::raft, {1, id}};
}
std::string frame(frame_kind kind, std::string_view piece, bool more = false, priority of = priority::normal) {
  auto const head = wire::encode(wire::frame_header{kind, of, more});
  return std::string{head.data(), head.size()}.append(piece);
}
std::string hello(std::uint64_t from = 2) {
  return frame(frame_kind::hello, wire::encode(wire::hello{start_of(from), store_id{1}}));
}
std::string mail(std::uint64_t n) {
  raft::message m;
  m.from = peer_id{1};
  m.to = peer_id{2};
  m.round = n;
  return wire::encode(raft::envelope{priority::normal, {{group_id{1}, m}}}).at(0);
}

/// Store 1, also serving calls, at the mercy of raw clients.
struct victim {
  net on;
  testing::recording_sink sink;
  port here;
  transport::websocket store;
  transport::websocket_rpc rpc;
  std::vector<policy::rpc_reply> held;

  explicit victim(transport::port_options options = quick()) : here(std::move(*port::open(on.io, options))), store(here, {}), rpc(here) {
    REQUIRE(store.start(start_of(1), sink));
    REQUIRE(rpc.serve([this](policy::rpc_request request, duration, policy::rpc_reply reply) {
      if (request.method == 3) reply(bytes::adopt(std::string(1U << 20, 'x')));
      else held.push_back(std::move(reply));
    }));
  }
  raw_client connect(std::string const& path = "/peer") {
    raw_client client{on, here.number()};
    REQUIRE(client.upgrade(path));
    return client;
  }
  /// A store that has been let in.
  raw_client let_in(std::uint64_t from = 2) {
    auto client = connect();
    client.message(hello(from));
    auto const before = sink.greetings.size();
    REQUIRE(on.wait([&] { return sink.greetings.size() > before; }));
    sink.judge();
    auto const verdict = client.wait_frame();
    REQUIRE(verdict);
    REQUIRE(verdict->payload == frame(frame_kind::verdict, wire::encode_verdict(std::nullopt), false, priority::urgent));
    return client;
  }
  std::uint64_t ended(close_reason why) const { return closed(here, why); }
  /// Nobody else suffers.
  void still_serves() {
    auto client = let_in(7);
    sink.mails.clear();
    client.message(frame(frame_kind::mail, mail(77)));
    CHECK(on.wait([&] { return sink.mails.size() == 1; }));
  }
};

}  // namespace

TEST_CASE("a hello of another protocol version is refused with a verdict that says so", "[transport][websocket][hostile]") {
  victim v;
  auto client = v.connect();
  client.message(frame(frame_kind::hello, "\x08\x02"));
  auto const verdict = client.wait_frame();
  REQUIRE(verdict);
  auto const refusal = wire::decode_verdict(std::string_view{verdict->payload}.substr(2));
  REQUIRE(refusal);
  CHECK((*refusal)->code == error_code::version_mismatch);
  CHECK((*refusal)->hint == 2);
  CHECK(client.wait_farewell() == std::pair{1008, std::string{"refused"}});
  CHECK(v.ended(close_reason::refused) == 1);
  CHECK(v.sink.greetings.empty());

  auto caller = v.connect("/rpc");
  caller.message(frame(frame_kind::hello, "\x08\x02"));
  CHECK(caller.wait_farewell().first == 1008);
  v.still_serves();
}

TEST_CASE("first messages that are no hello end the connection as malformed", "[transport][websocket][hostile]") {
  victim v;
  std::uint64_t count = 0;
  for (auto const& first : {std::string{}, std::string{"\1"}, frame(frame_kind::hello, ""), frame(frame_kind::hello, "garbage"),
                            frame(frame_kind::mail, mail(1)), frame(frame_kind::verdict, wire::encode_verdict(std::nullopt)),
                            std::string{"\x06\x00", 2}, std::string{"\x01\x03", 2}, frame(frame_kind::hello, "", true)}) {
    for (auto const* path : {"/peer", "/rpc"}) {
      auto client = v.connect(path);
      client.message(first);
      CHECK(client.wait_farewell() == std::pair{1002, std::string{"malformed"}});
      CHECK(v.ended(close_reason::malformed) == ++count);
    }
  }
  CHECK(v.sink.greetings.empty());
  v.still_serves();
}

TEST_CASE("messages that do not belong after the hello end the connection as malformed", "[transport][websocket][hostile]") {
  victim v;
  std::uint64_t count = 0;
  for (auto const& next : {hello(), frame(frame_kind::mail, "garbage"), frame(frame_kind::call, ""), std::string{"\3"}}) {
    auto client = v.let_in();
    client.message(next);
    CHECK(client.wait_farewell().first == 1002);
    CHECK(v.ended(close_reason::malformed) == ++count);
  }
  auto client = v.let_in();
  client.message(frame(frame_kind::mail, "one", true));
  client.message(frame(frame_kind::hello, "two"));  // of the same priority
  CHECK(client.wait_farewell().first == 1002);
  CHECK(v.sink.mails.empty());
  v.still_serves();
}

TEST_CASE("what comes before the verdict is not read", "[transport][websocket][hostile]") {
  victim v;
  auto client = v.connect();
  client.message(hello());
  client.message(frame(frame_kind::mail, mail(1)));
  REQUIRE(v.on.wait([&] { return v.sink.greetings.size() == 1; }));
  v.on.rest(std::chrono::milliseconds{50});
  CHECK(v.sink.mails.empty());
  v.sink.judge();
  CHECK(v.on.wait([&] { return v.sink.mails.size() == 1; }));
}

TEST_CASE("a text message ends the connection", "[transport][websocket][hostile]") {
  victim v;
  auto client = v.let_in();
  client.send(raw_client::websocket_frame("text", 1));
  CHECK(client.wait_farewell() == std::pair{1003, std::string{"text_frame"}});
  CHECK(v.ended(close_reason::text_frame) == 1);
}

TEST_CASE("a frame of a huge declared length ends the connection before anything of it is read", "[transport][websocket][hostile][bounds]") {
  victim v;
  for (auto const size : {std::uint64_t{quick().frame_bytes_max + 1}, std::uint64_t{1} << 40, (std::uint64_t{1} << 63) - 1}) {
    auto client = v.let_in();
    client.send(raw_client::websocket_frame("", 2, size));
    CHECK(client.wait_farewell().first == 1009);
    CHECK(client.wait_closed());
  }
  CHECK(v.on.wait([&] { return v.ended(close_reason::too_large) == 3; }));
  v.still_serves();
}

TEST_CASE("a message of too many frames ends the connection", "[transport][websocket][hostile][bounds]") {
  auto options = quick();
  options.message_bytes_max = 10000;
  victim v{options};
  auto client = v.let_in();
  for (int i = 0; i < 11; ++i) client.message(frame(frame_kind::mail, std::string(1000, 'x'), true));
  CHECK(client.wait_farewell() == std::pair{1009, std::string{"too_large"}});
  CHECK(v.ended(close_reason::too_large) == 1);
}

TEST_CASE("who has not greeted fills no memory", "[transport][websocket][hostile][bounds]") {
  victim v;
  auto client = v.connect();
  for (int i = 0; i < 7; ++i) client.message(frame(frame_kind::hello, std::string(10000, 'x'), true));
  CHECK(client.wait_farewell() == std::pair{1009, std::string{"too_large"}});
  CHECK(v.ended(close_reason::too_large) == 1);
  v.still_serves();
}

TEST_CASE("broken websocket framing ends the connection", "[transport][websocket][hostile]") {
  victim v;
  // Reserved bits; no mask; a length that is not stated in the fewest bytes.
  for (auto const& wrong : {std::string{"\xf2\x80\0\0\0\0", 6}, std::string{"\x82\x01x", 3},
                            std::string{"\x82\xfe\0\x01\0\0\0\0x", 9}}) {
    auto client = v.let_in();
    client.send(wrong);
    CHECK(client.wait_farewell().first == 1002);
    CHECK(client.wait_closed());
  }
  CHECK(v.on.wait([&] { return v.ended(close_reason::malformed) == 3; }));
  v.still_serves();
}

TEST_CASE("a websocket that says no hello, or is not judged, is closed after handshake_deadline", "[transport][websocket][hostile][bounds]") {
  auto options = quick();
  options.handshake_deadline = std::chrono::milliseconds{500};
  victim v{options};
  auto mute = v.connect();
  auto mute_caller = v.connect("/rpc");
  auto waiting = v.connect();
  waiting.message(hello());
  REQUIRE(v.on.wait([&] { return v.sink.greetings.size() == 1; }));
  CHECK(mute.wait_closed());
  CHECK(mute_caller.wait_closed());
  CHECK(waiting.wait_closed());
  CHECK(v.ended(close_reason::slow_handshake) == 3);
  v.sink.judge();  // too late
  CHECK(v.on.wait([&] { return v.here.connections() == 0; }));
  v.still_serves();
}

TEST_CASE("a peer that gives no sign of life is closed after idle_deadline; one that answers pings is not",
          "[transport][websocket][hostile][bounds]") {
  auto options = quick();
  options.idle_deadline = std::chrono::seconds{1};
  victim v{options};
  auto silent = v.let_in(2);
  auto alive = v.let_in(3);
  int turn = 0;
  REQUIRE(v.on.wait([&] {
    alive.read();
    if (turn++ % 50 == 0) alive.send(raw_client::websocket_frame("", 10));  // pong
    return v.ended(close_reason::silent) == 1;
  }));
  CHECK(silent.wait_closed());
  CHECK_FALSE(alive.closed());
}

TEST_CASE("a reset in the middle of a frame is the end of that connection alone", "[transport][websocket][hostile]") {
  victim v;
  auto other = v.let_in(3);
  auto client = v.let_in(2);
  client.send(raw_client::websocket_frame("half", 2, 1000));
  v.on.rest(std::chrono::milliseconds{10});
  client.reset();
  CHECK(v.on.wait([&] { return v.ended(close_reason::network) == 1; }));
  other.message(frame(frame_kind::mail, mail(1)));
  CHECK(v.on.wait([&] { return v.sink.mails.size() == 1; }));
}

TEST_CASE("a store that connects anew ends its earlier connection", "[transport][websocket][hostile]") {
  victim v;
  auto old = v.let_in(2);
  auto fresh = v.let_in(2);
  CHECK(old.wait_farewell() == std::pair{1000, std::string{"replaced"}});
  fresh.message(frame(frame_kind::mail, mail(1)));
  CHECK(v.on.wait([&] { return v.sink.mails.size() == 1; }));
  // One that is refused ends nothing.
  v.sink.verdict = [](store_identity const&) { return rejected(error_code::identity_refused, "no"); };
  auto impostor = v.connect();
  impostor.message(hello(2));
  REQUIRE(v.on.wait([&] { return v.sink.greetings.size() == 3; }));
  v.sink.judge();
  CHECK(impostor.wait_farewell().first == 1008);
  fresh.message(frame(frame_kind::mail, mail(2)));
  CHECK(v.on.wait([&] { return v.sink.mails.size() == 2; }));
}

TEST_CASE("a client that reuses the number of an open call is malformed", "[transport][websocket][rpc][hostile]") {
  victim v;
  auto client = v.connect("/rpc");
  client.message(frame(frame_kind::hello, wire::encode(wire::client_hello{})));
  auto const call = frame(frame_kind::call, wire::encode(wire::call{1, 2, std::chrono::seconds{1}, {}}));
  client.message(call);
  REQUIRE(v.on.wait([&] { return v.held.size() == 1; }));
  client.message(call);
  CHECK(client.wait_farewell().first == 1002);
  CHECK(v.held.size() == 1);
  v.held[0](bytes{});
}

TEST_CASE("a client that does not take its answers is closed: the queue has a bound, a write a deadline",
          "[transport][websocket][rpc][hostile][bounds]") {
  auto options = quick();
  bool const by_time = GENERATE(true, false);
  options.write_deadline = by_time ? std::chrono::milliseconds{200} : std::chrono::milliseconds{60000};
  options.queue_bytes_max = by_time ? 1U << 30 : 4U << 20;
  victim v{options};
  auto client = v.connect("/rpc");
  client.message(frame(frame_kind::hello, wire::encode(wire::client_hello{})));
  for (std::uint64_t id = 1; id <= 40; ++id)
    client.message(frame(frame_kind::call, wire::encode(wire::call{id, 3, std::chrono::seconds{60}, {}})));
  CHECK(v.on.wait([&] { return v.ended(by_time ? close_reason::write_stalled : close_reason::queue_full) == 1; }));
  v.still_serves();
}

TEST_CASE("no bytes do more than end their own connection", "[transport][websocket][hostile][fuzz]") {
  victim v;
  tinykv::random draw{5};
  for (int round = 0; round < 300; ++round) {
    auto client = round % 3 == 0 ? v.connect("/rpc") : round % 3 == 1 ? v.connect() : v.let_in();
    std::vector<std::string> const seeds{hello(), frame(frame_kind::mail, mail(1)), frame(frame_kind::hello, wire::encode(wire::client_hello{})),
                                         frame(frame_kind::call, wire::encode(wire::call{1, 2, duration{3}, {}}))};
    for (auto count = draw.between(1, 4); count > 0; --count) {
      auto data = raw_client::websocket_frame(seeds[draw.below(seeds.size())]);
      for (auto changes = draw.below(4); changes > 0; --changes) {
        auto const at = draw.below(data.size());
        data[at] = static_cast<char>(draw.next());
      }
      client.send(data);
      v.on.io.poll();
    }
    client.read();
    if (draw.chance(500)) client.reset();
    v.sink.judge();
  }
  v.still_serves();
}
