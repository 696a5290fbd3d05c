// A client of real servers: puts and gets of 256 B values under random keys, with 1, 32 and 512 requests in flight.
// Started by scripts/bench kv, which runs the servers. Usage: bench_kv [--quick] H:P,H:P,... [server-pid...]

#include "support/measure.hpp"

#include <tinykv/client/kv_client.hpp>
#include <tinykv/core/random.hpp>
#include <tinykv/runtime/asio_executor.hpp>
#include <tinykv/runtime/steady_clock.hpp>
#include <tinykv/transport/websocket_rpc.hpp>

#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>

namespace {

using namespace tinykv;

std::vector<std::string> split(std::string const& text) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string part; std::getline(in, part, ',');) out.push_back(part);
  return out;
}

// User and system time of other processes, in seconds (proc(5), fields 14 and 15 of stat).
double cpu_of(std::vector<std::string> const& processes) {
  double ticks = 0;
  for (auto const& pid : processes) {
    std::ifstream in{"/proc/" + pid + "/stat"};
    std::string text;
    std::getline(in, text);
    std::istringstream rest{text.substr(text.rfind(')') + 2)};
    std::string field;
    for (int i = 3; i <= 15 && rest >> field; ++i)
      if (i >= 14) ticks += std::stod(field);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments{argv + 1, argv + argc};
  auto const quick = !arguments.empty() && arguments.front() == "--quick";
  if (quick) arguments.erase(arguments.begin());
  if (arguments.empty()) {
    std::fprintf(stderr, "usage: bench_kv [--quick] H:P,H:P,... [server-pid...]\n");
    return 2;
  }
  boost::asio::io_context home{1};
  runtime::asio_executor executor{home};
  runtime::steady_clock clock;
  auto port = transport::port::open(home, {});
  if (!port) return 1;
  transport::websocket_rpc rpc{*port};
  client::kv_client_options options;
  options.endpoints = split(arguments.front());
  client::kv_client<transport::websocket_rpc, runtime::asio_executor, runtime::steady_clock> client{rpc, executor, clock, options};
  std::vector<std::string> const servers{arguments.begin() + 1, arguments.end()};

  tinykv::random dice{1};
  auto const key = [&] { return "key" + std::to_string(dice.below(100'000)); };
  auto const run = [&](std::string const& what, std::uint64_t total, std::uint64_t in_flight, std::function<wire::kv_request()> const& make) {
    std::uint64_t begun = 0;
    std::uint64_t done = 0;
    std::vector<double> latencies;
    std::function<void()> next = [&] {
      if (begun == total) return;
      ++begun;
      client.ask(make(), std::chrono::seconds{20}, [&, at = clock.now()](wire::kv_answer answer) {
        if (!answer) {
          std::fprintf(stderr, "%s: %s\n", what.c_str(), answer.error().reason.detail.c_str());
          std::exit(1);
        }
        latencies.push_back(std::chrono::duration<double, std::micro>(clock.now() - at).count());
        ++done;
        next();
      });
    };
    auto const cpu_before = cpu_of(servers);
    bench::stopwatch watch;
    for (std::uint64_t i = 0; i < in_flight; ++i) next();
    while (done < total) home.run_one();
    bench::report(what + ", " + std::to_string(in_flight) + " in flight (CPU: client)", total, watch, std::move(latencies));
    if (!servers.empty())
      std::printf("%-52s %27.2f us CPU/op\n", "  the servers together", (cpu_of(servers) - cpu_before) * 1e6 / static_cast<double>(total));
  };
  std::uint64_t const n = quick ? 1 : 10;
  std::string const value(256, 'v');
  auto elected = false;  // servers that were just started have no leader yet
  client.ask(wire::write_request{{}, {{"first", value, false, {}}}}, std::chrono::seconds{20}, [&](wire::kv_answer) { elected = true; });
  while (!elected) home.run_one();
  for (std::uint64_t const in_flight : {1, 32, 512}) {
    auto const total = (in_flight == 1 ? 500 : 5'000) * n;
    run("put", total, in_flight, [&] { return wire::write_request{{}, {{key(), value, false, {}}}}; });
    run("get, any server, linearizable", total, in_flight, [&] { return wire::get_request{{}, key()}; });
  }
  rpc.stop();
  port->stop();
  executor.stop();
}
