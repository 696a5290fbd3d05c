#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/core/time.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace tinykv::transport {

/// The numbers of a port. "H:P" is a host name or address and a TCP port; an IPv6 address stands in brackets.
struct port_options {
  std::string listen = {};     ///< H:P to listen on, port 0 = any free one; empty = no listener (a client).
  std::string advertise = {};  ///< H:P by which others reach it; empty = what it listens on.
  cluster_id cluster = {};     ///< Clients that ask for another one are refused, and servers of another one; 0 = any.
  std::uint64_t seed = 0;      ///< Of the jitter between attempts to connect.

  std::size_t frame_bytes_max = 256U << 10;      ///< A frame with its header; frames do not interleave.
  std::size_t message_bytes_max = 2U << 20;      ///< A message of many frames, per priority and connection.
  std::size_t queue_bytes_max = 16U << 20;       ///< Messages that wait to be written, per connection.
  std::size_t connections_max = 1024;            ///< Of all kinds; above it, accepted ones are closed, and no call dials.
  std::size_t clients_max = 896;                 ///< Of these, clients at /rpc; so that they leave room for stores.
  std::size_t strangers_max = 96;                ///< Of these, accepted ones that nobody has let in yet; the oldest makes way.
  std::size_t bytes_max = 256U << 20;            ///< What all websockets hold in memory: frames and messages that come in,
                                                 ///< calls without an answer, messages that wait to be written. When calls
                                                 ///< fill half of it, more are answered as busy; above it, the heaviest
                                                 ///< client is closed.
  std::size_t unsent_bytes_max = 256U << 10;     ///< Taken over by the kernel and not yet sent, per dialled connection, where
                                                 ///< the system has such a bound: what an urgent message waits behind.
  std::size_t calls_in_flight_max = 1024;        ///< Unanswered requests per connection, on both sides.
  std::size_t call_bytes_in_flight_max = 16U << 20;  ///< Their bodies, per connection, on the serving side.
  std::size_t http_header_bytes_max = 8U << 10;  ///< Of an HTTP request; a body is not read.

  duration connect_deadline = std::chrono::seconds{3};    ///< From a name to a TCP connection.
  duration handshake_deadline = std::chrono::seconds{5};  ///< From the TCP connection to the verdict; and for a close.
  duration idle_deadline = std::chrono::seconds{20};      ///< Without a sign of life; at half of it a ping is sent.
  duration write_deadline = std::chrono::seconds{10};     ///< For one frame to leave.
  duration reconnect_min = std::chrono::milliseconds{50};  ///< The pause after a first failure; doubled by each further one,
  duration reconnect_max = std::chrono::seconds{2};        ///< up to this. Half of a pause is jitter.
};

/// Why a connection ended. Names are printed and used in metrics.
enum class close_reason : std::uint8_t {
  left,               ///< The other side closed it in good order.
  network,            ///< Reset, not reachable, name not found.
  malformed,          ///< A frame or message that no program of this protocol sends, or not where it stands.
  too_large,          ///< A frame or message above its bound.
  text_frame,         ///< A text message; all are binary.
  refused,            ///< One side refused the other's hello: version, cluster, store or identity.
  slow_handshake,     ///< `connect_deadline` or `handshake_deadline`.
  silent,             ///< `idle_deadline`.
  write_stalled,      ///< `write_deadline`.
  queue_full,         ///< Answers of calls above `queue_bytes_max`: a client that does not read.
  replaced,           ///< The same store has connected anew.
  stopped,            ///< By this side.
  crowded_out,        ///< `strangers_max`: younger connections were not let in yet either.
  over_budget,        ///< `bytes_max`: this client held most.
};

/// How many reasons there are.
inline constexpr std::size_t close_reason_count = 14;

/// The stable name of `why`.
constexpr std::string_view name_of(close_reason why) {
  constexpr std::array<std::string_view, close_reason_count> names{
      "left",   "network", "malformed",     "too_large",  "text_frame", "refused", "slow_handshake",
      "silent", "write_stalled", "queue_full", "replaced", "stopped", "crowded_out", "over_budget"};
  return names[static_cast<std::size_t>(why)];
}

/// What a port has counted since it was opened.
struct port_counters {
  std::uint64_t accepted = 0;           ///< TCP connections.
  std::uint64_t turned_away = 0;        ///< Of these, closed at once: `connections_max`.
  std::uint64_t crowded_out = 0;        ///< Of these, closed before they were let in: `strangers_max`.
  std::uint64_t dialled = 0;            ///< Attempts to connect.
  std::uint64_t mails_sent = 0;         ///< Handed to a connection's queue.
  std::uint64_t mails_received = 0;     ///< Handed to the sink.
  std::uint64_t mails_dropped = 0;      ///< No connection, queue full, too large, or left over when one ended.
  std::uint64_t calls_received = 0;     ///< Handed to the handler.
  std::uint64_t calls_refused = 0;      ///< Answered as busy.
  std::uint64_t bytes_received = 0;     ///< Of websocket frames.
  std::uint64_t bytes_sent = 0;         ///< Of websocket frames.
  std::array<std::uint64_t, close_reason_count> closed{};  ///< Websocket connections that ended, by `close_reason`.
};

/// An answer to a GET.
struct http_answer {
  unsigned status = 200;                           ///< As in RFC 9110.
  std::string type = "text/plain; charset=utf-8";  ///< Content-Type.
  std::string body;                                ///< As it is sent.
};

namespace detail {
struct port_body;
}

/// The one TCP port of a process, and every connection it has: `websocket` and `websocket_rpc` are handles on it, and a
/// program adds pages (`on_get`). It serves
///
///     GET  <path>    the handler of the path; 404 for other paths, 405 for other methods
///     GET  /peer     upgrade to websocket: a store (docs/policies/transport.md)
///     GET  /rpc      upgrade to websocket: a client (docs/policies/rpc.md)
///
/// All work is done on the caller's io_context, which one thread runs: that is the home lane. Every function here and of
/// the handles is called there, or while nobody runs it. The io_context outlives the port and its handles.
class port {
 public:
  /// Listens, if asked to. `rejected`: (locked) the address is in use; (io) it may not be used, or is not of this
  /// machine; (invalid_argument) it is no address, or a bound is 0. `hint` is the errno.
  static result<port> open(boost::asio::io_context& home, port_options options);

  port(port&&) noexcept;             ///< The other one is empty then.
  port& operator=(port&&) noexcept;  ///< Stops this one first.
  ~port();                           ///< As `stop()`.

  /// Answers GET (and HEAD) of `path`, on the home lane. `rejected` (invalid_argument) when the path does not begin with
  /// '/', or is taken.
  result<done> on_get(std::string path, std::function<http_answer()> answer);

  /// The TCP port that it listens on; 0 without a listener.
  std::uint16_t number() const;
  /// H:P by which others reach it; empty without a listener.
  std::string const& advertised() const;
  /// The counts so far.
  port_counters counters() const;
  /// Open connections of all kinds.
  std::size_t connections() const;
  /// What all websockets hold in memory at the moment, in bytes; see `port_options::bytes_max`.
  std::size_t bytes_held() const;

  /// Closes the listener and every connection; no page, sink or handler is called or touched afterwards. Stop the handles
  /// first: calls that are open are answered by the `stop` of their `websocket_rpc`, or by their deadlines. May be repeated.
  void stop() noexcept;

 private:
  friend class websocket;
  friend class websocket_rpc;
  explicit port(std::shared_ptr<detail::port_body> body) noexcept;
  std::shared_ptr<detail::port_body> body_;
};

}  // namespace tinykv::transport

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/transport/impl/port.ipp>
#endif
