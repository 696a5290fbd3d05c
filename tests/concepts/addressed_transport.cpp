#include <tinykv/policy/transport.hpp>

#include <tinykv/sim/network.hpp>
#include <tinykv/transport/loopback.hpp>

using namespace tinykv;

namespace {

struct fits {
  result<done> start(store_identity const&, policy::receive_sink&) { return done{}; }
  void send(store_id, policy::envelope) noexcept {}
  void stop() noexcept {}
  void set_peer(store_id, std::string) {}
};
static_assert(policy::AddressedTransport<fits>);

struct knows_no_names : fits {
  void set_peer(store_id, std::uint32_t) {}  // an address is a text
};
static_assert(policy::Transport<knows_no_names>);
static_assert(!policy::AddressedTransport<knows_no_names>);

struct sends_nothing {
  void set_peer(store_id, std::string) {}
};
static_assert(!policy::AddressedTransport<sends_nothing>);

// These know their stores by other means: a store that is composed of them tells no address.
static_assert(policy::Transport<transport::loopback> && !policy::AddressedTransport<transport::loopback>);
static_assert(policy::Transport<sim::network> && !policy::AddressedTransport<sim::network>);

}  // namespace
