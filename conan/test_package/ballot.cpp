// A replicated state machine made from the package: three replicas of a ballot in one process. Votes are cast at whichever
// leads, and each replica must count the same.

#include <tinykv/node/node.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/transport/loopback.hpp>
#include <tinykv/version.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdlib>
#include <iostream>
#include <list>
#include <map>
#include <random>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct ballot {
  using reply = int;
  reply apply(tinykv::log_index, std::string_view candidate) { return ++votes[std::string{candidate}]; }
  std::map<std::string, int> votes;
};

struct composition : tinykv::defaults {
  using machine = ballot;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};

int main() {
  asio::io_context io;
  tinykv::runtime::asio_executor executor{io};
  tinykv::transport::loopback::hub hub;
  std::list<tinykv::node<composition>> nodes;
  for (std::uint64_t id : {1, 2, 3})
    nodes.emplace_back(tinykv::identity{tinykv::cluster_id{1}, tinykv::store_id{id}},
                       tinykv::parts<composition>{{}, {}, {hub, tinykv::store_id{id}}}, executor,
                       tinykv::raftstore::static_cluster({1, 2, 3}, std::random_device{}()));

  int agreed = 0;
  asio::co_spawn(io, [&]() -> asio::awaitable<void> {
    for (std::string candidate : {"ada", "grace", "ada"})
      for (bool cast = false; !cast;)
        for (auto& node : nodes) {
          cast = (co_await node.async_propose(tinykv::bytes::copy_of(candidate), 5s, asio::use_awaitable)).has_value();
          if (cast) break;
          co_await asio::steady_timer{io, 10ms}.async_wait(asio::use_awaitable);
        }
    for (auto& node : nodes) {
      auto votes = co_await node.async_read([](ballot const& b) { return b.votes; }, 5s, asio::use_awaitable);
      agreed += votes && *votes == std::map<std::string, int>{{"ada", 2}, {"grace", 1}};
    }
    for (auto& node : nodes) co_await node.async_stop(asio::use_awaitable);
  }, asio::detached);
  io.run();
  std::cout << "tinykv " << tinykv::library_version.major_number << '.' << tinykv::library_version.minor_number << ": "
            << agreed << " of 3 replicas count ada 2, grace 1\n";
  return agreed == 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
