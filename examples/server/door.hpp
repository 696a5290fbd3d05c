#pragma once

#include "flags.hpp"

#include <tinykv/policy/rpc.hpp>
#include <tinykv/runtime/steady_clock.hpp>
#include <tinykv/server/metrics.hpp>
#include <tinykv/transport/websocket_rpc.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>

/// Opens the one port of the process.
tinykv::result<tinykv::transport::port> open_port(boost::asio::io_context& home, flags const& with);

/// What stands between the port and a store, whatever it is made of: pages for people and Prometheus, the requests of
/// clients, and the end of the process. Home lane.
class door {
 public:
  using why_not = std::function<std::optional<tinykv::failure>()>;
  using word = std::function<std::string()>;
  using refusals = std::function<std::map<tinykv::store_id, tinykv::failure>()>;
  using stopper = std::function<void(std::function<void()>)>;

  /// Pages from now on; `failed` says why the store does not serve, `idle` why it has nothing to serve (else nothing).
  door(boost::asio::io_context& home, tinykv::transport::port& port, tinykv::server::prometheus metrics,
       why_not failed, word idle);

  /// Lets `handler` answer clients.
  void open(tinykv::policy::rpc_handler handler);
  /// Waits for SIGTERM, SIGINT or a failure of the store; then lets requests in flight end, and stops the store and the
  /// port. A second signal ends the process at once, with the exit code 128 + its number. Tells people of stores that refuse
  /// this one, and when there is nothing to serve.
  void watch(refusals refused_by, stopper stop_store);
  /// The failure for which it ended; nothing after a signal.
  std::optional<tinykv::failure> const& end() const { return end_; }

 private:
  void answer(tinykv::policy::rpc_request request, tinykv::duration patience, tinykv::policy::rpc_reply reply);
  void look();
  void close();
  void drain(int turns_left);

  tinykv::transport::port& port_;
  tinykv::transport::websocket_rpc rpc_;
  tinykv::server::prometheus metrics_;
  why_not failed_;
  word idle_;
  tinykv::policy::rpc_handler handler_;
  refusals refused_by_;
  stopper stop_store_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer timer_;
  std::uint64_t in_flight_ = 0;
  std::map<tinykv::store_id, std::string> told_;
  std::string told_idle_;
  std::optional<tinykv::failure> end_;
  bool closing_ = false;
};
