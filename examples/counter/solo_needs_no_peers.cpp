// The counter with `using consensus = raft::solo`: the same contracts, one node, nobody to ask. Shows that a composition
// can begin without replication; what commits is what its own log holds.

#include "counter.hpp"

#include <tinykv/node/node.hpp>
#include <tinykv/raft/solo.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/transport/loopback.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>

using namespace std::chrono_literals;

struct alone : tinykv::defaults {
  using consensus = tinykv::raft::solo;
  using machine = counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};

int main() {
  boost::asio::io_context io;
  tinykv::runtime::asio_executor executor{io};
  tinykv::transport::loopback::hub hub;
  tinykv::node<alone> node{{tinykv::cluster_id{1}, tinykv::store_id{1}},
                           {{}, {}, {hub, tinykv::store_id{1}}},
                           executor,
                           tinykv::raftstore::static_cluster({1}, 7)};
  for (int i = 0; i < 3; ++i)
    node.async_propose(tinykv::bytes::copy_of("up"), 1s, [&, i](tinykv::result<std::int64_t> reply) {
      std::cout << "up -> " << (reply ? std::to_string(*reply) : reply.error().detail) << '\n';
      if (i == 2) node.async_stop([](auto) { std::cout << "one node, no peers\n"; });
    });
  io.run();
}
