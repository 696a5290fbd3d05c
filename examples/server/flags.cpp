#include "flags.hpp"

#include <tinykv/raft/values/membership.hpp>

#include <CLI/CLI.hpp>

#include <charconv>
#include <iostream>
#include <optional>
#include <vector>

namespace {

constexpr char const* closing = R"(Start one server:
  tinykv-server --data-dir d --init

Start three on one machine (each in a directory of its own; --init only the first time):
  P=1=127.0.0.1:20161,2=127.0.0.1:20162,3=127.0.0.1:20163
  tinykv-server --store-id 1 --peers $P --data-dir d1 --init
  tinykv-server --store-id 2 --peers $P --data-dir d2 --init
  tinykv-server --store-id 3 --peers $P --data-dir d3 --init
  tinykv --endpoints 127.0.0.1:20161,127.0.0.1:20162,127.0.0.1:20163 status

Add a fourth, which needs no place in --peers; then the members remember its address:
  tinykv-server --store-id 4 --listen 127.0.0.1:20164 --peers $P --data-dir d4 --join
  tinykv --endpoints 127.0.0.1:20161 region add-peer 4 127.0.0.1:20164

Each flag is also a variable: --data-dir is TINYKV_DATA_DIR. --config reads `data-dir = "d"`, a line each.
The port also answers GET /healthz, /metrics and /version. SIGTERM and SIGINT end it cleanly; a
second one ends it at once.)";

constexpr std::uint16_t default_port = 20160;

/// "2=host:20160": a store and where it is.
std::optional<std::pair<tinykv::store_id, std::string>> parse_peer(std::string const& text) {
  auto const equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size()) return {};
  std::uint64_t number = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + equals, number);
  if (problem != std::errc{} || end != text.data() + equals || number == 0) return {};
  return std::pair{tinykv::store_id{number}, text.substr(equals + 1)};
}

/// Fills `out.peers`, and what follows from it; gives what is wrong, or nothing.
std::optional<std::string> settle(flags& out, std::vector<std::string> const& peers) {
  for (auto const& text : peers) {
    auto const peer = parse_peer(text);
    if (!peer) return "--peers has '" + text + "'; it must be like 2=127.0.0.1:20162";
    if (!out.peers.insert(*peer).second) return "--peers names store " + std::to_string(peer->first.value) + " twice";
  }
  auto const self = out.peers.find(out.store);
  if (!out.peers.empty() && self == out.peers.end() && (out.init || out.listen.empty()))
    return "--peers does not name this store; add " + std::to_string(out.store.value) + "=H:P, or correct --store-id" +
           (out.init ? "" : "; a store that was added later needs --listen instead");
  auto const alone = "127.0.0.1:" + std::to_string(default_port);
  if (out.listen.empty()) out.listen = self == out.peers.end() ? alone : self->second;
  if (out.advertise.empty()) out.advertise = self == out.peers.end() ? out.listen : self->second;
  out.peers[out.store] = out.advertise;
  if (out.init && out.join) return "--init begins a cluster and --join waits for one; give one of them";
  for (auto const& [store, address] : out.peers)
    if (address.size() > tinykv::raft::member::address_bytes_max)
      return "the address of store " + std::to_string(store.value) + " is longer than " +
             std::to_string(tinykv::raft::member::address_bytes_max) + " bytes";
  if (out.storage == "sqlite" && out.data_dir.empty()) return "--data-dir is missing: where shall the data be?";
  return {};
}

}  // namespace

int complain(std::string const& what) {
  std::cerr << "tinykv-server: " << what << std::endl;
  return 1;
}

void settle_port(flags& with, std::uint16_t number) {
  for (auto* const address : {&with.listen, &with.advertise, &with.peers[with.store]})
    if (address->ends_with(":0")) address->replace(address->size() - 1, 1, std::to_string(number));
}

parsed_flags parse_flags(int argc, char** argv) {
  CLI::App app{"One store of a tinykv cluster: a replicated, durable, linearizable key/value store.", "tinykv-server"};
  app.footer(closing);
  app.set_version_flag("--version", std::string{"tinykv-server "} + TINYKV_VERSION);
  app.set_config("--config", "", "read flags from this file");
  app.allow_config_extras(CLI::config_extras_mode::error);
  parsed_flags out;
  auto& f = out.value;
  std::vector<std::string> peers;
  app.add_option("--data-dir", f.data_dir, "directory of the data; made when missing")->envname("TINYKV_DATA_DIR");
  app.add_option("--listen", f.listen,
                 "H:P to listen on, port 0: any free one (default: this store's address in --peers, else 127.0.0.1:20160)")
      ->envname("TINYKV_LISTEN");
  app.add_option("--advertise", f.advertise, "H:P by which clients and stores reach this one, if it differs")
      ->envname("TINYKV_ADVERTISE");
  app.add_option("--store-id", f.store.value, "number of this store, for ever")
      ->envname("TINYKV_STORE_ID")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--cluster-id", f.cluster.value, "number of the cluster; others are refused")
      ->envname("TINYKV_CLUSTER_ID")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--peers", peers, "the first stores, 1=H:P,2=H:P,...; the same on each (default: this one alone)")
      ->delimiter(',')->envname("TINYKV_PEERS");
  app.add_option("--storage", f.storage, "sqlite: survives anything; memory: a stopped server does not return under its id")
      ->envname("TINYKV_STORAGE")->check(CLI::IsMember({"sqlite", "memory"}))->capture_default_str();
  app.add_flag("--init", f.init, "an empty directory begins a cluster whose first members are all of --peers");
  app.add_flag("--join", f.join, "an empty directory waits to be added to the running cluster of --peers (tinykv region add-peer)");
  app.add_option("--log-entries-max", f.log_entries_max, "a log with more applied entries is compacted")
      ->envname("TINYKV_LOG_ENTRIES_MAX")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--log-bytes-max", f.log_bytes_max, "the same in bytes; K, M and G may follow the number")
      ->envname("TINYKV_LOG_BYTES_MAX")->transform(CLI::AsSizeValue(false))->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--snapshot-rate", f.snapshot_rate, "bytes per second of all snapshots that this store sends")
      ->envname("TINYKV_SNAPSHOT_RATE")->transform(CLI::AsSizeValue(false))->check(CLI::PositiveNumber)->capture_default_str();
  bool print_config = false;
  app.add_flag("--print-config", print_config, "print the configuration in force and end")->configurable(false);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& problem) {
    if (problem.get_exit_code() == 0) return {false, app.exit(problem), {}};  // --help, --version
    complain(std::string{problem.what()} + " (see tinykv-server --help)");
    return {false, 2, {}};
  }
  if (auto const wrong = settle(f, peers)) {
    complain(*wrong);
    return {false, 2, {}};
  }
  if (print_config) {
    std::cout << app.config_to_str(true);
    return {false, 0, {}};
  }
  out.go_on = true;
  return out;
}
