#pragma once

#include <tinykv/core/identity.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/core/task.hpp>
#include <tinykv/raft/values/envelope.hpp>

#include <concepts>
#include <string>
#include <utility>

namespace tinykv::policy {

using raft::envelope;
using raft::group_message;
using raft::group_snapshot;
using raft::priority;
using raft::priority_count;

/// Where a Transport puts what arrives. Every function may be called from any thread, also from inside another store's
/// `send`; it only queues and never calls back from inside. When its queue is full it drops.
class receive_sink {
 public:
  /// Answers a greeting: success lets envelopes of that connection in. Called once, on the sink's home lane.
  using verdict = unique_function<void(result<done>)>;

  virtual ~receive_sink() = default;
  /// A store has opened a connection and says who it is, and whom it takes the receiver for (`to`).
  virtual void greeted(store_identity const& from, store_id to, verdict answer) noexcept = 0;
  /// An envelope from a store whose greeting was accepted.
  virtual void received(store_identity const& from, envelope mail) noexcept = 0;
  /// The store `by` has answered this store's greeting with a refusal.
  virtual void refused(store_id by, failure reason) noexcept = 0;
};

/// Carries Raft messages between stores.
///
/// The model promises:
///  1. A message arrives unchanged or not at all. It may arrive late, twice, or out of order.
///  2. `send` returns at once and never throws: a full queue drops the newest of the lowest priority and counts it.
///  3. Each connection carries the sender's identity. The receiver's sink is `greeted` first and gets envelopes of that
///     connection only after its verdict was success; what comes before may be dropped. A refusal reaches the sender's
///     sink as `refused`, also over and over while it tries again.
///  4. The sink is not touched after `stop()` returned.
/// The caller promises:
///  5. `start(self, sink)` is called once, before `send`, with the identity of this start of the store.
/// Why so weak: Raft repairs loss by itself; a stronger promise would only hide it.
template <class T>
concept Transport = std::movable<T> && requires(T& net, store_identity const& self, receive_sink& sink, store_id to,
                                                envelope mail) {
  { net.start(self, sink) } -> std::same_as<result<done>>;
  { net.send(to, std::move(mail)) } noexcept;
  { net.stop() } noexcept;
};

/// A Transport that is told where stores are: the address of a new member travels in the configuration entry, and is
/// handed on here when that configuration comes into force.
///
/// The model promises:
///  6. After `set_peer(store, address)` mail for `store` goes to `address`; a connection to another address of the store is
///     closed. After `start` its own id is passed over. An address that cannot be used is a store that cannot be reached, and no more.
/// The caller promises:
///  7. `set_peer` is called where `send` is, before or after `start`, also with what is known already.
template <class T>
concept AddressedTransport = Transport<T> && requires(T& net, store_id store, std::string address) {
  net.set_peer(store, std::move(address));
};

}  // namespace tinykv::policy
