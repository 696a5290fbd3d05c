// The Raft core alone, in memory: what an entry costs from `propose` to `applied` on three peers, one by one and in
// batches, and what a tick of idle groups costs. Usage: bench_core [--quick]

#include "support/measure.hpp"

#include <tinykv/raft/core.hpp>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

namespace {

using namespace tinykv;

// Three peers of one group whose disks and network answer at once.
class trio {
 public:
  explicit trio(std::uint64_t seed) {
    raft::membership group;
    for (std::uint64_t id : {1, 2, 3}) group.voters.push_back({peer_id{id}, store_id{id}});
    for (std::uint64_t id : {1, 2, 3}) {
      raft::options options;
      options.self = peer_id{id};
      options.seed = seed * 3 + id;
      peers_.push_back(std::make_unique<raft::core>(options));
      raft::start_state start;
      start.truncated.configuration = group;
      static_cast<void>(peers_.back()->recover(std::move(start)));
    }
    while (!leader()) tick();
  }
  raft::core* leader() {
    for (auto& p : peers_)
      if (p->brief().role == raft::role::leader) return p.get();
    return nullptr;
  }
  void tick() {
    for (auto& p : peers_) p->tick();
    settle();
  }
  // Until nothing is ready: every write is durable at once, every message arrives.
  void settle() {
    for (auto busy = true; busy;) {
      busy = false;
      for (auto& p : peers_)
        while (p->has_ready()) {
          busy = true;
          auto out = p->take_ready();
          p->persisted(out.number);
          if (!out.committed.empty()) p->applied(out.committed.back().index);
          for (auto& m : out.early) mail_.push_back(std::move(m));
          for (auto& m : out.late) mail_.push_back(std::move(m));
        }
      for (auto& m : std::exchange(mail_, {})) peers_[static_cast<std::size_t>(m.to.value - 1)]->step(std::move(m));
    }
  }

 private:
  std::vector<std::unique_ptr<raft::core>> peers_;
  std::vector<raft::message> mail_;
};

void entries(std::uint64_t total, std::uint64_t batch, std::size_t size) {
  trio group{1};
  auto const command = bytes::copy_of(std::string(size, 'x'));
  bench::stopwatch watch;
  for (std::uint64_t done = 0; done < total; done += batch) {
    auto* lead = group.leader();
    for (std::uint64_t i = 0; i < batch; ++i)
      if (!lead->propose(command, lead->brief().term)) std::abort();
    group.settle();
  }
  bench::report("3 peers, " + std::to_string(size) + " B entries, batches of " + std::to_string(batch), total, watch);
}

void idle_groups(std::uint64_t groups, std::uint64_t ticks) {
  std::vector<std::unique_ptr<trio>> all;
  for (std::uint64_t i = 0; i < groups; ++i) all.push_back(std::make_unique<trio>(i));
  bench::stopwatch watch;
  for (std::uint64_t t = 0; t < ticks; ++t)
    for (auto& g : all) g->tick();
  bench::report("tick of an idle group of 3 (" + std::to_string(groups) + " groups)", groups * ticks, watch);
}

}  // namespace

int main(int argc, char** argv) {
  auto const quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  std::uint64_t const n = quick ? 200'000 : 2'000'000;
  entries(n / 4, 1, 256);
  entries(n, 16, 256);
  entries(n, 128, 256);
  idle_groups(1000, quick ? 50 : 500);
}
