// The counter over storage::memory_log. Shows what a volatile log promises: when all three nodes were stopped, nothing is
// left; and one node that comes back alone is refused by the others, because it has forgotten what it promised them.

#include "three_nodes.hpp"

#include <tinykv/storage/memory_log.hpp>
#include <tinykv/transport/loopback.hpp>

struct in_memory : tinykv::defaults {
  using machine = counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};

int main() {
  boost::asio::io_context io;
  tinykv::transport::loopback::hub hub;
  three_nodes<in_memory> cluster{io, [&](std::uint64_t id) { return tinykv::parts<in_memory>{{}, {}, {hub, tinykv::store_id{id}}}; }};
  cluster.start_all();
  for (int i = 0; i < 3; ++i) std::cout << "up -> " << cluster.up() << '\n';
  cluster.stop_all();
  cluster.start_all();
  std::cout << "all three started again: read -> " << cluster.read(1) << '\n';
  cluster.stop(3);
  std::cout << "two of three: up -> " << cluster.up() << '\n';
  cluster.start(3);
  auto const reason = cluster.refusal_of(3);
  std::cout << "node 3 alone comes back: " << (reason.find("another data directory") != std::string::npos ? "refused" : reason) << '\n';
  cluster.stop_all();
}
