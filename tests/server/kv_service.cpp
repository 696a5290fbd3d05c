#include <tinykv/server/kv_service.hpp>

#include "server/fake_kv_store.hpp"
#include "support/catch.hpp"

using namespace tinykv;
using namespace std::chrono_literals;
using wire::write_request;

namespace {

struct bench {
  explicit bench(region const& first = {group_id{1}, "", "", {1, 1}, {}}) : store(executor, first) {
    options.store = store_id{1};
    options.addresses = {{store_id{1}, "host:1"}, {store_id{2}, "host:2"}};
    options.limits.key_bytes_max = 8;
    options.limits.value_bytes_max = 16;
    options.scan_pairs_max = 3;
    options.version = "1.2.3";
  }

  wire::kv_answer ask(wire::kv_request const& request) {
    server::kv_service service{store, executor, options};
    auto const call = wire::encode(request);
    std::optional<wire::kv_answer> got;
    service({static_cast<std::uint16_t>(call.method), call.body}, patience, [&](result<bytes> body) {
      REQUIRE(body);
      CHECK_FALSE(got);
      got = wire::decode_answer(call.method, *body);
    });
    executor.run_all();
    REQUIRE(got);
    return *got;
  }
  template <class Reply>
  Reply reply(wire::kv_request const& request) {
    auto const answer = ask(request);
    REQUIRE(answer);
    return std::get<Reply>(*answer);
  }
  error_code refused(wire::kv_request const& request) {
    auto const answer = ask(request);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().reason.outcome == outcome::rejected);
    return answer.error().reason.code;
  }

  runtime::manual_executor executor;
  fake_kv_store store;
  server::kv_service_options options;
  duration patience = 1s;
};

write_request put(std::string key, std::string value) { return {{}, {{std::move(key), std::move(value), false, {}}}}; }
wire::get_request get(std::string key) { return {{}, std::move(key)}; }
wire::scan_request scan(std::uint32_t limit) {
  wire::scan_request out;
  out.limit = limit;
  return out;
}

}  // namespace

TEST_CASE("what was written is read, and an empty value is a value", "[server][kv]") {
  bench b;
  CHECK(b.reply<wire::get_reply>(get("k")).value == std::nullopt);
  CHECK(b.reply<wire::write_reply>(put("k", "")).done);
  auto const got = b.reply<wire::get_reply>(get("k"));
  CHECK(got.value == "");
  CHECK(got.applied == log_index{6});
  CHECK(b.reply<wire::write_reply>(write_request{{}, {{"k", {}, false, {}}}}).done);
  CHECK(b.reply<wire::get_reply>(get("k")).value == std::nullopt);
}

TEST_CASE("a compare-and-set that fails is a reply, with what the key holds", "[server][kv]") {
  bench b;
  (void)b.ask(put("k", "1"));
  auto const failed = b.reply<wire::write_reply>(write_request{{}, {{"k", "2", true, {}}}});
  CHECK_FALSE(failed.done);
  CHECK(failed.current == "1");
  CHECK(b.reply<wire::write_reply>(write_request{{}, {{"k", "2", true, "1"}}}).done);
}

TEST_CASE("a client is waited for as long as it says, but not for ever", "[server][kv][bounds]") {
  bench b;
  b.options.patience_max = 5s;
  for (wire::kv_request const& request : {wire::kv_request{put("k", "1")}, wire::kv_request{get("k")}, wire::kv_request{scan(1)}}) {
    b.patience = 4s;
    (void)b.ask(request);
    CHECK(b.store.patience == 4s);
    b.patience = duration::max();
    (void)b.ask(request);
    CHECK(b.store.patience == 5s);
  }
}

TEST_CASE("a scan is cut by the server's bounds and says so", "[server][kv]") {
  bench b;
  for (auto const* key : {"a", "b", "c", "d"}) (void)b.ask(put(key, "v"));
  CHECK(b.reply<wire::scan_reply>(scan(0)).pairs.empty());
  auto const page = b.reply<wire::scan_reply>(scan(100));
  CHECK(page.pairs.size() == 3);
  CHECK(page.more);
  auto request = scan(2);
  request.reverse = true;
  request.end = "d";
  request.keys_only = true;
  CHECK(b.reply<wire::scan_reply>(request).pairs == std::vector<wire::kv_pair>{{"c", ""}, {"b", ""}});
  auto prefixed = scan(3);
  prefixed.prefix = "d";
  CHECK(b.reply<wire::scan_reply>(prefixed).pairs.size() == 1);
  auto small = scan(3);
  small.bytes_max = 1;
  CHECK(b.reply<wire::scan_reply>(small).pairs.size() == 1);
}

TEST_CASE("what is too large or means nothing is refused before it is proposed", "[server][kv]") {
  bench b;
  CHECK(b.refused(put("123456789", "v")) == error_code::too_large);
  CHECK(b.refused(put("k", std::string(17, 'v'))) == error_code::too_large);
  CHECK(b.refused(put("", "v")) == error_code::invalid_argument);
  CHECK(b.refused(write_request{}) == error_code::invalid_argument);
  CHECK(b.refused(get("")) == error_code::invalid_argument);
  CHECK(b.refused(get("123456789")) == error_code::too_large);
  auto far = scan(1);
  far.start = "1234567890";
  CHECK(b.refused(far) == error_code::too_large);
  CHECK(b.store.proposals == 0);
}

TEST_CASE("a client that means another store, region or epoch is told so", "[server][kv]") {
  bench b{{group_id{1}, "b", "m", {1, 2}, {}}};
  auto const with = [](wire::request_context context, std::string key) {
    return write_request{context, {{std::move(key), "v", false, {}}}};
  };
  CHECK(b.reply<wire::write_reply>(with({group_id{1}, {9, 2}, store_id{1}}, "c")).done);
  CHECK(b.refused(with({group_id{2}, {}, {}}, "c")) == error_code::not_found);
  CHECK(b.refused(with({{}, {}, store_id{2}}, "c")) == error_code::not_found);
  CHECK(b.store.proposals == 1);
  CHECK(b.refused(with({{}, {1, 1}, {}}, "c")) == error_code::epoch_mismatch);
  CHECK(b.refused(put("z", "v")) == error_code::key_not_in_region);
  CHECK(b.refused(get("z")) == error_code::key_not_in_region);
  auto const stale = b.ask(wire::get_request{{{}, {1, 1}, {}}, "c"});
  CHECK(stale.error().reason.code == error_code::epoch_mismatch);
  CHECK(stale.error().regions.front().epoch == region_epoch{1, 2});
}

TEST_CASE("a server that does not lead names the leader and its address", "[server][kv]") {
  bench b;
  b.store.failure = rejected(error_code::not_leader, "ask store 2", 2);
  auto const answer = b.ask(put("k", "v"));
  CHECK(answer.error().reason == *b.store.failure);
  CHECK(answer.error().leader_address == "host:2");
  b.store.failure = unknown(error_code::deadline, "too late");
  CHECK(b.ask(put("k", "v")).error().reason == *b.store.failure);
  CHECK(b.ask(get("k")).error().reason == *b.store.failure);
}

TEST_CASE("status says what the store knows of itself", "[server][kv]") {
  bench b;
  b.store.reported.self.cluster = cluster_id{4};
  b.store.reported.self.store = store_id{1};
  b.store.reported.failed = fatal(error_code::io, "gone");
  b.store.reported.refused_by = {{store_id{2}, rejected(error_code::identity_refused, "another uuid")}};
  raft::status group;
  group.role = raft::role::follower;
  group.configuration.voters = {{peer_id{11}, store_id{1}}, {peer_id{12}, store_id{2}}};
  group.configuration.outgoing = {{peer_id{11}, store_id{1}}, {peer_id{13}, store_id{3}}};
  group.configuration.learners = {{peer_id{14}, store_id{4}}};
  b.store.reported.groups = {{group_id{1}, group, store_id{2}, fatal(error_code::machine_failed, "threw")}};
  auto const status = b.reply<wire::status_reply>(wire::status_request{});
  CHECK(status.cluster == cluster_id{4});
  CHECK(status.address == "host:1");
  CHECK(status.version == "1.2.3");
  CHECK(status.failed->detail == "gone");
  CHECK(status.refused_by.front().store == store_id{2});
  auto const& first = status.groups.front();
  CHECK(first.role == "follower");
  CHECK(first.fenced->detail == "threw");
  CHECK(first.leader == store_id{2});
  CHECK(first.leader_address == "host:2");
  CHECK(first.peers == std::vector<region_peer>{{peer_id{11}, store_id{1}, peer_role::voter},
                                                {peer_id{12}, store_id{2}, peer_role::incoming},
                                                {peer_id{13}, store_id{3}, peer_role::demoting},
                                                {peer_id{14}, store_id{4}, peer_role::learner}});
}

TEST_CASE("bytes that are no request are refused as such", "[server][kv]") {
  bench b;
  server::kv_service service{b.store, b.executor, b.options};
  std::optional<result<bytes>> got;
  service({4711, {}}, 1s, [&](result<bytes> body) { got = std::move(body); });
  REQUIRE(got);
  CHECK(got->error().code == error_code::not_supported);
}
