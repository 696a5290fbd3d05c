// Many idle groups in three stores of one process: memory per group, the cost of a tick, and how many messages leave in
// it. Heartbeats of all groups to one store are one message per tick. Usage: bench_idle_groups [--quick]

#include "support/measure.hpp"

#include <tinykv/raft/core.hpp>
#include <tinykv/raftstore/store.hpp>
#include <tinykv/runtime/manual_executor.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/transport/loopback.hpp>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

namespace {

using namespace tinykv;

struct counter {
  using reply = std::uint64_t;
  reply apply(log_index, std::string_view) { return ++value; }
  std::uint64_t value = 0;
};

struct sent {
  std::uint64_t envelopes = 0;
  std::uint64_t messages = 0;
};

// Loopback that counts what leaves.
class counted {
 public:
  counted(transport::loopback inner, std::shared_ptr<sent> into) : inner_(std::move(inner)), sent_(std::move(into)) {}
  result<done> start(store_identity const& self, policy::receive_sink& sink) { return inner_.start(self, sink); }
  void send(store_id to, policy::envelope mail) noexcept {
    ++sent_->envelopes;
    sent_->messages += mail.messages.size();
    inner_.send(to, std::move(mail));
  }
  void stop() noexcept { inner_.stop(); }

 private:
  transport::loopback inner_;
  std::shared_ptr<sent> sent_;
};

struct composition : defaults {
  using machine = counter;
  using log = storage::memory_log;
  using transport = counted;
  using executor = runtime::manual_executor;
  using clock = runtime::manual_clock;
};

struct host {
  runtime::manual_executor executor;
  std::shared_ptr<raftstore::store<composition>> store;
};

std::uint64_t resident_bytes() {
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  std::ifstream{"/proc/self/statm"} >> pages >> resident;
  return resident * 4096;
}

void measure(std::uint64_t groups, std::uint64_t ticks) {
  transport::loopback::hub hub;
  auto const out = std::make_shared<sent>();
  std::array<host, 3> hosts;
  auto const before = resident_bytes();
  for (std::uint64_t id = 1; id <= hosts.size(); ++id) {
    auto& h = hosts[static_cast<std::size_t>(id - 1)];
    auto options = raftstore::static_cluster({1, 2, 3}, id);
    parts<composition> p{{}, {}, counted{{hub, store_id{id}}, out}, runtime::manual_clock{h.executor}};
    for (std::uint64_t g = 2; g <= groups; ++g) {
      auto more = options.first_group;
      more.group = group_id{g};
      p.more.push_back({std::move(more), {}});
    }
    h.store = raftstore::store<composition>::create({cluster_id{1}, store_id{id}}, std::move(p), h.executor, options);
  }
  auto const tick = [&] {
    for (auto& h : hosts) h.executor.advance(std::chrono::milliseconds{100});
    for (auto more = true; more;) {
      more = false;
      for (auto& h : hosts) more = h.executor.run_all() > 0 || more;
    }
  };
  for (int i = 0; i < 100; ++i) tick();  // elections are over
  auto const bytes = resident_bytes() - before;
  *out = {};
  bench::stopwatch watch;
  for (std::uint64_t i = 0; i < ticks; ++i) tick();
  bench::report(std::to_string(groups) + " idle groups in 3 stores, group ticks", groups * hosts.size() * ticks, watch);
  std::printf("  %" PRIu64 " bytes per group and store; %.2f envelopes and %.1f messages leave a store per tick\n",
              bytes / (groups * hosts.size()), static_cast<double>(out->envelopes) / static_cast<double>(ticks * hosts.size()),
              static_cast<double>(out->messages) / static_cast<double>(ticks * hosts.size()));
}

}  // namespace

int main(int argc, char** argv) {
  auto const quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  for (std::uint64_t const groups : {1U, 10U, 100U, 1000U}) measure(groups, quick ? 20 : 200);
}
