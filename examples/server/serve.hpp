#pragma once

#include "door.hpp"
#include "flags.hpp"

#include <tinykv/kv/kv_machine.hpp>
#include <tinykv/raft/core.hpp>
#include <tinykv/raftstore/store.hpp>
#include <tinykv/runtime/asio_executor.hpp>
#include <tinykv/runtime/steady_clock.hpp>
#include <tinykv/server/admin_service.hpp>
#include <tinykv/server/kv_service.hpp>
#include <tinykv/transport/websocket.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <iostream>
#include <random>

/// A server of composition P: the store behind the one port of the process.
template <class P>
class kv_server {
 public:
  using store = tinykv::raftstore::store<P>;
  using service = tinykv::server::kv_service<store, tinykv::runtime::asio_executor>;
  using admin = tinykv::server::admin_service<store, tinykv::runtime::asio_executor>;

  kv_server(flags const& with, boost::asio::io_context& home, tinykv::transport::port& port, tinykv::parts<P> parts,
            tinykv::raftstore::options options)
      : executor_(home),
        metrics_(parts.observer),
        store_(store::create({with.cluster, with.store}, std::move(parts), executor_, std::move(options))),
        door_(home, port, metrics_, [this] { return failed(); }, [this, with] { return idle(with); }) {
    tinykv::server::kv_service_options options_of_service;
    options_of_service.store = with.store;
    options_of_service.addresses = with.peers;
    options_of_service.version = TINYKV_VERSION;
    service clients{*store_, executor_, std::move(options_of_service)};
    admin keepers{*store_, executor_, {with.store, with.peers}};
    door_.open([clients, keepers](tinykv::policy::rpc_request request, tinykv::duration patience, tinykv::policy::rpc_reply reply) {
      if (tinykv::wire::is_admin(request.method)) keepers(std::move(request), patience, std::move(reply));
      else clients(std::move(request), patience, std::move(reply));
    });
  }

  /// Why it does not serve: the store has failed, or its one group was fenced.
  std::optional<tinykv::failure> failed() const {
    auto const status = store_->status_now();
    if (status.failed || status.groups.empty()) return status.failed;
    return status.groups.front().fenced;
  }

  /// Why it has nothing to serve, though nothing is wrong; else nothing.
  std::string idle(flags const& with) const {
    auto const status = store_->status_now();
    if (status.failed || !status.groups.empty()) return {};
    if (!status.retired.empty())
      return "this store was removed from its region and serves nothing; stop it, or add it again: " + how_to_add(with) +
             " --peer N, with a number above those of all peers so far";
    return "this store is no member of a region yet; add it: " + how_to_add(with);
  }

  /// Serves until a signal or a failure; gives the exit code.
  int run() {
    door_.watch(
        [this] { return store_->status_now().refused_by; },
        [this](std::function<void()> close_port) {
          store_->stop([this, close_port = std::move(close_port)] {
            close_port();
            executor_.stop();
          });
        });
    executor_.context().run();
    return door_.end() ? complain(door_.end()->detail) : 0;
  }

 private:
  static std::string how_to_add(flags const& with) {
    return "tinykv region add-peer " + std::to_string(with.store.value) + " " + with.advertise;
  }

  tinykv::runtime::asio_executor executor_;
  tinykv::server::prometheus metrics_;
  std::shared_ptr<store> store_;
  door door_;
};

/// The store's numbers: a first group that holds all keys, on all of --peers.
inline tinykv::raftstore::options store_options(flags const& with) {
  using namespace tinykv;
  raftstore::options options;
  options.seed = std::uint64_t{std::random_device{}()} << 32;
  options.seed |= std::random_device{}();
  auto& first = options.first_group;
  first.start = kv::first_position;
  for (auto const& [id, address] : with.peers) first.configuration.voters.push_back({peer_id{id.value}, id, address});
  if (with.init) first.first_start = raftstore::first_start::bootstrap;
  if (with.join) first.first_start = raftstore::first_start::join;
  options.compaction.entries_max = with.log_entries_max;
  options.compaction.bytes_max = with.log_bytes_max;
  options.compaction.entries_kept = std::min(options.compaction.entries_kept, with.log_entries_max / 4);
  options.snapshots.bytes_per_second_max = with.snapshot_rate;
  return options;
}

/// The region that holds all keys.
inline tinykv::region whole_key_space(flags const& with) {
  tinykv::region out{tinykv::group_id{1}, "", "", {1, 1}, {}};
  for (auto const& [id, address] : with.peers)
    out.peers.push_back({tinykv::peer_id{id.value}, id, tinykv::peer_role::voter});
  return out;
}

/// Opens a server over an engine and a log, and serves.
template <class P, class Engine>
int serve(flags with, Engine engine, typename P::log log, typename P::snapshots snapshots) {
  using namespace tinykv;
  auto machine = P::machine::open(std::move(engine), group_id{1});
  if (!machine) return complain(machine.error().detail);
  // With a machine that forgets, the region is made anew at each start.
  if (with.init || (!P::machine::durable_state && !with.join))
    if (auto made = machine->bootstrap(whole_key_space(with)); !made) return complain(made.error().detail);

  boost::asio::io_context home{1};
  auto port = open_port(home, with);
  if (!port) return complain(port.error().detail);
  settle_port(with, port->number());
  auto others = with.peers;
  others.erase(with.store);
  parts<P> parts{std::move(*machine), std::move(log), transport::websocket{*port, std::move(others)}, {}, {}, std::move(snapshots)};
  kv_server<P> server{with, home, *port, std::move(parts), store_options(with)};
  if (server.failed()) return complain(server.failed()->detail);
  std::cout << "ready: store " << with.store.value << " of cluster " << with.cluster.value << " listens on "
            << with.listen << (with.data_dir.empty() ? "" : ", data in " + with.data_dir) << std::endl;
  return server.run();
}
