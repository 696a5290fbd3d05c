#pragma once

#include <tinykv/core/random.hpp>
#include <tinykv/transport/port.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace tinykv::transport::detail {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using io_error = boost::system::error_code;
using tcp = boost::asio::ip::tcp;
using upgrade_request = http::request<http::empty_body>;

/// A host and a port out of "H:P".
struct host_port {
  std::string host;
  std::uint16_t port = 0;
};

inline std::optional<host_port> parse_host_port(std::string_view text) {
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  auto const digits = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos) return std::nullopt;  // IPv6 without brackets: ambiguous
  std::uint16_t number = 0;
  auto const [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (host.empty() || wrong != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return host_port{std::string{host}, number};
}

inline std::chrono::steady_clock::duration timer_span(duration d) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(d);
}

/// Something with a socket. Registered with the port while it lives, so that `stop` finds it.
class connection {
 public:
  explicit connection(std::shared_ptr<port_body> where);
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;
  virtual ~connection();
  /// Closes the socket at once and calls nothing of its owner's any more.
  virtual void abort() noexcept = 0;
  /// Ends it, so that others have room.
  virtual void make_way(close_reason) { abort(); }
  /// How many bytes are free when it has made way for `bytes_max`; 0 = it does not: a store.
  virtual std::size_t weight() const { return 0; }

 protected:
  port_body& port() const { return *port_; }
  /// It was accepted, and nobody has let it in. There are at most `strangers_max` of these: the oldest makes way, since a
  /// store or a client that means it is no stranger for long.
  void become_stranger();
  void leave_strangers();

 private:
  std::shared_ptr<port_body> port_;
  std::uint64_t age_ = 0;  // among the strangers; 0 = none of them
};

/// Makes a connection that `stop` will find.
template <class Connection, class... Args>
std::shared_ptr<Connection> make_connection(std::shared_ptr<port_body> const& where, Args&&... args);

/// Who takes over connections that ask to become websockets: the started `websocket` and the serving `websocket_rpc`.
class upgrade_taker {
 public:
  virtual ~upgrade_taker() = default;
  virtual void take(beast::tcp_stream stream, upgrade_request request) = 0;
  virtual bool full() const { return false; }
};

/// The state of a `port`.
struct port_body : std::enable_shared_from_this<port_body> {
  port_body(asio::io_context& context, port_options chosen)
      : home(context), options(std::move(chosen)), acceptor(context), retry(context), jitter(options.seed) {}

  void accept();
  void stop() noexcept;
  /// Brings `bytes_held` down to `bytes_max`, as far as clients can.
  void shed();

  /// The pause after `failures` failed attempts in a row: exponential, the upper half of it random.
  duration pause_after(unsigned failures) {
    auto pause = options.reconnect_min;
    for (unsigned i = 1; i < failures && pause < options.reconnect_max; ++i) pause *= 2;
    pause = std::min(pause, options.reconnect_max);
    auto const half = std::max<duration::rep>(pause.count() / 2, 1);
    return duration{half} + duration{static_cast<duration::rep>(jitter.below(static_cast<std::uint64_t>(half)))};
  }
  bool full() const { return connections.size() >= options.connections_max; }

  asio::io_context& home;
  port_options options;
  tcp::acceptor acceptor;
  asio::steady_timer retry;  // after an accept that failed for want of descriptors
  random jitter;
  std::string advertised;
  std::uint16_t number = 0;
  bool stopped = false;
  port_counters counters;
  std::map<connection*, std::weak_ptr<connection>> connections;
  std::map<std::uint64_t, connection*> strangers;  // by age: the first is the oldest
  std::uint64_t strangers_seen = 0;
  std::size_t bytes_held = 0;       // by channels, and by the bodies of calls without an answer
  std::size_t call_bytes_held = 0;  // of these, by the bodies; at most half of bytes_max
  std::map<std::string, std::function<http_answer()>, std::less<>> pages;
  std::weak_ptr<upgrade_taker> stores;   // takes /peer
  std::weak_ptr<upgrade_taker> clients;  // takes /rpc
};

inline connection::connection(std::shared_ptr<port_body> where) : port_(std::move(where)) {
  port_->connections.emplace(this, std::weak_ptr<connection>{});
}
inline connection::~connection() {
  leave_strangers();
  port_->connections.erase(this);
}

inline void connection::become_stranger() {
  auto& all = port_->strangers;
  age_ = ++port_->strangers_seen;
  all.emplace(age_, this);
  if (all.size() <= port_->options.strangers_max) return;
  auto* const oldest = all.begin()->second;
  oldest->leave_strangers();
  ++port_->counters.crowded_out;
  oldest->make_way(close_reason::crowded_out);
}
inline void connection::leave_strangers() { port_->strangers.erase(std::exchange(age_, 0)); }

inline void port_body::shed() {
  while (bytes_held > options.bytes_max) {
    connection* heaviest = nullptr;
    for (auto const& [each, weak] : connections)
      if (each->weight() > (heaviest == nullptr ? 0 : heaviest->weight())) heaviest = each;
    if (heaviest == nullptr) return;
    heaviest->make_way(close_reason::over_budget);
  }
}

template <class Connection, class... Args>
std::shared_ptr<Connection> make_connection(std::shared_ptr<port_body> const& where, Args&&... args) {
  auto made = std::make_shared<Connection>(where, std::forward<Args>(args)...);
  where->connections[made.get()] = made;
  return made;
}

}  // namespace tinykv::transport::detail
