// Three stores of a counter in one process, through the whole path of a write: inbox, turn, log, loopback transport,
// apply, callback. Once with the volatile log and once with SQLite, with 1, 32 and 1024 proposals in flight.
// Usage: bench_replicate [--quick]

#include "support/measure.hpp"

#include <tinykv/node/node.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/storage/sqlite/sqlite_log.hpp>
#include <tinykv/transport/loopback.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace {

using namespace tinykv;
using clock_type = std::chrono::steady_clock;

struct counter {
  using reply = std::int64_t;
  reply apply(log_index, std::string_view) { return ++value; }
  std::int64_t value = 0;
};
template <class Log>
struct composition : defaults {
  using machine = counter;
  using log = Log;
  using transport = tinykv::transport::loopback;
};

template <class Log>
void run(std::string const& name, std::uint64_t total, std::uint64_t in_flight, std::function<Log(std::uint64_t)> open) {
  using store = raftstore::store<composition<Log>>;
  boost::asio::io_context io;
  transport::loopback::hub hub;
  std::list<runtime::asio_executor> executors;  // lanes of its own for each store, as in three processes
  std::vector<std::shared_ptr<store>> stores;
  for (std::uint64_t id : {1, 2, 3}) {
    auto options = raftstore::static_cluster({1, 2, 3}, id);
    stores.push_back(store::create({cluster_id{1}, store_id{id}}, {{}, open(id), {hub, store_id{id}}}, executors.emplace_back(io), options));
  }
  auto const leader = [&]() -> store* {
    for (auto& s : stores)
      if (auto const* core = s->peek(group_id{1}); core && core->brief().role == raft::role::leader) return s.get();
    return nullptr;
  };
  while (!leader()) io.run_one();

  auto const command = bytes::copy_of(std::string(256, 'x'));
  std::uint64_t begun = 0;
  std::uint64_t done = 0;
  std::vector<double> latencies;
  latencies.reserve(total);
  auto* const lead = leader();
  std::function<void()> next = [&] {
    if (begun == total) return;
    ++begun;
    lead->propose(group_id{1}, command, std::chrono::seconds{30}, [&, at = clock_type::now()](result<std::int64_t> r) {
      if (!r) {
        std::fprintf(stderr, "%s\n", r.error().detail.c_str());
        std::exit(1);
      }
      latencies.push_back(std::chrono::duration<double, std::micro>(clock_type::now() - at).count());
      ++done;
      next();
    });
  };
  bench::stopwatch watch;
  for (std::uint64_t i = 0; i < in_flight; ++i) next();
  while (done < total) io.run_one();
  bench::report(name + ", " + std::to_string(in_flight) + " in flight", total, watch, std::move(latencies));
  for (auto& s : stores) s->stop([] {});
  io.run_for(std::chrono::milliseconds{300});
}

}  // namespace

int main(int argc, char** argv) {
  auto const quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  std::uint64_t const n = quick ? 1 : 10;
  auto name = (std::filesystem::temp_directory_path() / "tinykv-bench-XXXXXX").string();
  std::filesystem::path const home = ::mkdtemp(name.data());
  int runs = 0;
  auto const memory = [](std::uint64_t) { return storage::memory_log{}; };
  auto const sqlite = [&](std::uint64_t id) {
    storage::sqlite_log_options options;
    options.path = (home / (std::to_string(runs) + "-" + std::to_string(id) + ".log")).string();
    auto log = storage::sqlite_log::open(options);
    if (!log) {
      std::fprintf(stderr, "%s\n", log.error().detail.c_str());
      std::exit(1);
    }
    return std::move(*log);
  };
  for (std::uint64_t const in_flight : {1, 32, 1024}) {
    auto const total = (in_flight == 1 ? 2'000 : 40'000) * n;
    run<storage::memory_log>("memory_log", total, in_flight, memory);
    ++runs;
    run<storage::sqlite_log>("sqlite_log", in_flight == 1 ? total / 2 : total, in_flight, sqlite);
  }
  std::filesystem::remove_all(home);
}
