#include <tinykv/transport/websocket.hpp>

#include <tinykv/testing/conformance/transport.hpp>

#include "support/catch.hpp"
#include "transport/support/net.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <map>

using namespace tinykv;
using namespace tinykv::test;
using transport::close_reason;
using transport::port;
using transport::websocket;

namespace {

struct websocket_world {
  using model = websocket;
  net on;
  std::map<store_id, port> ports;
  std::map<store_id, std::string> peers;

  websocket_world() {
    for (std::uint64_t id = 1; id <= 3; ++id) {
      ports.emplace(store_id{id}, std::move(*port::open(on.io, quick())));
      peers[store_id{id}] = local(ports.at(store_id{id}));
    }
  }
  websocket open(store_id self) {
    auto others = peers;
    others.erase(self);
    return {ports.at(self), others};
  }
  bool wait(std::function<bool()> const& fact) { return on.wait(fact); }
};

store_identity start_of(std::uint64_t id, std::uint64_t cluster = 1) {
  return {cluster_id{cluster}, store_id{id}, {}, consensus_kind::raft, {1, id}};
}
policy::envelope mail(std::uint64_t n, policy::priority priority = policy::priority::normal, std::size_t size = 0) {
  raft::message m;
  m.kind = raft::message_kind::append;
  m.from = peer_id{1};
  m.to = peer_id{2};
  m.round = n;
  if (size != 0) m.entries = {{log_index{1}, term{1}, raft::entry_kind::command, bytes::adopt(std::string(size, 'x'))}};
  return {priority, {{group_id{1}, m}}};
}

/// Two stores with a port each.
struct pair_of_stores {
  net on;
  testing::recording_sink one, two;
  port first, second;
  websocket a, b;

  explicit pair_of_stores(transport::port_options sender = quick(), transport::port_options receiver = quick(),
                          store_identity who = start_of(1))
      : first(std::move(*port::open(on.io, sender))),
        second(std::move(*port::open(on.io, receiver))),
        a(first, {{store_id{2}, local(second)}}),
        b(second, {}) {
    REQUIRE(a.start(who, one));
    REQUIRE(b.start(start_of(2), two));
  }
  bool wait(std::function<bool()> const& fact) {
    return on.wait([&] {
      two.judge();
      return fact();
    });
  }
  void connect() {
    a.send(store_id{2}, mail(0));
    REQUIRE(wait([&] { return two.mails.size() == 1; }));
    two.mails.clear();
  }
};

}  // namespace

TEST_CASE("websocket keeps the contract of a Transport", "[transport][websocket]") {
  for (auto const& each : testing::transport_suite<websocket_world>([] { return std::make_unique<websocket_world>(); })) {
    INFO(each.name);
    auto const found = each.run();
    INFO(found.text());
    CHECK(found.complaints().empty());
  }
}

TEST_CASE("the first mail to a store that listens is not lost, though it has to dial first", "[transport][websocket]") {
  pair_of_stores in;
  for (std::uint64_t n = 1; n <= 20; ++n) in.a.send(store_id{2}, mail(n));
  REQUIRE(in.wait([&] { return in.two.mails.size() == 20; }));
  for (std::size_t i = 0; i < 20; ++i) CHECK(in.two.mails[i].second == mail(i + 1));
  CHECK(in.first.counters().dialled == 1);
  CHECK(in.first.counters().mails_dropped == 0);
}

TEST_CASE("a store of another cluster is refused by name, and the sink is not asked", "[transport][websocket][identity]") {
  pair_of_stores in{quick(), quick(), start_of(1, 9)};
  in.a.send(store_id{2}, mail(1));
  REQUIRE(in.wait([&] { return !in.one.refusals.empty(); }));
  CHECK(in.one.refusals[0].first == store_id{2});
  CHECK(in.one.refusals[0].second.code == error_code::foreign);
  CHECK(in.two.greetings.empty());
  CHECK(closed(in.second, close_reason::refused) == 1);
  CHECK(in.wait([&] { return closed(in.first, close_reason::refused) == 1; }));
}

TEST_CASE("a store that is taken for another one refuses", "[transport][websocket][identity]") {
  pair_of_stores in;
  in.a.set_peer(store_id{3}, local(in.second));
  in.a.send(store_id{3}, mail(1));
  REQUIRE(in.wait([&] { return !in.one.refusals.empty(); }));
  CHECK(in.one.refusals[0].first == store_id{3});
  CHECK(in.one.refusals[0].second.code == error_code::identity_refused);
  CHECK(in.two.greetings.empty());
}

TEST_CASE("a store with the receiver's own id is refused", "[transport][websocket][identity]") {
  pair_of_stores in{quick(), quick(), start_of(2)};
  in.a.send(store_id{2}, mail(1));
  REQUIRE(in.wait([&] { return !in.one.refusals.empty(); }));
  CHECK(in.one.refusals[0].second.code == error_code::identity_refused);
}

TEST_CASE("a refused store tries again, but not without a pause", "[transport][websocket][identity]") {
  auto slow = quick();
  slow.reconnect_min = slow.reconnect_max = std::chrono::milliseconds{100};
  pair_of_stores in{slow};
  in.two.verdict = [](store_identity const&) { return rejected(error_code::identity_refused, "no"); };
  auto const begin = std::chrono::steady_clock::now();
  REQUIRE(in.wait([&] {
    in.a.send(store_id{2}, mail(1));
    return in.one.refusals.size() == 4;
  }));
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds{150});  // three pauses of at least half of 100
  CHECK(in.first.counters().dialled == 4);
}

TEST_CASE("what waits for the verdict leaves by priority", "[transport][websocket][priority]") {
  pair_of_stores in;
  in.two.judging = false;
  using enum policy::priority;
  std::uint64_t n = 0;
  for (auto const each : {bulk, normal, urgent, bulk, urgent, normal}) in.a.send(store_id{2}, mail(n++, each));
  REQUIRE(in.wait([&] { return !in.two.greetings.empty(); }));
  in.two.judging = true;
  REQUIRE(in.wait([&] { return in.two.mails.size() == 6; }));
  std::vector<std::uint64_t> order;
  for (auto const& each : in.two.mails) order.push_back(each.second.messages[0].message.round);
  CHECK(order == std::vector<std::uint64_t>{2, 4, 1, 5, 0, 3});
}

TEST_CASE("an urgent mail overtakes a large one between its frames", "[transport][websocket][priority]") {
  auto small = quick();
  small.frame_bytes_max = 4096;
  pair_of_stores in{small};
  in.connect();
  in.a.send(store_id{2}, mail(1, policy::priority::bulk, 1U << 20));
  in.a.send(store_id{2}, mail(2, policy::priority::urgent));
  REQUIRE(in.wait([&] { return in.two.mails.size() == 2; }));
  CHECK(in.two.mails[0].second == mail(2, policy::priority::urgent));
  CHECK(in.two.mails[1].second == mail(1, policy::priority::bulk, 1U << 20));
}

TEST_CASE("a full queue of snapshots does not delay a heartbeat by more than what has left", "[transport][websocket][priority][snapshot]") {
  net here, there;  // two home lanes: the receiver can stop reading
  auto options = quick();
  options.queue_bytes_max = 8U << 20;
  options.unsent_bytes_max = 64U << 10;
  auto first = std::move(*port::open(here.io, options));
  auto second = std::move(*port::open(there.io, quick()));
  testing::recording_sink one, two;
  websocket a{first, {{store_id{2}, local(second)}}}, b{second, {}};
  REQUIRE(a.start(start_of(1), one));
  REQUIRE(b.start(start_of(2), two));
  auto const both = [&](std::function<bool()> const& fact) {
    return there.wait([&] {
      here.io.restart();
      here.io.poll();
      two.judge();
      return fact();
    });
  };
  a.send(store_id{2}, mail(0));
  REQUIRE(both([&] { return two.mails.size() == 1; }));
  two.mails.clear();

  auto const piece = [](std::uint64_t n) {
    raft::snapshot_message m{peer_id{1}, peer_id{2}, term{1}, 7, {log_index{9}, term{1}}, 1U << 30, n << 16, bytes::adopt(std::string(65536, 'x'))};
    return policy::envelope{policy::priority::bulk, {}, {{group_id{1}, m}}};
  };
  std::uint64_t pieces = 0;
  while (first.counters().mails_dropped == 0) {  // until the queue is full
    a.send(store_id{2}, piece(pieces++));
    if (pieces % 16 == 0) here.rest(std::chrono::milliseconds{2});
  }
  here.rest(std::chrono::milliseconds{50});
  auto const left = first.counters().bytes_sent;
  CHECK(left < 2U << 20);  // the kernel holds little, though nobody takes it
  a.send(store_id{2}, mail(1, policy::priority::urgent));
  REQUIRE(both([&] { return two.mails.size() == pieces; }));  // all but the one that was dropped, and the heartbeat
  std::size_t before = 0;
  while (two.mails[before].second != mail(1, policy::priority::urgent)) ++before;
  CHECK(before <= left / 65536 + 1);  // one frame was being written
  for (std::uint64_t n = 0; n < pieces - 1; ++n) CHECK(two.mails[static_cast<std::size_t>(n < before ? n : n + 1)].second == piece(n));
}

TEST_CASE("many groups' messages of one turn arrive in order, in as many mails as the bounds ask for", "[transport][websocket]") {
  pair_of_stores in;
  policy::envelope large;
  for (std::uint64_t n = 0; n < 300; ++n) {
    large.messages.push_back(mail(n, policy::priority::normal, 10000).messages[0]);
    large.messages.back().group = group_id{n + 1};
  }
  in.a.send(store_id{2}, large);
  std::size_t arrived = 0;
  REQUIRE(in.wait([&] {
    arrived = 0;
    for (auto const& each : in.two.mails) arrived += each.second.messages.size();
    return arrived >= 300;
  }));
  CHECK(in.two.mails.size() > 10);
  std::uint64_t n = 0;
  for (auto const& each : in.two.mails)
    for (auto const& m : each.second.messages) CHECK(m == large.messages[n++]);
}

TEST_CASE("a mail above message_bytes_max is dropped and counted, and the next one arrives", "[transport][websocket][bounds]") {
  auto small = quick();
  small.message_bytes_max = 100000;
  pair_of_stores in{small, small};
  in.a.send(store_id{2}, mail(1, policy::priority::normal, 100000));
  in.a.send(store_id{2}, mail(2, policy::priority::normal, 90000));
  REQUIRE(in.wait([&] { return in.two.mails.size() == 1; }));
  CHECK(in.two.mails[0].second == mail(2, policy::priority::normal, 90000));
  CHECK(in.first.counters().mails_dropped == 1);
}

TEST_CASE("a receiver with a lower message_bytes_max closes the connection", "[transport][websocket][bounds]") {
  auto small = quick();
  small.message_bytes_max = 100000;
  pair_of_stores in{quick(), small};
  in.connect();
  in.a.send(store_id{2}, mail(1, policy::priority::normal, 1U << 20));
  REQUIRE(in.wait([&] { return closed(in.second, close_reason::too_large) == 1; }));
  CHECK(in.two.mails.empty());
  CHECK(in.wait([&] {
    in.a.send(store_id{2}, mail(2));
    return in.two.mails.size() == 1;
  }));
}

TEST_CASE("a full queue drops the newest of the lowest priority, and counts it", "[transport][websocket][bounds]") {
  net on;
  boost::asio::ip::tcp::acceptor deaf{on.io, {boost::asio::ip::make_address("127.0.0.1"), 0}};  // connects, says nothing
  auto options = quick("");
  options.queue_bytes_max = 10000;
  options.handshake_deadline = std::chrono::milliseconds{100};
  auto here = std::move(*port::open(on.io, options));
  testing::recording_sink sink;
  websocket net{here, {{store_id{2}, "127.0.0.1:" + std::to_string(deaf.local_endpoint().port())}}};
  REQUIRE(net.start(start_of(1), sink));
  for (std::uint64_t n = 0; n < 3; ++n) net.send(store_id{2}, mail(n, policy::priority::bulk, 3000));
  CHECK(here.counters().mails_dropped == 0);
  net.send(store_id{2}, mail(3, policy::priority::bulk, 3000));
  CHECK(here.counters().mails_dropped == 1);
  for (std::uint64_t n = 0; n < 3; ++n) net.send(store_id{2}, mail(n, policy::priority::urgent, 3000));
  CHECK(here.counters().mails_dropped == 4);  // the bulk ones had to go
  net.send(store_id{2}, mail(9, policy::priority::normal, 3000));
  CHECK(here.counters().mails_dropped == 5);
  // When the connection is given up, what waited is dropped too.
  REQUIRE(on.wait([&] { return closed(here, close_reason::slow_handshake) == 1; }));
  CHECK(here.counters().mails_dropped == 8);
}

TEST_CASE("a listener that comes back is found again", "[transport][websocket][reconnect]") {
  pair_of_stores in;
  in.connect();
  auto options = quick(local(in.second));
  in.b.stop();
  in.second.stop();
  REQUIRE(in.wait([&] { return in.first.connections() == 0; }));
  for (int i = 0; i < 20; ++i) {
    in.a.send(store_id{2}, mail(1));
    in.on.rest(std::chrono::milliseconds{2});
  }
  CHECK(in.first.counters().mails_dropped > 0);
  in.second = std::move(*port::open(in.on.io, options));
  in.b = websocket{in.second, {}};
  REQUIRE(in.b.start(start_of(2), in.two));
  CHECK(in.wait([&] {
    in.a.send(store_id{2}, mail(2));
    return !in.two.mails.empty();
  }));
}

TEST_CASE("a store that moves is reached at its new address", "[transport][websocket][reconnect]") {
  pair_of_stores in;
  in.connect();
  auto elsewhere = std::move(*port::open(in.on.io, quick()));
  in.b.stop();
  websocket moved{elsewhere, {}};
  REQUIRE(moved.start(start_of(2), in.two));
  in.a.set_peer(store_id{2}, local(elsewhere));
  in.a.send(store_id{2}, mail(5));
  CHECK(in.wait([&] { return in.two.mails.size() == 1; }));
}

TEST_CASE("an address of a store itself, or given after the end, is passed over", "[transport][websocket]") {
  pair_of_stores in;
  in.a.set_peer(store_id{1}, local(in.first));
  in.a.send(store_id{1}, mail(1));
  CHECK(in.first.counters().dialled == 0);
  in.connect();
  in.a.stop();
  in.a.set_peer(store_id{2}, "127.0.0.1:1");
  websocket gone = std::move(in.a);
  in.a.set_peer(store_id{2}, "127.0.0.1:1");
  in.on.rest(std::chrono::milliseconds{5});
}

TEST_CASE("names are resolved, and every address of a name is tried", "[transport][websocket]") {
  pair_of_stores in;
  in.a.set_peer(store_id{2}, "localhost:" + std::to_string(in.second.number()));
  in.a.send(store_id{2}, mail(1));
  CHECK(in.wait([&] { return in.two.mails.size() == 1; }));
}

TEST_CASE("addresses that are none are no more than unreachable", "[transport][websocket]") {
  pair_of_stores in;
  for (auto const* wrong : {"", "nothing", "127.0.0.1:", ":", "127.0.0.1:99999", "::1:80", "no-such-host.invalid:1"}) {
    in.a.set_peer(store_id{3}, wrong);
    in.a.send(store_id{3}, mail(1));
    in.on.rest(std::chrono::milliseconds{5});
  }
  CHECK(in.one.refusals.empty());
  in.connect();
}

TEST_CASE("a port carries one store", "[transport][websocket]") {
  net on;
  auto here = std::move(*port::open(on.io, quick()));
  testing::recording_sink sink;
  websocket one{here, {}}, two{here, {}};
  CHECK(one.start(start_of(0), sink).error().code == error_code::invalid_argument);
  CHECK(one.start(start_of(1, 0), sink).error().code == error_code::invalid_argument);
  REQUIRE(one.start(start_of(1), sink));
  CHECK(one.start(start_of(1), sink).error().code == error_code::locked);
  CHECK(two.start(start_of(1), sink).error().code == error_code::locked);
  one.stop();
  CHECK(one.start(start_of(1), sink).error().code == error_code::stopped);
  CHECK(two.start(start_of(1), sink));
}

TEST_CASE("after stop the io_context runs out of work at once", "[transport][websocket][stop]") {
  pair_of_stores in;
  in.connect();
  in.a.send(store_id{2}, mail(1, policy::priority::bulk, 1U << 20));
  in.a.stop();
  in.b.stop();
  in.first.stop();
  in.second.stop();
  auto const begin = std::chrono::steady_clock::now();
  in.on.io.restart();
  in.on.io.run_for(std::chrono::seconds{5});
  CHECK(in.on.io.stopped());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{1});
  CHECK(in.first.connections() == 0);
  CHECK(in.second.connections() == 0);
}

TEST_CASE("everything may be destroyed in the middle, in any order", "[transport][websocket][stop]") {
  for (int turns = 0; turns < 40; ++turns) {
    net on;
    testing::recording_sink one, two;
    std::optional<port> first{std::move(*port::open(on.io, quick()))}, second{std::move(*port::open(on.io, quick()))};
    std::optional<websocket> a, b;
    a.emplace(*first, std::map<store_id, std::string>{{store_id{2}, local(*second)}});
    b.emplace(*second, std::map<store_id, std::string>{{store_id{1}, local(*first)}});
    REQUIRE(a->start(start_of(1), one));
    REQUIRE(b->start(start_of(2), two));
    for (int i = 0; i < turns; ++i) {
      a->send(store_id{2}, mail(1));
      b->send(store_id{1}, mail(1));
      on.io.restart();
      on.io.run_one_for(std::chrono::milliseconds{1});
      if (i % 3 == 0) one.judge();
      two.judge();
    }
    if (turns % 2 == 0) first.reset();
    if (turns % 3 == 0) b.reset();
    one.judge();
    on.rest(std::chrono::milliseconds{turns % 5});
    a.reset();
    two.judge();
  }
}
