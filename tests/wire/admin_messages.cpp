#include <tinykv/wire/admin_messages.hpp>

#include <tinykv/core/random.hpp>

#include "support/catch.hpp"

using namespace tinykv;
using wire::admin_method;

namespace {

wire::admin_request back(wire::admin_request const& request) {
  auto const call = wire::encode(request);
  auto const got = wire::decode_admin_request(static_cast<std::uint16_t>(call.method), call.body);
  REQUIRE(got);
  return *got;
}
wire::admin_answer back(admin_method method, wire::admin_answer const& answer) {
  return wire::decode_admin_answer(method, wire::encode_admin_answer(method, answer));
}
bool refused(wire::admin_request const& request) {
  auto const call = wire::encode(request);
  auto const got = wire::decode_admin_request(static_cast<std::uint16_t>(call.method), call.body);
  return !got && got.error().code == error_code::invalid_argument && got.error().outcome == outcome::rejected;
}
wire::peer_report some_peer(std::uint64_t n, peer_role role) {
  return {{peer_id{n}, store_id{n + 1}, role}, "host-" + std::to_string(n) + ":20160", "replicating", log_index{n + 2}, n + 3, n % 2 == 0};
}

}  // namespace

TEST_CASE("requests of those who run a cluster read back", "[wire][admin]") {
  constexpr auto most = ~std::uint64_t{0};
  for (wire::admin_request const& each : std::vector<wire::admin_request>{
           wire::show_region_request{group_id{1}, false}, wire::show_region_request{group_id{most}, true},
           wire::show_region_request{group_id{0}, true}, wire::transfer_request{group_id{1}, {peer_id{7}, {}}},
           wire::transfer_request{group_id{1}, {{}, store_id{7}}},
           wire::add_peer_request{group_id{1}, peer_id{4}, store_id{most}, "h:1", false},
           wire::add_peer_request{group_id{1}, peer_id{4}, store_id{5}, std::string(255, 'h'), true},
           wire::remove_peer_request{group_id{1}, {peer_id{7}, {}}}, wire::remove_peer_request{group_id{9}, {{}, store_id{7}}}})
    CHECK(back(each) == each);
}

TEST_CASE("all regions are only asked for as the store sees them", "[wire][admin]") {
  CHECK(back(wire::show_region_request{group_id{0}, false}) == wire::admin_request{wire::show_region_request{group_id{0}, true}});
}

TEST_CASE("a request that leaves out what it must name is refused", "[wire][admin]") {
  CHECK(refused(wire::transfer_request{{}, {peer_id{1}, {}}}));
  CHECK(refused(wire::transfer_request{group_id{1}, {}}));
  CHECK(refused(wire::transfer_request{group_id{1}, {peer_id{1}, store_id{1}}}));  // two names may contradict each other
  CHECK(refused(wire::add_peer_request{{}, peer_id{1}, store_id{1}, "h:1"}));
  CHECK_FALSE(refused(wire::add_peer_request{group_id{1}, {}, store_id{1}, "h:1"}));  // the leader chooses the peer
  CHECK(refused(wire::add_peer_request{group_id{1}, peer_id{1}, {}, "h:1"}));
  CHECK(refused(wire::add_peer_request{group_id{1}, peer_id{1}, store_id{1}, ""}));
  CHECK(refused(wire::add_peer_request{group_id{1}, peer_id{1}, store_id{1}, std::string(256, 'h')}));
  CHECK(refused(wire::remove_peer_request{{}, {peer_id{1}, {}}}));
  CHECK(refused(wire::remove_peer_request{group_id{1}, {}}));
  CHECK(refused(wire::remove_peer_request{group_id{1}, {peer_id{1}, store_id{1}}}));
  CHECK(wire::decode_admin_request(1099, {}).error().code == error_code::not_supported);
  CHECK(wire::decode_admin_request(1104, {}).error().code == error_code::not_supported);
  CHECK(wire::decode_admin_request(1100, bytes::copy_of("\x08")).error().code == error_code::invalid_argument);
}

TEST_CASE("answers to those who run a cluster read back with every field", "[wire][admin]") {
  wire::region_report region;
  region.id = group_id{1};
  region.range = tinykv::region{group_id{1}, "a", "z", {3, 4}, {{peer_id{1}, store_id{2}, peer_role::learner}}};
  region.state = region_state::merging;
  region.role = "leader";
  region.term = term{5};
  region.leader = store_id{6};
  region.leader_address = "leader:1";
  region.version = 7;
  region.changing = true;
  region.last = log_index{8};
  region.commit = log_index{9};
  region.applied = log_index{10};
  region.peers = {some_peer(1, peer_role::voter), some_peer(2, peer_role::learner), some_peer(3, peer_role::incoming),
                  some_peer(4, peer_role::demoting)};
  auto local = region;
  local.range.reset();
  wire::admin_answer const show{wire::show_region_reply{store_id{3}, {region, local}, {group_id{4}, group_id{5}}}};
  auto const got = back(admin_method::show_region, show);
  REQUIRE(got);
  CHECK(*got == *show);

  wire::admin_answer const members{wire::members_reply{11, region.peers}};
  for (auto const method : {admin_method::add_peer, admin_method::remove_peer}) {
    auto const read = back(method, members);
    REQUIRE(read);
    CHECK(*read == *members);
  }
  wire::admin_answer const moved{wire::transfer_reply{store_id{12}}};
  REQUIRE(back(admin_method::transfer, moved));
  CHECK(*back(admin_method::transfer, moved) == *moved);
}

TEST_CASE("a refusal of any kind keeps its fields and the leader's address", "[wire][admin]") {
  wire::kv_refusal const refusal{rejected(error_code::not_leader, "ask another", 3), "10.0.0.3:20160", {}};
  for (auto const method : {admin_method::show_region, admin_method::transfer, admin_method::add_peer, admin_method::remove_peer}) {
    auto const got = back(method, wire::admin_answer{unexpected{refusal}});
    REQUIRE_FALSE(got);
    CHECK(got.error() == refusal);
    auto const lost = back(method, wire::admin_answer{unexpected{wire::kv_refusal{unknown(error_code::leadership_lost, "x", 2), {}, {}}}});
    CHECK(lost.error().reason == unknown(error_code::leadership_lost, "x", 2));
    CHECK(wire::decode_admin_answer(method, bytes::copy_of("\x0a")).error().reason.outcome == outcome::unknown);
  }
}

TEST_CASE("no bytes make the decoders of administration do anything but answer", "[wire][admin][fuzz]") {
  tinykv::random draw{3};
  std::vector<std::string> seeds;
  for (wire::admin_request const& each : std::vector<wire::admin_request>{
           wire::show_region_request{group_id{1}, true}, wire::add_peer_request{group_id{1}, peer_id{4}, store_id{5}, "host:1", true},
           wire::remove_peer_request{group_id{1}, {{}, store_id{7}}}})
    seeds.push_back(wire::encode(each).body.str());
  seeds.push_back(wire::encode_admin_answer(admin_method::add_peer, wire::admin_reply{wire::members_reply{1, {some_peer(1, peer_role::voter)}}}).str());
  int accepted = 0;
  for (int round = 0; round < 10000; ++round) {
    auto data = seeds[draw.below(seeds.size())];
    auto const at = draw.below(data.size());
    if (draw.chance(500)) data[at] = static_cast<char>(draw.next());
    else data.resize(at + 1);
    auto const body = bytes::copy_of(data);
    for (std::uint16_t method = 1100; method <= 1103; ++method) {
      if (wire::decode_admin_request(method, body)) ++accepted;
      if (wire::decode_admin_answer(static_cast<admin_method>(method), body)) ++accepted;
    }
  }
  CHECK(accepted > 100);
}
