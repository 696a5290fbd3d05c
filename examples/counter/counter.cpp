// Three replicas of a counter in one process. Shows: a composition, a proposal, a linearizable read from every node.
// Start it without arguments; it prints the answers and ends. The files beside it swap one policy each (README.md).

#include "counter.hpp"

#include <tinykv/node/node.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/transport/loopback.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>
#include <list>
#include <random>

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct in_memory : tinykv::defaults {                  // what is promised
  using machine = counter;                             // what is replicated
  using log = tinykv::storage::memory_log;             // swap: storage::sqlite_log   -> survives kill -9
  using transport = tinykv::transport::loopback;       // swap: transport::websocket  -> many hosts
};                                                     // add:  using consensus = raft::solo -> one node

int main() {
  asio::io_context io;
  tinykv::runtime::asio_executor executor{io};
  tinykv::transport::loopback::hub hub;
  std::list<tinykv::node<in_memory>> nodes;
  for (std::uint64_t id : {1, 2, 3})
    nodes.emplace_back(tinykv::identity{tinykv::cluster_id{1}, tinykv::store_id{id}},
                       tinykv::parts<in_memory>{{}, {}, {hub, tinykv::store_id{id}}}, executor,
                       tinykv::raftstore::static_cluster({1, 2, 3}, std::random_device{}()));

  asio::co_spawn(io, [&]() -> asio::awaitable<void> {
    for (int done = 0; done < 3;)                      // ask every node in turn; the one that leads answers
      for (auto& node : nodes)
        if (auto reply = co_await node.async_propose(tinykv::bytes::copy_of("up"), 2s, asio::use_awaitable); reply)
          std::cout << "up -> " << *reply << '\n', ++done;
        else
          co_await asio::steady_timer{io, 10ms}.async_wait(asio::use_awaitable);
    for (auto& node : nodes) {
      auto value = co_await node.async_read([](counter const& c) { return c.value; }, 5s, asio::use_awaitable);
      std::cout << "read -> " << (value ? std::to_string(*value) : value.error().detail) << '\n';
    }
    for (auto& node : nodes) co_await node.async_stop(asio::use_awaitable);
  }, asio::detached);
  io.run();
}
