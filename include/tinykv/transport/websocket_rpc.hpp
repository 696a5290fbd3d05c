#pragma once

#include <tinykv/policy/rpc.hpp>
#include <tinykv/transport/port.hpp>

#include <memory>
#include <string>

namespace tinykv::transport {

namespace detail {
struct rpc_net;
}

/// Rpc between processes: Protobuf in binary websocket messages. A caller keeps one connection to each endpoint it has
/// called; its calls share it and are matched by number. The grammar and the limits are in docs/policies/rpc.md.
///
/// A movable handle on a `port` (of no matter whether that listens, for one that only calls). Ends (as by `stop`) when
/// destroyed. Home lane only.
class websocket_rpc {
 public:
  /// A handle on `where`.
  explicit websocket_rpc(port& where);
  websocket_rpc(websocket_rpc&&) noexcept;             ///< The other one is empty then.
  websocket_rpc& operator=(websocket_rpc&&) noexcept;  ///< Stops this one first.
  ~websocket_rpc();                                    ///< As `stop()`.

  /// Answers calls that come in by the port. `rejected` (stopped) when this or the port was stopped, (locked) when
  /// another handle on the port, or this one, serves.
  result<done> serve(policy::rpc_handler handler);
  /// Asks `endpoint` (H:P). Beside what policy/rpc.hpp says: `rejected` with version_mismatch or foreign when the other
  /// side speaks another protocol version or belongs to another cluster, with busy when `calls_in_flight_max` or
  /// `queue_bytes_max` is reached.
  void call(std::string const& endpoint, policy::rpc_request request, duration deadline, policy::rpc_reply reply) noexcept;
  /// Closes every connection of clients, and this one's own; open calls are answered `unknown` (stopped).
  void stop() noexcept;

 private:
  std::shared_ptr<detail::rpc_net> body_;
};

static_assert(policy::Rpc<websocket_rpc>);

}  // namespace tinykv::transport

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/transport/impl/websocket_rpc.ipp>
#endif
