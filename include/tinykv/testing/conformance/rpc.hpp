#pragma once

#include <tinykv/policy/rpc.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// Where a caller and a server live: made afresh for each case, with
///
///     using model = ...;                              // the Rpc
///     model caller();                                 // a handle that only calls
///     model server();                                 // a handle that can serve at `endpoint()`; one at a time
///     std::string endpoint();                         // where the server is, or was
///     std::string nowhere();                          // where nobody is
///     std::size_t request_bytes_max();                // larger ones are too large
///     bool wait(std::function<bool()> const& fact);   // lets work be done and time pass until `fact`; false: gives up
///     duration elapsed();                             // since any moment, by the time that deadlines mean
template <class W>
concept RpcWorld = requires(W& world, std::function<bool()> const& fact) {
  requires policy::Rpc<typename W::model>;
  { world.caller() } -> std::same_as<typename W::model>;
  { world.server() } -> std::same_as<typename W::model>;
  { world.endpoint() } -> std::same_as<std::string>;
  { world.nowhere() } -> std::same_as<std::string>;
  { world.request_bytes_max() } -> std::same_as<std::size_t>;
  { world.wait(fact) } -> std::same_as<bool>;
  { world.elapsed() } -> std::same_as<duration>;
};

namespace detail {

/// What became of one call.
struct call_record {
  int answers = 0;
  std::optional<result<bytes>> outcome;

  bool failed(tinykv::outcome how, error_code why) const {
    return outcome && !*outcome && outcome->error().outcome == how && outcome->error().code == why;
  }
};

/// A world with a caller and a server in it.
template <class World>
class rpc_under_test {
 public:
  static constexpr duration patience = std::chrono::seconds{20};

  rpc_under_test(std::unique_ptr<World> world, report& out)
      : world_(std::move(world)), out_(out), caller(world_->caller()), server(world_->server()) {}

  void serve(std::function<void(policy::rpc_request, duration, policy::rpc_reply)> handler) {
    out_.take(server.serve(std::move(handler)), "serve");
  }
  std::shared_ptr<call_record> ask(std::string body, duration deadline = patience, std::uint16_t method = 7) {
    return ask_at(world_->endpoint(), std::move(body), deadline, method);
  }
  std::shared_ptr<call_record> ask_at(std::string const& where, std::string body, duration deadline = patience,
                                      std::uint16_t method = 7) {
    auto record = std::make_shared<call_record>();
    caller.call(where, {method, bytes::adopt(std::move(body))}, deadline, [record](result<bytes> outcome) {
      ++record->answers;
      record->outcome = std::move(outcome);
    });
    out_.expect(record->answers == 0, "a reply does not come from inside `call`");
    return record;
  }
  bool wait(std::shared_ptr<call_record> const& call) {
    return wait([&] { return call->outcome.has_value(); });
  }
  bool wait(std::function<bool()> const& fact) { return world_->wait(fact); }
  void rest(int turns = 200) {
    wait([&] { return turns-- == 0; });
  }
  World& world() { return *world_; }

 private:
  std::unique_ptr<World> world_;
  report& out_;

 public:
  typename World::model caller;
  typename World::model server;
};

}  // namespace detail

/// The promises of policy/rpc.hpp, as cases.
template <RpcWorld World>
std::vector<conformance_case> rpc_suite(std::function<std::unique_ptr<World>()> fresh) {
  using calls = detail::rpc_under_test<World>;
  std::vector<conformance_case> all;
  auto const add = [&](std::string name, std::function<void(calls&, report&)> body) {
    all.push_back({std::move(name), [fresh, body = std::move(body)] {
                     report out;
                     calls world{fresh(), out};
                     body(world, out);
                     return out;
                   }});
  };

  add("a request reaches the handler unchanged, and the reply its caller", [](calls& in, report& out) {
    policy::rpc_request seen;
    duration given{0};
    in.serve([&](policy::rpc_request request, duration patience, policy::rpc_reply reply) {
      seen = request;
      given = patience;
      reply(bytes::adopt("re: " + request.body.str()));
    });
    auto const call = in.ask(std::string{"what \0 is", 9}, std::chrono::seconds{9}, 515);
    if (!out.expect(in.wait(call) && *call->outcome, "the call is answered")) return;
    out.expect(seen.method == 515 && seen.body.view() == std::string_view{"what \0 is", 9}, "method and body are unchanged");
    out.expect(given > duration::zero() && given <= std::chrono::seconds{9}, "the handler knows how long the caller waits");
    out.expect((*call->outcome)->view() == std::string_view{"re: what \0 is", 13}, "the reply is unchanged");
    in.rest();
    out.expect(call->answers == 1, "a reply comes once");
  });
  add("an empty request and an empty reply are a request and a reply", [](calls& in, report& out) {
    in.serve([](policy::rpc_request, duration, policy::rpc_reply reply) { reply(bytes{}); });
    auto const call = in.ask("", calls::patience, 0);
    out.expect(in.wait(call) && *call->outcome && (*call->outcome)->empty(), "an empty reply arrives as success");
  });
  add("replies are matched to their requests in whatever order they are given", [](calls& in, report& out) {
    std::vector<std::pair<std::string, policy::rpc_reply>> held;
    in.serve([&](policy::rpc_request request, duration, policy::rpc_reply reply) {
      held.emplace_back(request.body.str(), std::move(reply));
    });
    std::vector<std::shared_ptr<detail::call_record>> open;
    for (int i = 0; i < 20; ++i) open.push_back(in.ask(std::to_string(i)));
    out.expect(in.wait([&] { return held.size() == open.size(); }), "all requests reach the handler, once each");
    for (; !held.empty(); held.pop_back()) held.back().second(bytes::adopt("for " + held.back().first));
    for (std::size_t i = 0; i < open.size(); ++i)
      if (out.expect(in.wait(open[i]) && *open[i]->outcome, "each call is answered"))
        out.expect((*open[i]->outcome)->view() == "for " + std::to_string(i), "each call gets its own reply");
  });
  add("a failure of the handler travels with all its fields", [](calls& in, report& out) {
    auto const why = conflict(error_code::compare_failed, "another value stands there", ~std::uint64_t{0});
    in.serve([&](policy::rpc_request, duration, policy::rpc_reply reply) { reply(why); });
    auto const call = in.ask("x");
    out.expect(in.wait(call) && !*call->outcome && call->outcome->error() == why, "the failure is that of the handler");
  });
  add("a call to where nobody is was certainly not done", [](calls& in, report& out) {
    auto const call = in.ask_at(in.world().nowhere(), "x");
    out.expect(in.wait(call) && call->failed(outcome::rejected, error_code::unreachable), "rejected, unreachable");
  });
  add("a handler that does not answer lets the deadline pass, and not earlier", [](calls& in, report& out) {
    std::vector<policy::rpc_reply> held;
    int forgotten = 0;
    in.serve([&](policy::rpc_request request, duration, policy::rpc_reply reply) {
      if (request.body.view() == "forget") ++forgotten;
      else held.push_back(std::move(reply));
    });
    auto const first = in.ask("hold");  // so that what follows finds a connection
    in.wait([&] { return held.size() == 1; });
    auto const begin = in.world().elapsed();
    auto const deadline = std::chrono::milliseconds{150};
    auto const kept = in.ask("hold", deadline);
    auto const lost = in.ask("forget", deadline);
    out.expect(in.wait(kept) && kept->failed(outcome::unknown, error_code::deadline), "unknown, deadline");
    out.expect(in.world().elapsed() - begin >= deadline, "a deadline does not pass early");
    out.expect(in.wait(lost) && lost->failed(outcome::unknown, error_code::deadline), "unknown, deadline");
    out.expect(forgotten == 1, "the request was there once");
    for (auto& reply : held) reply(bytes::copy_of("late"));
    out.expect(in.wait(first) && *first->outcome, "other calls of the connection live on");
    in.rest();
    out.expect(kept->answers == 1, "a reply after the deadline is dropped");
  });
  add("a request at the bound arrives, one above it was certainly not done", [](calls& in, report& out) {
    int requests = 0;
    in.serve([&](policy::rpc_request request, duration, policy::rpc_reply reply) {
      ++requests;
      reply(std::move(request.body));
    });
    std::string large(in.world().request_bytes_max(), ' ');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 131 >> 5);
    auto const fits = in.ask(large);
    out.expect(in.wait(fits) && *fits->outcome && (*fits->outcome)->view() == large, "a large request is echoed unchanged");
    auto const more = in.ask(std::string(in.world().request_bytes_max() + 1, 'x'));
    out.expect(in.wait(more) && more->failed(outcome::rejected, error_code::too_large), "rejected, too_large");
    out.expect(requests == 1, "a request that is too large reaches no handler");
  });
  add("after stop no handler runs, and what was asked may have been done", [](calls& in, report& out) {
    int requests = 0;
    in.serve([&](policy::rpc_request, duration, policy::rpc_reply) { ++requests; });
    auto const open = in.ask("x");
    in.wait([&] { return requests == 1; });
    in.server.stop();
    auto const later = in.ask("y", std::chrono::milliseconds{300});
    out.expect(in.wait(later) && !*later->outcome, "a call to a stopped server fails");
    out.expect(requests == 1, "a stopped server runs no handler");
    in.caller.stop();
    out.expect(in.wait(open) && !*open->outcome && open->outcome->error().outcome == outcome::unknown, "an open call is unknown");
    out.expect(open->answers == 1, "once");
    in.server.stop();
  });
  add("the caller's stop answers open calls, and refuses later ones", [](calls& in, report& out) {
    int requests = 0;
    in.serve([&](policy::rpc_request, duration, policy::rpc_reply) { ++requests; });
    auto const open = in.ask("x");
    in.wait([&] { return requests == 1; });
    in.caller.stop();
    out.expect(open->answers == 0, "not from inside stop");
    out.expect(in.wait(open) && open->failed(outcome::unknown, error_code::stopped), "unknown, stopped");
    auto const later = in.ask("y");
    out.expect(in.wait(later) && later->failed(outcome::rejected, error_code::stopped), "a later call was certainly not done");
    in.rest();
    out.expect(requests == 1 && open->answers == 1 && later->answers == 1, "once each");
  });
  add("one handler at a time serves", [](calls& in, report& out) {
    in.serve([](policy::rpc_request, duration, policy::rpc_reply reply) { reply(bytes::copy_of("first")); });
    out.expect_failure(in.server.serve([](policy::rpc_request, duration, policy::rpc_reply) {}), error_code::locked,
                       "a second `serve` is refused");
    auto const call = in.ask("x");
    out.expect(in.wait(call) && *call->outcome && (*call->outcome)->view() == "first", "the first handler goes on");
  });
  return all;
}

}  // namespace tinykv::testing
