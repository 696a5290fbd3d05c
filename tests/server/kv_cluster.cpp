// Three stores, their services and a client in one process, on an executor that is turned by hand: the whole path of a
// request without a network.

#include <tinykv/client/kv_client.hpp>
#include <tinykv/server/kv_service.hpp>

#include "support/catch.hpp"

#include <tinykv/kv/kv_machine.hpp>
#include <tinykv/raft/core.hpp>
#include <tinykv/raftstore/store.hpp>
#include <tinykv/runtime/manual_executor.hpp>
#include <tinykv/storage/memory_kv.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/transport/loopback.hpp>
#include <tinykv/transport/loopback_rpc.hpp>

#include <map>

using namespace tinykv;
using namespace std::chrono_literals;

namespace {

struct composition : defaults {
  using machine = kv::kv_machine<storage::memory_kv>;
  using log = storage::memory_log;
  using transport = transport::loopback;
  using executor = runtime::manual_executor;
  using clock = runtime::manual_clock;
};
using store = raftstore::store<composition>;
using service = server::kv_service<store, runtime::manual_executor>;

std::string name_of(std::uint64_t id) { return "host:" + std::to_string(id); }

struct cluster {
  struct member {
    std::shared_ptr<raftstore::store<composition>> store;
    transport::loopback_rpc rpc;
  };

  cluster() {
    for (std::uint64_t id = 1; id <= 3; ++id) start(id);
    executor.run_for(5s);
  }

  void start(std::uint64_t id) {
    region const whole{group_id{1}, "", "", {1, 1}, {}};
    auto machine = composition::machine::open(storage::memory_kv{kv::family_names()}, group_id{1});
    REQUIRE(machine);
    REQUIRE(machine->bootstrap(whole));
    raftstore::options options;
    options.seed = id;
    options.first_group.first_start = raftstore::first_start::bootstrap;
    options.first_group.start = kv::first_position;
    options.first_group.configuration = raftstore::static_members({1, 2, 3});
    parts<composition> opened{std::move(*machine), {}, {mail, store_id{id}}, runtime::manual_clock{executor}};
    auto made = store::create({cluster_id{1}, store_id{id}}, std::move(opened), executor, options);
    REQUIRE_FALSE(made->failed());
    server::kv_service_options serving;
    serving.store = store_id{id};
    serving.addresses = {{store_id{1}, name_of(1)}, {store_id{2}, name_of(2)}, {store_id{3}, name_of(3)}};
    transport::loopback_rpc rpc{calls, name_of(id), executor};
    REQUIRE(rpc.serve(service{*made, executor, serving}));
    servers.emplace(id, member{made, std::move(rpc)});
  }
  void stop(std::uint64_t id) {
    auto& gone = servers.at(id);
    gone.rpc.stop();
    gone.store->stop([] {});
    executor.run_for(1s);
    servers.erase(id);
  }

  std::uint64_t leader() {
    for (auto& [id, each] : servers)
      for (auto const& group : each.store->status_now().groups)
        if (group.raft.role == raft::role::leader) return id;
    return 0;
  }

  wire::kv_answer ask(wire::kv_request const& request, std::vector<std::string> const& endpoints) {
    client::kv_client_options options;
    options.endpoints = endpoints;
    client::kv_client client{caller, executor, clock, options};
    std::optional<wire::kv_answer> got;
    client.ask(request, 10s, [&](wire::kv_answer answer) { got = std::move(answer); });
    for (int turns = 0; turns < 1500 && !got; ++turns) executor.run_for(10ms);
    REQUIRE(got);
    return *got;
  }

  runtime::manual_executor executor;
  runtime::manual_clock clock{executor};
  transport::loopback::hub mail;
  transport::loopback_rpc::hub calls;
  transport::loopback_rpc caller{calls, "client", executor};
  std::map<std::uint64_t, member> servers;
};

wire::write_request put(std::string key, std::string value) { return {{}, {{std::move(key), std::move(value), false, {}}}}; }
std::optional<std::string> value_of(wire::kv_answer const& answer) {
  REQUIRE(answer);
  return std::get<wire::get_reply>(*answer).value;
}

}  // namespace

TEST_CASE("a write sent to any server is done, and every server reads it at once", "[server][cluster]") {
  cluster c;
  REQUIRE(c.leader() != 0);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    auto const value = std::to_string(id);
    REQUIRE(c.ask(put("k", value), {name_of(id)}));
    for (std::uint64_t reader = 1; reader <= 3; ++reader)
      CHECK(value_of(c.ask(wire::get_request{{}, "k"}, {name_of(reader)})) == value);
  }
}

TEST_CASE("a client finds the new leader when the old one is gone", "[server][cluster]") {
  cluster c;
  std::vector<std::string> const all{name_of(1), name_of(2), name_of(3)};
  REQUIRE(c.ask(put("k", "1"), all));
  auto const old = c.leader();
  c.stop(old);
  REQUIRE(c.ask(put("l", "2"), all));
  CHECK(c.leader() != old);
  CHECK(value_of(c.ask(wire::get_request{{}, "k"}, all)) == "1");
  CHECK(value_of(c.ask(wire::get_request{{}, "l"}, all)) == "2");
}

TEST_CASE("without a majority a write is not acknowledged and a read is not answered", "[server][cluster]") {
  cluster c;
  auto const leader = c.leader();
  for (std::uint64_t id = 1; id <= 3; ++id)
    if (id != leader) c.stop(id);
  CHECK_FALSE(c.ask(put("k", "1"), {name_of(leader)}));
  CHECK_FALSE(c.ask(wire::get_request{{}, "k"}, {name_of(leader)}));
}

TEST_CASE("of many compare-and-sets that expect the same value one is done", "[server][cluster]") {
  cluster c;
  REQUIRE(c.ask(put("k", "0"), {name_of(1)}));
  client::kv_client_options options;
  options.endpoints = {name_of(1), name_of(2), name_of(3)};
  client::kv_client client{c.caller, c.executor, c.clock, options};
  int answered = 0;
  int done = 0;
  for (int i = 1; i <= 20; ++i)
    client.ask(wire::write_request{{}, {{"k", std::to_string(i), true, "0"}}}, 10s, [&](wire::kv_answer answer) {
      ++answered;
      REQUIRE(answer);
      if (std::get<wire::write_reply>(*answer).done) ++done;
    });
  c.executor.run_for(10s);
  CHECK(answered == 20);
  CHECK(done == 1);
}
