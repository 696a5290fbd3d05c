#pragma once

#include <tinykv/transport/port.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace tinykv::test {

/// A home lane that the test turns, with real sockets on it.
struct net {
  boost::asio::io_context io;

  bool wait(std::function<bool()> const& fact, duration patience = std::chrono::seconds{10}) {
    auto const end = std::chrono::steady_clock::now() + patience;
    while (!fact()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io.restart();
      io.run_one_for(std::chrono::milliseconds{1});
    }
    return true;
  }
  void rest(duration span) {
    wait([] { return false; }, span);
  }
};

/// Options with deadlines that a test can wait for.
inline transport::port_options quick(std::string listen = "127.0.0.1:0") {
  transport::port_options o;
  o.listen = std::move(listen);
  o.handshake_deadline = std::chrono::seconds{2};
  o.reconnect_min = std::chrono::milliseconds{5};
  o.reconnect_max = std::chrono::milliseconds{40};
  return o;
}

inline std::string local(transport::port const& where) { return "127.0.0.1:" + std::to_string(where.number()); }

inline std::uint64_t closed(transport::port const& where, transport::close_reason why) {
  return where.counters().closed[static_cast<std::size_t>(why)];
}

}  // namespace tinykv::test
