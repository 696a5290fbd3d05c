// Stores, their services and a client in one process, on an executor that is turned by hand: regions are shown, led by
// others, and get other members.

#include <tinykv/client/kv_client.hpp>
#include <tinykv/server/admin_service.hpp>
#include <tinykv/server/kv_service.hpp>

#include "support/catch.hpp"

#include <tinykv/kv/kv_machine.hpp>
#include <tinykv/raft/core.hpp>
#include <tinykv/raftstore/store.hpp>
#include <tinykv/runtime/manual_executor.hpp>
#include <tinykv/storage/memory_kv.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/storage/memory_snapshots.hpp>
#include <tinykv/transport/loopback.hpp>
#include <tinykv/transport/loopback_rpc.hpp>

#include <map>

using namespace tinykv;
using namespace std::chrono_literals;

namespace {

struct composition : defaults {
  using machine = kv::kv_machine<storage::memory_kv>;
  using log = storage::memory_log;
  using snapshots = storage::memory_snapshots;
  using transport = transport::loopback;
  using executor = runtime::manual_executor;
  using clock = runtime::manual_clock;
};
using store = raftstore::store<composition>;

std::string name_of(std::uint64_t id) { return "host:" + std::to_string(id); }
group_id const region_1{1};

struct cluster {
  struct member {
    std::shared_ptr<raftstore::store<composition>> store;
    transport::loopback_rpc rpc;
  };

  /// Stores 1 to `members` begin the region; the others, up to `all`, wait to be added.
  explicit cluster(std::uint64_t members = 3, std::uint64_t all = 3) {
    for (std::uint64_t id = 1; id <= members; ++id) configuration.voters.push_back({peer_id{id}, store_id{id}, name_of(id)});
    for (std::uint64_t id = 1; id <= all; ++id) start(id, id > members);
    executor.run_for(5s);
  }

  void start(std::uint64_t id, bool join) {
    region const whole{region_1, "", "", {1, 1}, {}};
    auto machine = composition::machine::open(storage::memory_kv{kv::family_names()}, region_1);
    REQUIRE(machine);
    if (!join) REQUIRE(machine->bootstrap(whole));
    raftstore::options options;
    options.seed = id;
    options.first_group.first_start = join ? raftstore::first_start::join : raftstore::first_start::bootstrap;
    options.first_group.start = kv::first_position;
    options.first_group.configuration = configuration;
    parts<composition> opened{std::move(*machine), {}, {mail, store_id{id}}, runtime::manual_clock{executor}};
    auto made = store::create({cluster_id{1}, store_id{id}}, std::move(opened), executor, options);
    REQUIRE_FALSE(made->failed());
    server::kv_service_options serving;
    serving.store = store_id{id};
    server::kv_service kv{*made, executor, serving};  // knows no address: the members say them
    server::admin_service admin{*made, executor, server::admin_service_options{store_id{id}, {}}};
    transport::loopback_rpc rpc{calls, name_of(id), executor};
    REQUIRE(rpc.serve([kv, admin](policy::rpc_request request, duration patience, policy::rpc_reply reply) {
      if (wire::is_admin(request.method)) admin(std::move(request), patience, std::move(reply));
      else kv(std::move(request), patience, std::move(reply));
    }));
    servers.emplace(id, member{made, std::move(rpc)});
  }
  void stop(std::uint64_t id) {
    auto& gone = servers.at(id);
    gone.rpc.stop();
    gone.store->stop([] {});
    executor.run_for(100ms);
    servers.erase(id);
  }
  std::uint64_t leader() {
    for (auto& [id, each] : servers)
      for (auto const& group : each.store->status_now().groups)
        if (group.raft.role == raft::role::leader) return id;
    return 0;
  }
  auto client(std::uint64_t first) {
    client::kv_client_options options;
    options.endpoints = {name_of(first)};
    return client::kv_client{caller, executor, clock, options};
  }
  wire::admin_answer ask(wire::admin_request const& request, std::uint64_t first, duration patience = 20s) {
    auto with = client(first);
    std::optional<wire::admin_answer> got;
    with.ask_admin(request, patience, [&](wire::admin_answer answer) { got = std::move(answer); });
    for (int turns = 0; turns < 4000 && !got; ++turns) executor.run_for(10ms);
    REQUIRE(got);
    return *got;
  }
  wire::kv_answer ask_kv(wire::kv_request const& request, std::uint64_t first) {
    auto with = client(first);
    std::optional<wire::kv_answer> got;
    with.ask(request, 10s, [&](wire::kv_answer answer) { got = std::move(answer); });
    for (int turns = 0; turns < 1500 && !got; ++turns) executor.run_for(10ms);
    REQUIRE(got);
    return *got;
  }
  wire::region_report show(std::uint64_t first) {
    auto const got = ask(wire::show_region_request{region_1}, first);
    REQUIRE(got);
    auto const& reply = std::get<wire::show_region_reply>(*got);
    REQUIRE(reply.regions.size() == 1);
    return reply.regions[0];
  }

  raft::membership configuration;
  runtime::manual_executor executor;
  runtime::manual_clock clock{executor};
  transport::loopback::hub mail;
  transport::loopback_rpc::hub calls;
  transport::loopback_rpc caller{calls, "client", executor};
  std::map<std::uint64_t, member> servers;
};

wire::write_request put(std::string key, std::string value) { return {{}, {{std::move(key), std::move(value), false, {}}}}; }
std::map<std::uint64_t, peer_role> roles(std::vector<wire::peer_report> const& peers) {
  std::map<std::uint64_t, peer_role> out;
  for (auto const& each : peers) out[each.peer.store.value] = each.peer.role;
  return out;
}
std::map<std::uint64_t, peer_role> voters(std::vector<std::uint64_t> stores) {
  std::map<std::uint64_t, peer_role> out;
  for (auto const each : stores) out[each] = peer_role::voter;
  return out;
}

}  // namespace

TEST_CASE("whoever is asked, a region is shown by its leader, with what it knows of each peer", "[server][admin]") {
  cluster c;
  auto const leader = c.leader();
  REQUIRE(leader != 0);
  REQUIRE(c.ask_kv(put("k", "v"), leader));
  c.executor.run_for(1s);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    auto const seen = c.show(id);
    CHECK(seen.id == region_1);
    REQUIRE(seen.range);
    CHECK(seen.range->start.empty());
    CHECK(seen.range->epoch.version == 1);
    CHECK(seen.state == region_state::normal);
    CHECK(seen.role == "leader");
    CHECK(seen.leader == store_id{leader});
    CHECK(seen.leader_address == name_of(leader));
    CHECK_FALSE(seen.changing);
    CHECK(roles(seen.peers) == voters({1, 2, 3}));
    for (auto const& each : seen.peers) {
      CHECK(each.address == name_of(each.peer.store.value));
      CHECK(each.state == (each.peer.store == store_id{leader} ? "leader" : "replicating"));
      CHECK(each.match == seen.last);
      CHECK(each.lag == 0);
      CHECK(each.active);
    }
  }
}

TEST_CASE("a local look needs no leader, and does not claim what only a leader knows", "[server][admin]") {
  cluster c;
  c.stop(c.leader());
  c.stop(c.servers.begin()->first);
  auto const alone = c.servers.begin()->first;
  c.executor.run_for(5s);
  for (auto const region : {region_1, group_id{0}}) {
    auto const got = c.ask(wire::show_region_request{region, true}, alone);
    REQUIRE(got);
    auto const& reply = std::get<wire::show_region_reply>(*got);
    CHECK(reply.store == store_id{alone});
    REQUIRE(reply.regions.size() == 1);
    CHECK_FALSE(reply.regions[0].range);
    CHECK(roles(reply.regions[0].peers) == voters({1, 2, 3}));
    for (auto const& each : reply.regions[0].peers) CHECK(each.state.empty());
  }
  CHECK(c.ask(wire::show_region_request{group_id{9}, true}, alone, 1s).error().reason.code == error_code::not_found);
  CHECK(c.ask(wire::show_region_request{region_1}, alone, 1s).error().reason.code == error_code::not_leader);
}

TEST_CASE("the leadership goes where it is wanted, and asking again leaves it there", "[server][admin][transfer]") {
  cluster c;
  for (auto const to : std::vector<std::uint64_t>{1, 2, 3, 3, 1}) {
    auto const name = to % 2 == 0 ? wire::peer_name{peer_id{to}, {}} : wire::peer_name{{}, store_id{to}};
    for (std::uint64_t first = 1; first <= 3; ++first) {
      auto const got = c.ask(wire::transfer_request{region_1, name}, first);
      REQUIRE(got);
      CHECK(std::get<wire::transfer_reply>(*got).leader == store_id{to});
      CHECK(c.leader() == to);
    }
  }
  auto const nobody = c.ask(wire::transfer_request{region_1, {{}, store_id{9}}}, 1);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().reason.code == error_code::invalid_argument);
  auto const nothing = c.ask(wire::transfer_request{group_id{9}, {{}, store_id{1}}}, 1, 1s);
  CHECK(nothing.error().reason.code == error_code::not_found);
}

TEST_CASE("a store that joins holds all data, and is found by its address when it leads", "[server][admin][membership]") {
  cluster c{3, 4};
  REQUIRE(c.ask_kv(put("k", "v"), 1));
  wire::add_peer_request const fourth{region_1, peer_id{4}, store_id{4}, name_of(4)};
  auto const first = c.leader() % 3 + 1;  // a follower
  auto const got = c.ask(fourth, first);
  REQUIRE(got);
  auto const& members = std::get<wire::members_reply>(*got);
  CHECK(roles(members.peers) == voters({1, 2, 3, 4}));
  CHECK(members.peers[3].address == name_of(4));
  auto const again = c.ask(fourth, first);
  REQUIRE(again);
  CHECK(std::get<wire::members_reply>(*again) == members);
  CHECK(std::get<wire::get_reply>(*c.ask_kv(wire::get_request{{}, "k"}, 4)).value == "v");

  REQUIRE(c.ask(wire::transfer_request{region_1, {{}, store_id{4}}}, 1));
  for (std::uint64_t id = 1; id <= 4; ++id) CHECK(c.ask_kv(put("k", std::to_string(id)), id));  // by way of not_leader
  CHECK(c.show(1).leader_address == name_of(4));
}

TEST_CASE("a learner stays one until it is asked for as a voter", "[server][admin][membership]") {
  cluster c{1, 2};
  auto learners = voters({1});
  learners[2] = peer_role::learner;
  REQUIRE(c.ask(wire::add_peer_request{region_1, peer_id{2}, store_id{2}, name_of(2), true}, 1));
  CHECK(roles(c.show(1).peers) == learners);
  REQUIRE(c.ask(wire::add_peer_request{region_1, peer_id{2}, store_id{2}, name_of(2), false}, 1));
  CHECK(roles(c.show(1).peers) == voters({1, 2}));
  // To be a learner is not what a voter is asked to become by that.
  REQUIRE(c.ask(wire::add_peer_request{region_1, peer_id{2}, store_id{2}, name_of(2), true}, 1));
  CHECK(roles(c.show(1).peers) == voters({1, 2}));
}

TEST_CASE("peers leave, the leader too, and a store that has left says so", "[server][admin][membership]") {
  cluster c;
  REQUIRE(c.ask_kv(put("k", "v"), 1));
  auto const leader = c.leader();
  auto const stays = leader % 3 + 1;
  auto const got = c.ask(wire::remove_peer_request{region_1, {{}, store_id{leader}}}, leader);
  REQUIRE(got);
  auto rest = voters({1, 2, 3});
  rest.erase(leader);
  CHECK(roles(std::get<wire::members_reply>(*got).peers) == rest);
  c.executor.run_for(5s);
  CHECK(c.leader() != leader);
  CHECK(std::get<wire::get_reply>(*c.ask_kv(wire::get_request{{}, "k"}, stays)).value == "v");
  auto const local = c.ask(wire::show_region_request{group_id{0}, true}, leader);
  REQUIRE(local);
  CHECK(std::get<wire::show_region_reply>(*local).regions.empty());
  CHECK(std::get<wire::show_region_reply>(*local).left == std::vector<group_id>{region_1});
  REQUIRE(c.ask(wire::remove_peer_request{region_1, {peer_id{leader}, {}}}, stays));  // it is gone already
  CHECK(roles(c.show(stays).peers) == rest);
}

TEST_CASE("what cannot be is refused at once, and changes nothing", "[server][admin][membership]") {
  cluster c{2, 3};
  auto const refused = [&](wire::admin_request const& request) {
    auto const got = c.ask(request, 1, 2s);
    REQUIRE_FALSE(got);
    return got.error().reason;
  };
  CHECK(refused(wire::add_peer_request{region_1, peer_id{2}, store_id{3}, "x:1"}).code == error_code::invalid_argument);  // peer 2 is on store 2
  CHECK(refused(wire::add_peer_request{region_1, peer_id{9}, store_id{2}, "x:1"}).code == error_code::invalid_argument);  // store 2 has peer 2
  CHECK(refused(wire::add_peer_request{group_id{9}, peer_id{3}, store_id{3}, "x:1"}).code == error_code::not_found);
  CHECK(roles(c.show(1).peers) == voters({1, 2}));
  REQUIRE(c.ask(wire::remove_peer_request{region_1, {{}, store_id{2}}}, 1));
  auto const last = refused(wire::remove_peer_request{region_1, {{}, store_id{1}}});
  CHECK(last.code == error_code::invalid_argument);
  CHECK(last.outcome == outcome::rejected);
  CHECK(roles(c.show(1).peers) == voters({1}));
}

TEST_CASE("two changes at once are made one after the other, and neither undoes the other", "[server][admin][membership]") {
  cluster c{3, 5};
  auto one = c.client(1), two = c.client(2);
  std::optional<wire::admin_answer> first, second;
  one.ask_admin(wire::add_peer_request{region_1, {}, store_id{4}, name_of(4)}, 60s, [&](wire::admin_answer a) { first = std::move(a); });
  two.ask_admin(wire::add_peer_request{region_1, {}, store_id{5}, name_of(5)}, 60s, [&](wire::admin_answer a) { second = std::move(a); });
  for (int turns = 0; turns < 6000 && !(first && second); ++turns) c.executor.run_for(10ms);
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(*first);
  REQUIRE(*second);
  CHECK(roles(c.show(1).peers) == voters({1, 2, 3, 4, 5}));
}
