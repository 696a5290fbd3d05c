#include "session.hpp"

#include <tinykv/client/kv_client.hpp>
#include <tinykv/runtime/asio_executor.hpp>
#include <tinykv/runtime/steady_clock.hpp>
#include <tinykv/transport/websocket_rpc.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>

namespace cli {

using namespace tinykv;

namespace {

transport::port opened(boost::asio::io_context& home) {
  transport::port_options options;  // no listener
  options.calls_in_flight_max = 65536;  // import has its own bound
  options.seed = std::random_device{}();
  auto port = transport::port::open(home, options);
  if (!port) {  // without a listener only a machine without sockets gets here
    std::fprintf(stderr, "tinykv: %s\n", port.error().detail.c_str());
    std::exit(exit_unreachable);
  }
  return std::move(*port);
}

}  // namespace

struct session::connection {
  explicit connection(settings const& with) : timeout(with.timeout), client(rpc, executor, clock, options(with)) {}
  ~connection() {
    rpc.stop();
    port.stop();
    executor.stop();
  }

  static client::kv_client_options options(settings const& with) {
    client::kv_client_options out;
    out.endpoints = with.endpoints;
    out.seed = std::random_device{}();
    return out;
  }

  wire::kv_answer wait(std::optional<wire::kv_answer>& got) {
    while (!got && home.run_one() > 0) {}
    return std::move(*got);
  }

  duration timeout;
  boost::asio::io_context home{1};
  runtime::asio_executor executor{home};
  runtime::steady_clock clock;
  transport::port port = opened(home);
  transport::websocket_rpc rpc{port};
  client::kv_client<transport::websocket_rpc, runtime::asio_executor, runtime::steady_clock> client;
};

session::session(settings const& with) : connection_(std::make_unique<connection>(with)) {}
session::~session() = default;

wire::kv_answer session::ask(wire::kv_request const& request) {
  std::optional<wire::kv_answer> got;
  start(request, [&](wire::kv_answer answer) { got = std::move(answer); });
  return connection_->wait(got);
}

wire::kv_answer session::ask_one(std::string const& endpoint, wire::kv_request const& request) {
  std::optional<wire::kv_answer> got;
  connection_->client.ask_one(endpoint, request, connection_->timeout,
                              [&](wire::kv_answer answer) { got = std::move(answer); });
  return connection_->wait(got);
}

void session::start(wire::kv_request const& request, std::function<void(wire::kv_answer)> answer) {
  connection_->client.ask(request, connection_->timeout, std::move(answer));
}

void session::run_while(std::function<bool()> const& condition) {
  while (condition() && connection_->home.run_one() > 0) {}
}

int printed() {
  if (std::cout.flush()) return exit_done;
  std::fprintf(stderr, "tinykv: cannot write to stdout: is the disk full?\n");
  return exit_refused;
}

int complain(wire::kv_refusal const& why, bool writes) {
  using enum error_code;
  auto const& reason = why.reason;
  auto const text = reason.detail.empty() ? std::string{name_of(reason.code)} : reason.detail;
  if (writes && (reason.outcome == outcome::unknown || reason.outcome == outcome::fatal)) {
    std::fprintf(stderr, "tinykv: outcome unknown (maybe done: look before repeating it): %s\n", text.c_str());
    return exit_unknown;
  }
  if (reason.code == not_leader) {
    std::fprintf(stderr, "tinykv: the servers have no leader: are more than half of them running? (tinykv status)\n");
    return exit_unreachable;
  }
  if (reason.code == unreachable || reason.outcome == outcome::unknown) {
    std::fprintf(stderr, "tinykv: no answer: %s; are the servers running, and named by --endpoints or TINYKV_ENDPOINTS?\n",
                 text.c_str());
    return exit_unreachable;
  }
  std::fprintf(stderr, "tinykv: refused: %s\n", text.c_str());
  return reason.code == busy || reason.code == stopped ? exit_unreachable : exit_refused;
}

}  // namespace cli
