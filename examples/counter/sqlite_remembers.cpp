// The counter over storage::sqlite_log: one line of the composition is another one. Shows what a durable log promises: all
// three nodes are stopped and started again, and the counter is where it was; a node that comes back alone is welcome.

#include "three_nodes.hpp"

#include <tinykv/storage/sqlite/sqlite_log.hpp>
#include <tinykv/transport/loopback.hpp>

#include <cstdlib>
#include <filesystem>

struct on_disk : tinykv::defaults {
  using machine = counter;
  using log = tinykv::storage::sqlite_log;
  using transport = tinykv::transport::loopback;
};

int main() {
  boost::asio::io_context io;
  tinykv::transport::loopback::hub hub;
  auto name = (std::filesystem::temp_directory_path() / "tinykv-counter-XXXXXX").string();
  std::filesystem::path const home = ::mkdtemp(name.data());
  auto const open = [&](std::uint64_t id) {
    tinykv::storage::sqlite_log_options options;
    options.path = (home / (std::to_string(id) + ".log")).string();
    auto log = tinykv::storage::sqlite_log::open(options);
    if (!log) {
      std::cerr << log.error().detail << '\n';
      std::exit(1);
    }
    return tinykv::parts<on_disk>{{}, std::move(*log), {hub, tinykv::store_id{id}}};
  };
  {
    three_nodes<on_disk> cluster{io, open};
    cluster.start_all();
    for (int i = 0; i < 3; ++i) std::cout << "up -> " << cluster.up() << '\n';
    cluster.stop_all();
    cluster.start_all();
    std::cout << "all three started again: read -> " << cluster.read(1) << '\n';
    cluster.stop(3);
    std::cout << "two of three: up -> " << cluster.up() << '\n';
    cluster.start(3);
    std::cout << "node 3 alone comes back: read -> " << cluster.read(3) << '\n';
    cluster.stop_all();
  }
  std::filesystem::remove_all(home);
}
