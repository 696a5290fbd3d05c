#include <tinykv/transport/port.hpp>

#include <tinykv/transport/websocket_rpc.hpp>

#include "support/catch.hpp"
#include "transport/support/raw_client.hpp"

using namespace tinykv;
using namespace tinykv::test;
using transport::port;

namespace {

failure cannot_open(transport::port_options options) {
  net on;
  auto const got = port::open(on.io, std::move(options));
  return got ? failure{} : got.error();
}
std::string ask(net& on, port const& where, std::string const& request) {
  raw_client client{on, where.number()};
  client.send(request);
  client.wait_closed();
  return client.text();
}

}  // namespace

TEST_CASE("a port in use is said to be, in one line", "[transport][port]") {
  net on;
  auto const first = std::move(*port::open(on.io, quick()));
  auto const why = cannot_open(quick(local(first)));
  CHECK(why.code == error_code::locked);
  CHECK(why.outcome == outcome::rejected);
  CHECK(why.detail == "cannot listen on " + local(first) + ": another process uses this port; stop it or choose another port");
}

TEST_CASE("what cannot be listened on is refused with the reason", "[transport][port]") {
  for (auto const* wrong : {"nothing", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", ":80", "::1:80", "127.0.0.1:8o"})
    CHECK(cannot_open(quick(wrong)).code == error_code::invalid_argument);
  CHECK(cannot_open(quick("no-such-host.invalid:0")).code == error_code::invalid_argument);
  CHECK(cannot_open(quick("192.0.2.1:0")).code == error_code::io);  // of a network for documentation: not this machine
}

TEST_CASE("a bound of nothing is refused", "[transport][port]") {
  auto const refused = [](auto change) {
    auto o = quick();
    change(o);
    return cannot_open(o).code == error_code::invalid_argument && !cannot_open(o).detail.empty();
  };
  CHECK_FALSE(refused([](auto&) {}));
  CHECK(refused([](auto& o) { o.frame_bytes_max = 511; }));
  CHECK(refused([](auto& o) { o.message_bytes_max = 0; }));
  CHECK(refused([](auto& o) { o.queue_bytes_max = 0; }));
  CHECK(refused([](auto& o) { o.connections_max = 0; }));
  CHECK(refused([](auto& o) { o.strangers_max = 0; }));
  CHECK(refused([](auto& o) { o.bytes_max = 0; }));
  CHECK(refused([](auto& o) { o.unsent_bytes_max = 0; }));
  CHECK(refused([](auto& o) { o.handshake_deadline = duration{0}; }));
  CHECK(refused([](auto& o) { o.reconnect_min = duration{-1}; }));
}

TEST_CASE("what a port advertises is what it was told, or where it listens", "[transport][port]") {
  net on;
  auto const plain = std::move(*port::open(on.io, quick()));
  CHECK(plain.number() != 0);
  CHECK(plain.advertised() == local(plain));
  auto options = quick();
  options.advertise = "db-1.example:7001";
  CHECK(port::open(on.io, options)->advertised() == "db-1.example:7001");
  CHECK(port::open(on.io, quick("[::1]:0"))->advertised().starts_with("[::1]:"));
}

TEST_CASE("GET is answered by the handler of its path", "[transport][port][http]") {
  net on;
  auto here = std::move(*port::open(on.io, quick()));
  int asked = 0;
  REQUIRE(here.on_get("/healthz", [&] {
    ++asked;
    return transport::http_answer{200, "text/plain", "ok\n"};
  }));
  REQUIRE(here.on_get("/broken", [] { return transport::http_answer{503, "application/json", "{}"}; }));
  CHECK(here.on_get("/healthz", [] { return transport::http_answer{}; }).error().code == error_code::invalid_argument);
  CHECK(here.on_get("healthz", [] { return transport::http_answer{}; }).error().code == error_code::invalid_argument);

  auto const ok = ask(on, here, "GET /healthz?verbose=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(ok.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(ok.find("Content-Type: text/plain\r\n") != std::string::npos);
  CHECK(ok.ends_with("\r\n\r\nok\n"));
  auto const broken = ask(on, here, "GET /broken HTTP/1.0\r\n\r\n");
  CHECK(broken.starts_with("HTTP/1.0 503 "));
  CHECK(broken.ends_with("\r\n\r\n{}"));
  auto const head = ask(on, here, "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.find("Content-Length: 3\r\n") != std::string::npos);
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK(asked == 2);
}

TEST_CASE("other paths, other methods and other things are refused by number", "[transport][port][http]") {
  net on;
  auto here = std::move(*port::open(on.io, quick()));
  REQUIRE(here.on_get("/healthz", [] { return transport::http_answer{}; }));
  CHECK(ask(on, here, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 404 "));
  CHECK(ask(on, here, "GET /healthz/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 404 "));
  auto const post = ask(on, here, "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  CHECK(post.starts_with("HTTP/1.1 405 "));
  CHECK(post.find("Allow: GET, HEAD\r\n") != std::string::npos);
  CHECK(ask(on, here, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405 "));
  CHECK(ask(on, here, "\x16\x03\x01 no HTTP\r\n\r\n").starts_with("HTTP/1.1 400 "));
  auto const upgrade = [&](std::string const& path) {
    raw_client client{on, here.number()};
    CHECK_FALSE(client.upgrade(path));
    return client.text().substr(0, 13);
  };
  CHECK(upgrade("/peer") == "HTTP/1.1 503 ");  // no store here
  CHECK(upgrade("/rpc") == "HTTP/1.1 503 ");
  CHECK(upgrade("/other") == "HTTP/1.1 404 ");
}

TEST_CASE("a connection answers one request after the other", "[transport][port][http]") {
  net on;
  auto here = std::move(*port::open(on.io, quick()));
  int n = 0;
  REQUIRE(here.on_get("/n", [&] { return transport::http_answer{200, "text/plain", "n=" + std::to_string(++n)}; }));
  raw_client client{on, here.number()};
  client.send("GET /n HTTP/1.1\r\nHost: x\r\n\r\nGET /n HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.wait_for("n=2"));
  client.send("GET /n HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.wait_for("n=3"));
  CHECK(here.counters().accepted == 1);
}

TEST_CASE("a header above http_header_bytes_max is refused", "[transport][port][http][bounds]") {
  net on;
  auto options = quick();
  options.http_header_bytes_max = 1000;
  auto here = std::move(*port::open(on.io, options));
  CHECK(ask(on, here, "GET / HTTP/1.1\r\nX: " + std::string(1100, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("a client that does not ask is closed after handshake_deadline", "[transport][port][http][bounds]") {
  net on;
  auto options = quick();
  options.handshake_deadline = std::chrono::milliseconds{100};
  auto here = std::move(*port::open(on.io, options));
  raw_client silent{on, here.number()}, slow{on, here.number()};
  slow.send("GET / HT");
  auto const begin = std::chrono::steady_clock::now();
  CHECK(silent.wait_closed());
  CHECK(slow.wait_closed());
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds{80});
  CHECK(on.wait([&] { return here.connections() == 0; }));
}

TEST_CASE("connections above connections_max are closed, and later ones find room again", "[transport][port][bounds]") {
  net on;
  auto options = quick();
  options.connections_max = 2;
  auto here = std::move(*port::open(on.io, options));
  REQUIRE(here.on_get("/", [] { return transport::http_answer{200, "text/plain", "here"}; }));
  std::optional<raw_client> one{std::in_place, on, here.number()}, two{std::in_place, on, here.number()};
  REQUIRE(on.wait([&] { return here.connections() == 2; }));
  raw_client three{on, here.number()};
  CHECK(three.wait_closed());
  CHECK(here.counters().turned_away == 1);
  one->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(one->wait_for("here"));  // the others are served
  two->reset();
  REQUIRE(on.wait([&] { return here.connections() == 1; }));
  raw_client four{on, here.number()};
  four.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(four.wait_for("here"));
}

TEST_CASE("after stop nobody is served and no page is made", "[transport][port][stop]") {
  net on;
  auto here = std::move(*port::open(on.io, quick()));
  int asked = 0;
  REQUIRE(here.on_get("/", [&] {
    ++asked;
    return transport::http_answer{};
  }));
  raw_client open{on, here.number()};
  REQUIRE(on.wait([&] { return here.connections() == 1; }));
  open.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  here.stop();
  CHECK(open.wait_closed());
  CHECK(asked == 0);
  CHECK_THROWS(raw_client{on, here.number()});
  here.stop();
  CHECK(port::open(on.io, quick(local(here))));  // the address is free
}
