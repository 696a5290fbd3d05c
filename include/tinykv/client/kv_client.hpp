#pragma once

#include <tinykv/core/random.hpp>
#include <tinykv/policy/clock.hpp>
#include <tinykv/policy/executor.hpp>
#include <tinykv/policy/rpc.hpp>
#include <tinykv/wire/admin_messages.hpp>
#include <tinykv/wire/kv_messages.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::client {

/// How a client goes about its work.
struct kv_client_options {
  std::vector<std::string> endpoints;                      ///< H:P of servers of one cluster; at least one.
  duration attempt_deadline = std::chrono::seconds{2};     ///< For one try of a read; a write waits as long as its caller.
  duration change_deadline = std::chrono::seconds{30};     ///< For one try of a change of members or leader, which is repeated.
  duration backoff_min = std::chrono::milliseconds{20};    ///< The pause after a first refusal; doubled by each further one,
  duration backoff_max = std::chrono::milliseconds{500};   ///< up to this. Half of a pause is jitter.
  std::uint64_t seed = 0;                                  ///< Of the jitter.
};

/// Talks to a key/value cluster: finds the leader for writes, asks any server for reads, and tries again until the
/// caller's deadline what was certainly not done (not_leader, unreachable, busy, stopped). What may have been done is never
/// repeated: it stays `unknown`, and the caller looks first (SAFETY.md §9). Reads change nothing and are tried again in
/// every case. Home lane only; `rpc`, `executor` and `clock` outlive the answers.
template <policy::Rpc Rpc, policy::Executor Executor, policy::Clock Clock>
class kv_client {
 public:
  /// Takes the answer, exactly once, never inside the call.
  using answer_function = unique_function<void(wire::kv_answer)>;

  /// The same for what those who run a cluster ask.
  using admin_answer_function = unique_function<void(wire::admin_answer)>;

  /// Nothing is connected before the first call. Precondition: there is an endpoint.
  kv_client(Rpc& rpc, Executor& executor, Clock const& clock, kv_client_options options)
      : shared_(std::make_shared<shared>(shared{rpc, executor, clock, std::move(options), {}, 0, tinykv::random{0}})) {
    TINYKV_CHECK(!shared_->options.endpoints.empty());
    shared_->dice = tinykv::random{shared_->options.seed};
  }

  /// Asks for at most `patience`.
  void ask(wire::kv_request const& request, duration patience, answer_function answer) {
    begin(request, {}, patience, std::move(answer));
  }
  /// Asks `endpoint` and no other one: what does this server answer?
  void ask_one(std::string endpoint, wire::kv_request const& request, duration patience, answer_function answer) {
    begin(request, std::move(endpoint), patience, std::move(answer));
  }
  /// Asks the leader, for at most `patience`; whoever answers, if the request is `local`. All these requests may be
  /// repeated without harm, so they are, also after an `unknown`: one that ends so has met no server that knew.
  void ask_admin(wire::admin_request const& request, duration patience, admin_answer_function answer) {
    begin_admin(request, {}, patience, std::move(answer));
  }
  /// Asks `endpoint` and no other one.
  void ask_admin_one(std::string endpoint, wire::admin_request const& request, duration patience, admin_answer_function answer) {
    begin_admin(request, std::move(endpoint), patience, std::move(answer));
  }

 private:
  struct shared {
    Rpc& rpc;
    Executor& executor;
    Clock const& clock;
    kv_client_options options;
    std::string leader;  // where writes go; empty = not known
    std::size_t turn;    // whom to ask next
    tinykv::random dice;

    std::string const& next_endpoint() { return options.endpoints[turn++ % options.endpoints.size()]; }
  };

  /// One request on its way.
  template <class Answer>
  struct call {
    std::shared_ptr<shared> client;
    std::uint16_t method;
    bytes body;
    Answer (*decode)(std::uint16_t, bytes const&);
    bool for_leader;     // others refuse it
    bool harmless;       // doing it twice is doing it once
    duration try_max;    // for one try
    std::string only;    // the one endpoint to ask; empty = any
    instant end;
    unique_function<void(Answer)> answer;
    std::uint32_t refusals = 0;
  };

  static wire::kv_answer decode_kv(std::uint16_t method, bytes const& body) {
    return wire::decode_answer(static_cast<wire::method>(method), body);
  }
  static wire::admin_answer decode_admin(std::uint16_t method, bytes const& body) {
    return wire::decode_admin_answer(static_cast<wire::admin_method>(method), body);
  }

  void begin(wire::kv_request const& request, std::string only, duration patience, answer_function answer) {
    auto message = wire::encode(request);
    auto const writes = std::holds_alternative<wire::write_request>(request);
    begin(call<wire::kv_answer>{shared_, static_cast<std::uint16_t>(message.method), std::move(message.body), &decode_kv, writes, !writes,
                                writes ? duration::max() : shared_->options.attempt_deadline, std::move(only), end_of(patience),
                                std::move(answer)});
  }
  void begin_admin(wire::admin_request const& request, std::string only, duration patience, admin_answer_function answer) {
    auto message = wire::encode(request);
    auto const* show = std::get_if<wire::show_region_request>(&request);
    auto const anybody = show != nullptr && show->local;
    begin(call<wire::admin_answer>{shared_, static_cast<std::uint16_t>(message.method), std::move(message.body), &decode_admin, !anybody, true,
                                   show ? shared_->options.attempt_deadline : shared_->options.change_deadline, std::move(only),
                                   end_of(patience), std::move(answer)});
  }
  template <class Answer>
  static void begin(call<Answer> made) {
    attempt(std::make_shared<call<Answer>>(std::move(made)));
  }
  instant end_of(duration patience) const {
    auto const now = shared_->clock.now();
    return now + std::min(patience, duration::max() - now.since_start);
  }

  template <class Answer>
  static void attempt(std::shared_ptr<call<Answer>> const& call) {
    auto& client = *call->client;
    auto const left = call->end - client.clock.now();
    auto endpoint = call->only;
    if (endpoint.empty()) endpoint = call->for_leader && !client.leader.empty() ? client.leader : client.next_endpoint();
    policy::rpc_request request{call->method, call->body};
    client.rpc.call(endpoint, std::move(request), std::max(std::min(left, call->try_max), duration{1}),
                    [call, endpoint](result<bytes> body) { arrived(call, endpoint, std::move(body)); });
  }

  template <class Answer>
  static void arrived(std::shared_ptr<call<Answer>> const& call, std::string const& endpoint, result<bytes> body) {
    auto& client = *call->client;
    auto answer = body ? call->decode(call->method, *body) : Answer{unexpected{wire::kv_refusal{std::move(body).error(), {}, {}}}};
    if (answer) {
      if (call->for_leader) client.leader = endpoint;
      return call->answer(std::move(answer));
    }
    auto const& refused = answer.error();
    if (call->for_leader) follow(client, endpoint, refused);
    if (!may_repeat(call->harmless, refused.reason)) return call->answer(std::move(answer));
    auto const pause = pause_after(client, call->refusals++, refused);
    if (client.clock.now() + pause >= call->end) return call->answer(std::move(answer));
    // Posted without a pause too: an Rpc may answer many calls in one task, and each try should be a task of its own.
    if (pause == duration{0}) client.executor.post([call] { attempt(call); });
    else client.executor.post_after(pause, [call] { attempt(call); });
  }

  static void follow(shared& client, std::string const& endpoint, wire::kv_refusal const& refused) {
    if (refused.reason.code == error_code::not_leader) client.leader = refused.leader_address;
    else if (client.leader == endpoint && refused.reason.code != error_code::busy) client.leader.clear();
  }

  /// Whether another try may help and can do no harm.
  static bool may_repeat(bool harmless, failure const& why) {
    using enum error_code;
    auto const passes = why.code == not_leader || why.code == unreachable || why.code == busy ||
                        why.code == stale_term || why.code == stopped || why.code == not_found;  // no region there
    if (why.outcome == outcome::rejected) return passes;
    return harmless && why.outcome != outcome::conflict;
  }

  /// None when somebody else is named; else longer each time.
  static duration pause_after(shared& client, std::uint32_t times, wire::kv_refusal const& refused) {
    auto const named = refused.reason.code == error_code::not_leader && !refused.leader_address.empty();
    if (times == 0 && named) return duration{0};
    duration const grown = client.options.backoff_min * (std::int64_t{1} << std::min(times, 20U));
    auto const half = std::min(client.options.backoff_max, grown) / 2;
    auto const jitter = client.dice.between(0, static_cast<std::uint64_t>(half.count()));
    return half + duration{static_cast<duration::rep>(jitter)};
  }

  std::shared_ptr<shared> shared_;
};

}  // namespace tinykv::client
