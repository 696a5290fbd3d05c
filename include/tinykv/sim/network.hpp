#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/policy/transport.hpp>
#include <tinykv/sim/world.hpp>

#include <cstdint>
#include <utility>

namespace tinykv::sim {

/// A simulated store's end of the network: delays, loses, repeats and reorders as the world's faults and links say.
/// Connections carry the identity of the sender's start; a message to a start that has ended vanishes, one *from* it may
/// still arrive.
class network {
 public:
  /// The end at the host of `store`, in its present life.
  network(world& in, store_id store) : in_(&in), on_(&in.host(store)), life_(on_->life) {}
  /// Moves the duty to stop.
  network(network&& other) noexcept : in_(other.in_), on_(std::exchange(other.on_, nullptr)), life_(other.life_) {}
  /// Moves the duty to stop.
  network& operator=(network&& other) noexcept {
    std::swap(in_, other.in_);
    std::swap(on_, other.on_);
    std::swap(life_, other.life_);
    return *this;
  }
  /// As `stop()`.
  ~network() { stop(); }

  /// Opens the ears.
  result<done> start(store_identity const& self, policy::receive_sink& sink);
  /// Sends `mail` on its way, by the connection to `to`, which is opened at the first message.
  void send(store_id to, policy::envelope mail) noexcept;
  /// Closes the ears. Messages on their way to others still arrive.
  void stop() noexcept;

 private:
  bool usable() const noexcept { return on_ != nullptr && life_ == on_->life && on_->sink != nullptr; }

  world* in_;
  host* on_;
  std::uint64_t life_;
};

static_assert(policy::Transport<network>);

}  // namespace tinykv::sim

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/sim/impl/network.ipp>
#endif
