#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/testing/cluster.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tinykv::testing {

/// Makes the command of a call. `number` differs for every call and must be in the command, since a cluster tells proposals
/// apart by their bytes.
using command_maker = std::function<bytes(random& chance, std::uint64_t number)>;

/// Clients of a simulated cluster: each does one call at a time, a write or a read, at the store it believes to lead, and
/// goes where it is sent; every other one is stubborn and stays when it gets no answer. A client takes an unknown outcome
/// for what it is: it never repeats a command.
template <class Cluster>
class workload {
 public:
  /// Starts `clients` clients on `target`, which must outlive the workload.
  workload(Cluster& target, std::uint32_t clients, command_maker make) : body_(std::make_shared<body>(target, std::move(make))) {
    body_->clients.resize(clients);
    for (std::size_t i = 0; i < clients; ++i) body_->think(i);
  }
  /// No new calls from now on.
  ~workload() { stop(); }
  workload(workload const&) = delete;
  workload& operator=(workload const&) = delete;

  /// No new calls from now on; open ones end as they do.
  void stop() { body_->stopped = true; }
  /// Begins to count anew.
  void reset_counts() {
    for (auto& each : body_->clients) each.successes = 0;
  }
  /// True iff every client has had `count` writes and reads answered since the last reset.
  bool all_served(std::uint64_t count) const {
    for (auto const& each : body_->clients)
      if (each.successes < count) return false;
    return true;
  }

 private:
  struct client {
    store_id guess;  // who leads
    std::uint64_t successes = 0;
  };
  struct body : std::enable_shared_from_this<body> {
    body(Cluster& t, command_maker m) : target(t), world(t.world()), make(std::move(m)) {}

    void think(std::size_t who) {
      auto const pause = world.between(std::chrono::microseconds{200}, std::chrono::milliseconds{15});
      world.after(pause, [self = this->weak_from_this(), who] {
        if (auto const alive = self.lock(); alive && !alive->stopped) alive->call(who);
      });
    }
    void call(std::size_t who) {
      auto& me = clients[who];
      auto const astray = world.chance().chance(200);
      if (me.guess == store_id{} || astray) me.guess = any();
      auto const at = me.guess;
      auto const patience = world.between(std::chrono::milliseconds{10}, std::chrono::milliseconds{800});
      auto const writes = world.chance().chance(600);
      auto const number = ++calls;
      world.note(sim::occurrence::call, who, number, writes ? 1 : 0, at.value);
      if (writes) {
        auto command = make(world.chance(), number);
        target.propose(at, std::move(command), patience, [self = this->weak_from_this(), who, number](auto got) {
          if (auto const alive = self.lock()) alive->ended(who, number, got, got ? got->at : log_index{});
        });
      } else {
        target.read(at, patience, [self = this->weak_from_this(), who, number](result<log_index> got) {
          if (auto const alive = self.lock()) alive->ended(who, number, got, got ? *got : log_index{});
        });
      }
    }
    template <class Result>
    void ended(std::size_t who, std::uint64_t number, Result const& got, log_index at) {
      auto& me = clients[who];
      if (got) {
        ++me.successes;
      } else {
        auto const& why = got.error();
        // A stubborn client fills the log of a leader that is cut off; others would soon leave it alone.
        if (why.code == error_code::not_leader) me.guess = store_id{why.hint};
        else if (who % 2 == 0) me.guess = {};
      }
      auto const how = got ? 0 : static_cast<std::uint64_t>(got.error().outcome);
      auto const code = got ? 0 : static_cast<std::uint64_t>(got.error().code);
      world.note(sim::occurrence::answer, who, number, how, at.value, code);
      think(who);
    }
    store_id any() { return target.stores()[static_cast<std::size_t>(world.chance().below(target.stores().size()))]; }

    Cluster& target;
    sim::world& world;
    command_maker make;
    bool stopped = false;
    std::uint64_t calls = 0;
    std::vector<client> clients;
  };
  std::shared_ptr<body> body_;
};

}  // namespace tinykv::testing
