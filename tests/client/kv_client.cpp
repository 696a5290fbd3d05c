#include <tinykv/client/kv_client.hpp>

#include "support/catch.hpp"

#include <tinykv/runtime/manual_executor.hpp>

#include <functional>
#include <map>

using namespace tinykv;
using namespace std::chrono_literals;

namespace {

/// Answers calls as a test says; keeps who was asked.
struct scripted_rpc {
  result<done> serve(policy::rpc_handler) { return done{}; }
  void call(std::string const& endpoint, policy::rpc_request request, duration deadline, policy::rpc_reply reply) noexcept {
    asked.push_back(endpoint);
    patience.push_back(deadline);
    auto const method = static_cast<wire::method>(request.method);
    executor->post([this, endpoint, method, reply = std::move(reply)]() mutable {
      if (broken.contains(endpoint)) return reply(broken.at(endpoint));
      if (wire::is_admin(static_cast<std::uint16_t>(method)))
        return reply(wire::encode_admin_answer(static_cast<wire::admin_method>(method), admin_answer(endpoint)));
      reply(wire::encode_answer(method, answer(endpoint)));
    });
  }
  void stop() noexcept {}

  runtime::manual_executor* executor;
  std::function<wire::kv_answer(std::string const&)> answer;
  std::function<wire::admin_answer(std::string const&)> admin_answer;
  std::map<std::string, failure> broken;
  std::vector<std::string> asked;
  std::vector<duration> patience;
};
static_assert(policy::Rpc<scripted_rpc>);

wire::kv_answer refusal(failure why, std::string leader = {}) { return unexpected{wire::kv_refusal{std::move(why), std::move(leader), {}}}; }
wire::kv_answer const written = wire::kv_reply{wire::write_reply{}};
wire::kv_answer const found = wire::kv_reply{wire::get_reply{"v", log_index{1}}};
wire::write_request const put{{}, {{"k", "v", false, {}}}};
wire::get_request const get{{}, "k"};

struct bench {
  bench() {
    rpc.executor = &executor;
    options.endpoints = {"a", "b", "c"};
  }
  auto client() { return client::kv_client{rpc, executor, clock, options}; }
  std::optional<wire::kv_answer> ask(auto& client, wire::kv_request const& request, duration patience = 5s) {
    std::optional<wire::kv_answer> got;
    client.ask(request, patience, [&](wire::kv_answer answer) {
      CHECK_FALSE(got);
      got = std::move(answer);
    });
    CHECK_FALSE(got);
    executor.run_for(10s);
    return got;
  }

  std::optional<wire::admin_answer> ask_admin(auto& client, wire::admin_request const& request, duration patience = 5s) {
    std::optional<wire::admin_answer> got;
    client.ask_admin(request, patience, [&](wire::admin_answer answer) {
      CHECK_FALSE(got);
      got = std::move(answer);
    });
    CHECK_FALSE(got);
    executor.run_for(patience + 5s);
    return got;
  }

  runtime::manual_executor executor;
  runtime::manual_clock clock{executor};
  scripted_rpc rpc;
  client::kv_client_options options;
};

}  // namespace

TEST_CASE("a write goes where the refusal points, and later ones go there at once", "[client]") {
  bench b;
  b.rpc.answer = [](std::string const& at) { return at == "leader" ? written : refusal(rejected(error_code::not_leader, "", 3), "leader"); };
  auto client = b.client();
  CHECK(b.ask(client, put)->value() == written.value());
  CHECK(b.ask(client, put)->value() == written.value());
  CHECK(b.rpc.asked == std::vector<std::string>{"a", "leader", "leader"});
}

TEST_CASE("without a named leader the endpoints are tried in turn until the deadline", "[client]") {
  bench b;
  b.rpc.answer = [](std::string const&) { return refusal(rejected(error_code::not_leader)); };
  auto client = b.client();
  auto const answer = b.ask(client, put, 3s);
  REQUIRE(answer);
  CHECK(answer->error().reason.code == error_code::not_leader);
  CHECK(b.rpc.asked.size() >= 6);
  CHECK(b.rpc.asked.size() < 60);  // with pauses between
  CHECK(std::vector(b.rpc.asked.begin(), b.rpc.asked.begin() + 4) == std::vector<std::string>{"a", "b", "c", "a"});
}

TEST_CASE("two servers that name each other as leader are asked with pauses, not at once", "[client]") {
  bench b;
  b.rpc.answer = [](std::string const& at) { return refusal(rejected(error_code::not_leader, "", 1), at == "a" ? "b" : "a"); };
  auto client = b.client();
  REQUIRE(b.ask(client, put, 3s));
  CHECK(b.rpc.asked.size() < 60);
}

TEST_CASE("a write that may have been done is never repeated", "[client]") {
  for (auto const code : {error_code::deadline, error_code::unreachable, error_code::busy, error_code::not_leader, error_code::leadership_lost}) {
    bench b;
    b.rpc.answer = [&](std::string const&) { return refusal(unknown(code)); };
    auto client = b.client();
    CHECK(b.ask(client, put)->error().reason.outcome == outcome::unknown);
    CHECK(b.rpc.asked.size() == 1);
  }
  bench b;
  b.rpc.broken["a"] = unknown(error_code::unreachable, "connection lost");
  auto client = b.client();
  CHECK(b.ask(client, put)->error().reason.outcome == outcome::unknown);
  CHECK(b.rpc.asked.size() == 1);
}

TEST_CASE("an endpoint that cannot be reached is passed over", "[client]") {
  bench b;
  b.rpc.broken["a"] = rejected(error_code::unreachable, "refused");
  b.rpc.answer = [](std::string const&) { return written; };
  auto client = b.client();
  CHECK(b.ask(client, put)->value() == written.value());
  CHECK(b.rpc.asked == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a leader that has gone is forgotten", "[client]") {
  bench b;
  b.options.endpoints = {"a", "b"};
  b.rpc.answer = [](std::string const&) { return written; };
  auto client = b.client();
  b.ask(client, put);
  b.rpc.broken["a"] = rejected(error_code::unreachable, "refused");
  CHECK(b.ask(client, put)->value() == written.value());
  CHECK(b.rpc.asked == std::vector<std::string>{"a", "a", "b"});
}

TEST_CASE("a read is repeated even when its fate is unknown, and any server may answer it", "[client]") {
  bench b;
  b.rpc.broken["a"] = unknown(error_code::deadline, "no answer in time");
  b.rpc.answer = [](std::string const&) { return found; };
  auto client = b.client();
  CHECK(b.ask(client, get)->value() == found.value());
  CHECK(b.rpc.asked == std::vector<std::string>{"a", "b"});
  CHECK(b.rpc.patience.front() == 2s);  // a dead server does not use up the caller's time
}

TEST_CASE("a server that has failed or has no region is passed over", "[client]") {
  for (auto const& why : {fatal(error_code::io, "the disk is gone"), rejected(error_code::not_found, "no such region here")}) {
    bench b;
    b.rpc.answer = [&](std::string const& at) { return at == "a" ? refusal(why) : found; };
    auto client = b.client();
    CHECK(b.ask(client, get)->value() == found.value());
  }
  bench b;  // what a broken server did with a write is not known
  b.rpc.answer = [](std::string const&) { return refusal(fatal(error_code::io, "the disk is gone")); };
  auto client = b.client();
  CHECK(b.ask(client, put)->error().reason.outcome == outcome::fatal);
  CHECK(b.rpc.asked.size() == 1);
}

TEST_CASE("one endpoint is asked alone when it is named", "[client]") {
  bench b;
  b.rpc.answer = [](std::string const& at) { return at == "z" ? refusal(rejected(error_code::busy)) : found; };
  auto client = b.client();
  std::optional<wire::kv_answer> got;
  client.ask_one("z", get, 1s, [&](wire::kv_answer answer) { got = std::move(answer); });
  b.executor.run_for(5s);
  CHECK(got->error().reason.code == error_code::busy);
  CHECK(std::all_of(b.rpc.asked.begin(), b.rpc.asked.end(), [](auto const& at) { return at == "z"; }));
}

TEST_CASE("what correcting alone would help is answered at once", "[client]") {
  bench b;
  b.rpc.answer = [](std::string const&) { return refusal(rejected(error_code::too_large, "", 4096)); };
  auto client = b.client();
  CHECK(b.ask(client, put)->error().reason.hint == 4096);
  CHECK(b.rpc.asked.size() == 1);
}

TEST_CASE("a change of members goes to the leader, also after an answer that leaves it open", "[client][admin]") {
  bench b;
  int asked = 0;
  b.rpc.admin_answer = [&](std::string const& at) -> wire::admin_answer {
    if (at == "a") return unexpected{wire::kv_refusal{rejected(error_code::not_leader, "", 2), "leader", {}}};
    if (++asked == 1) return unexpected{wire::kv_refusal{unknown(error_code::leadership_lost), {}, {}}};
    return wire::admin_reply{wire::members_reply{3, {}}};
  };
  auto client = b.client();
  auto const got = b.ask_admin(client, wire::remove_peer_request{group_id{1}, {peer_id{1}, {}}});
  REQUIRE(got);
  REQUIRE(*got);
  CHECK(std::get<wire::members_reply>(**got).version == 3);
  CHECK(std::vector(b.rpc.asked.begin(), b.rpc.asked.begin() + 2) == std::vector<std::string>{"a", "leader"});
  CHECK(asked == 2);
}

TEST_CASE("a change of members that cannot be is not repeated, and no try takes longer than change_deadline", "[client][admin]") {
  bench b;
  b.options.change_deadline = 3s;
  b.rpc.admin_answer = [](std::string const&) -> wire::admin_answer {
    return unexpected{wire::kv_refusal{rejected(error_code::invalid_argument), {}, {}}};
  };
  auto client = b.client();
  auto const got = b.ask_admin(client, wire::remove_peer_request{group_id{1}, {peer_id{1}, {}}}, 60s);
  REQUIRE(got);
  CHECK(got->error().reason.code == error_code::invalid_argument);
  CHECK(b.rpc.asked.size() == 1);
  CHECK(b.rpc.patience.front() == 3s);
}

TEST_CASE("a local look asks one server as well as another, and does not change who is taken for the leader", "[client][admin]") {
  bench b;
  b.rpc.answer = [](std::string const&) { return written; };
  b.rpc.admin_answer = [](std::string const&) -> wire::admin_answer { return wire::admin_reply{wire::show_region_reply{store_id{1}, {}, {}}}; };
  auto client = b.client();
  CHECK(b.ask(client, put)->value() == written.value());  // at a
  CHECK(b.ask_admin(client, wire::show_region_request{group_id{1}, true}));
  CHECK(b.ask(client, put)->value() == written.value());
  CHECK(b.rpc.asked == std::vector<std::string>{"a", "b", "a"});
}
