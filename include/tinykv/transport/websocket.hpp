#pragma once

#include <tinykv/policy/transport.hpp>
#include <tinykv/transport/port.hpp>

#include <map>
#include <memory>
#include <string>

namespace tinykv::transport {

namespace detail {
struct peer_net;
}

/// Transport between processes: Protobuf in binary websocket messages, one connection for all groups from each store to
/// each other one. A store dials its own connection for what it sends, with the first envelope; the accepting side only
/// receives on it. The grammar, the greeting and the limits are in docs/policies/transport.md.
///
/// A movable handle on a `port`; one per port is started at a time. Ends (as by `stop`) when destroyed. Home lane only.
class websocket {
 public:
  /// A handle on `where`; `peers` says where each other store listens (H:P). Stores that are not listed cannot be sent to,
  /// but may dial in.
  websocket(port& where, std::map<store_id, std::string> peers);
  websocket(websocket&&) noexcept;             ///< The other one is empty then.
  websocket& operator=(websocket&&) noexcept;  ///< Stops this one first.
  ~websocket();                                ///< As `stop()`.

  /// Lets stores in and mail out. `rejected` (stopped) when this or the port was stopped, (locked) when another handle on
  /// the port, or this one, was started, (invalid_argument) when `self` leaves out cluster, store or start epoch.
  result<done> start(store_identity const& self, policy::receive_sink& sink);
  /// Queues `mail` for store `to`; drops and counts it when there is no connection and none may be tried yet.
  void send(store_id to, policy::envelope mail) noexcept;
  /// Adds or moves a store. An open connection to another address is closed. After `start` this store itself is passed over.
  void set_peer(store_id to, std::string endpoint);
  /// Closes every connection of stores; the sink is not touched any more.
  void stop() noexcept;

 private:
  std::shared_ptr<detail::peer_net> body_;
};

static_assert(policy::AddressedTransport<websocket>);

}  // namespace tinykv::transport

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/transport/impl/websocket.ipp>
#endif
