#include "session.hpp"

#include "report.hpp"

#include <tinykv/client/kv_client.hpp>
#include <tinykv/runtime/asio_executor.hpp>
#include <tinykv/runtime/steady_clock.hpp>
#include <tinykv/transport/websocket_rpc.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <random>

namespace cli {

using namespace tinykv;

namespace {

transport::port opened(boost::asio::io_context& home, settings const& with) {
  transport::port_options options;      // no listener
  options.calls_in_flight_max = 65536;  // import has its own bound
  options.cluster = with.cluster;
  options.seed = std::random_device{}();
  auto port = transport::port::open(home, options);
  if (!port) {  // without a listener only a machine without sockets gets here
    std::exit(complain(with, {exit_unreachable, port.error()}));
  }
  return std::move(*port);
}

}  // namespace

struct session::connection {
  explicit connection(settings const& with)
      : timeout(with.timeout), port(opened(home, with)), client(rpc, executor, clock, options(with)) {}
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
    while (!got && home.run_one() > 0) {
    }
    return std::move(*got);
  }

  duration timeout;
  boost::asio::io_context home{1};
  runtime::asio_executor executor{home};
  runtime::steady_clock clock;
  transport::port port;
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
  start_one(endpoint, request, [&](wire::kv_answer answer) { got = std::move(answer); });
  return connection_->wait(got);
}

void session::start(wire::kv_request const& request, answer_function answer) {
  connection_->client.ask(request, connection_->timeout, std::move(answer));
}

void session::start_one(std::string const& endpoint, wire::kv_request const& request, answer_function answer) {
  connection_->client.ask_one(endpoint, request, connection_->timeout, std::move(answer));
}

wire::admin_answer session::ask_admin(wire::admin_request const& request, std::chrono::nanoseconds patience) {
  std::optional<wire::admin_answer> got;
  start_admin(request, patience, [&](wire::admin_answer answer) { got = std::move(answer); });
  run_while([&] { return !got; });
  return std::move(*got);
}

wire::admin_answer session::ask_admin_one(std::string const& endpoint, wire::admin_request const& request) {
  std::optional<wire::admin_answer> got;
  connection_->client.ask_admin_one(endpoint, request, connection_->timeout, [&](wire::admin_answer answer) { got = std::move(answer); });
  run_while([&] { return !got; });
  return std::move(*got);
}

void session::start_admin(wire::admin_request const& request, std::chrono::nanoseconds patience,
                          std::function<void(wire::admin_answer)> answer) {
  connection_->client.ask_admin(request, patience, std::move(answer));
}

void session::run_while(std::chrono::nanoseconds pause, std::function<bool()> const& condition) {
  while (condition() && !connection_->home.stopped()) connection_->home.run_one_for(pause);
}

void session::run_while(std::function<bool()> const& condition) {
  while (condition() && connection_->home.run_one() > 0) {
  }
}

}  // namespace cli
