// The counter over transport::websocket: the three nodes talk through real sockets, each behind a port of its own, and
// could be on three hosts. One line of the composition is another one.

#include "three_nodes.hpp"

#include <tinykv/storage/memory_log.hpp>
#include <tinykv/transport/websocket.hpp>

#include <cstdlib>

struct over_sockets : tinykv::defaults {
  using machine = counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::websocket;
};

int main() {
  boost::asio::io_context io;
  std::map<std::uint64_t, tinykv::transport::port> ports;
  for (std::uint64_t id : {1, 2, 3}) {
    tinykv::transport::port_options options;
    options.listen = "127.0.0.1:0";  // any free port
    options.cluster = tinykv::cluster_id{1};
    auto port = tinykv::transport::port::open(io, options);
    if (!port) {
      std::cerr << port.error().detail << '\n';
      return 1;
    }
    ports.emplace(id, std::move(*port));
  }
  std::map<tinykv::store_id, std::string> peers;
  for (auto const& [id, port] : ports) peers[tinykv::store_id{id}] = port.advertised();
  three_nodes<over_sockets> cluster{io, [&](std::uint64_t id) {
                                      return tinykv::parts<over_sockets>{{}, {}, {ports.at(id), peers}};
                                    }};
  cluster.start_all();
  for (int i = 0; i < 3; ++i) std::cout << "up -> " << cluster.up() << '\n';
  for (std::uint64_t id : {1, 2, 3}) std::cout << "node " << id << ": read -> " << cluster.read(id) << '\n';
  auto const& counted = ports.at(1).counters();
  std::cout << "through sockets: " << (counted.mails_sent > 0 && counted.mails_received > 0 ? "yes" : "no") << '\n';
  cluster.stop_all();
}
