#include <tinykv/core/config.hpp>
#include <tinykv/transport/impl/channel.hpp>
#include <tinykv/transport/websocket_rpc.hpp>
#include <tinykv/wire/rpc.hpp>

#include <set>

namespace tinykv::transport {
namespace detail {

class rpc_out;

/// The state of a `websocket_rpc`.
struct rpc_net final : upgrade_taker, std::enable_shared_from_this<rpc_net> {
  /// The way to one endpoint.
  struct link {
    std::shared_ptr<rpc_out> channel;  // none = not connected
    std::chrono::steady_clock::time_point retry_at{};
    failure last;  // why the last attempt failed
  };

  explicit rpc_net(std::shared_ptr<port_body> where) : port(std::move(where)) {}

  void call(std::string const& endpoint, policy::rpc_request request, duration deadline, policy::rpc_reply reply);
  void take(beast::tcp_stream stream, upgrade_request request) override;
  bool full() const override { return serving >= port->options.clients_max; }
  void stop() noexcept;
  /// Answers on the home lane, not from inside the caller's call.
  void answer_later(policy::rpc_reply reply, failure why) {
    asio::post(port->home, [reply = std::move(reply), why = std::move(why)]() mutable { reply(std::move(why)); });
  }

  std::shared_ptr<port_body> port;
  std::shared_ptr<policy::rpc_handler> handler;  // set while serving; shared with the call that runs it
  bool stopped = false;
  std::size_t serving = 0;  // connections of clients
  std::map<std::string, link, std::less<>> links;
};

/// The calling side of a connection.
class rpc_out final : public channel {
 public:
  rpc_out(std::shared_ptr<port_body> const& where, std::shared_ptr<rpc_net> const& net, std::string endpoint)
      : channel(where), net_(net), endpoint_(std::move(endpoint)) {}

  bool full() const { return calls_.size() >= port().options.calls_in_flight_max; }

  /// False, and `reply` untouched, when the queue is full.
  bool call(std::uint16_t method, bytes body, duration deadline, policy::rpc_reply& reply) {
    auto const id = ++last_id_;
    auto& open = calls_.try_emplace(id, port().home).first->second;
    // While the message is queued, `handed_over` may come from inside.
    if (!send(wire::frame_kind::call, raft::priority::normal, wire::encode(wire::call{id, method, deadline, std::move(body)}),
              id)) {
      calls_.erase(id);
      return false;
    }
    open.reply = std::move(reply);
    open.timer.expires_after(timer_span(deadline));
    open.timer.async_wait([weak = weak_from_this(), id](io_error canceled) {
      if (auto const me = weak.lock(); me && !canceled) static_cast<rpc_out&>(*me).expired(id);
    });
    return true;
  }

  /// Ends without a farewell; every open call is answered `unknown` (stopped).
  void stop() noexcept {
    abort();
    for (auto& [id, open] : std::exchange(calls_, {}))
      if (auto const net = net_.lock()) net->answer_later(std::move(open.reply), unknown(error_code::stopped, "the caller was stopped"));
  }

 private:
  struct open_call {
    explicit open_call(asio::io_context& home) : timer(home) {}
    asio::steady_timer timer;
    policy::rpc_reply reply;
    bool handed = false;  // the other side may have it
  };

  void opened() override { greet(wire::frame_kind::hello, wire::encode(wire::client_hello{port().options.cluster})); }

  bool received(wire::frame_joiner::message const& what) override {
    if (what.kind == wire::frame_kind::verdict && !accepted_) {
      auto const verdict = wire::decode_verdict(what.body);
      if (!verdict) close(close_reason::malformed, verdict.error());
      else if (*verdict) close(close_reason::refused, **verdict);
      else {
        accepted_ = true;
        open_queue();
      }
      return true;
    }
    auto answer = what.kind == wire::frame_kind::answer && accepted_
                      ? wire::decode_answer(what.body)
                      : result<wire::answer>{rejected(error_code::corrupt, "not an answer")};
    if (!answer) {
      close(close_reason::malformed, answer.error());
      return true;
    }
    auto const place = calls_.find(answer->id);
    if (place == calls_.end()) return true;  // its deadline has passed
    auto reply = std::move(place->second.reply);
    calls_.erase(place);
    reply(std::move(answer->outcome));
    return true;
  }

  void handed_over(std::uint64_t tag) override {
    if (auto const place = calls_.find(tag); place != calls_.end()) place->second.handed = true;
  }

  void expired(std::uint64_t id) {
    auto const place = calls_.find(id);
    if (place == calls_.end()) return;
    auto reply = std::move(place->second.reply);
    auto const sent = !take_back(id);
    calls_.erase(place);
    if (sent) reply(unknown(error_code::deadline, "no answer in time from " + endpoint_));
    else reply(rejected(error_code::unreachable, "no connection to " + endpoint_ + " in time"));
  }

  void ended(close_reason why, failure const& reason) override {
    auto const net = net_.lock();
    auto before = reason;
    before.outcome = outcome::rejected;  // whatever the refusal says: nothing was sent
    if (why != close_reason::refused) before = rejected(error_code::unreachable, "no connection to " + endpoint_ + ": " + reason.detail);
    if (net) {
      auto& way = net->links[endpoint_];
      if (way.channel.get() == this) {
        way.channel.reset();
        way.last = before;
        way.retry_at = std::chrono::steady_clock::now() + timer_span(accepted_ ? duration{0} : net->port->pause_after(1));
      }
    }
    for (auto& [id, open] : std::exchange(calls_, {})) {
      if (open.handed) open.reply(unknown(error_code::unreachable, "lost the connection to " + endpoint_ + ": " + reason.detail));
      else open.reply(before);
    }
  }

  std::weak_ptr<rpc_net> net_;
  std::string endpoint_;
  bool accepted_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, open_call> calls_;
};

/// The serving side of a connection.
class rpc_in final : public channel {
 public:
  rpc_in(std::shared_ptr<port_body> const& where, beast::tcp_stream stream, std::shared_ptr<rpc_net> const& net)
      : channel(where, std::move(stream)), net_(net) {
    ++net->serving;
  }
  ~rpc_in() override {
    if (auto const net = net_.lock()) --net->serving;
  }

 private:
  /// Held by the `reply` of a call: gives the place back also when the handler forgets to answer.
  struct place {
    std::shared_ptr<port_body> in;
    std::weak_ptr<channel> of;
    std::uint64_t id;
    std::size_t size;
    place(std::shared_ptr<port_body> all, std::weak_ptr<channel> where, std::uint64_t number, std::size_t bytes)
        : in(std::move(all)), of(std::move(where)), id(number), size(bytes) {
      in->bytes_held += size;
      in->call_bytes_held += size;
    }
    place(place const&) = delete;
    place& operator=(place const&) = delete;
    ~place() {
      in->bytes_held -= size;  // also when the client has left: the request is still at work
      in->call_bytes_held -= size;
      auto const me = std::static_pointer_cast<rpc_in>(of.lock());
      if (me && me->open_.erase(id) != 0) me->bytes_ -= size;
    }
  };

  bool is_client() const override { return true; }

  bool received(wire::frame_joiner::message const& what) override {
    auto const net = net_.lock();
    if (!net || net->stopped) return true;
    if (!accepted_) return greeted(*net, what);
    auto call = what.kind == wire::frame_kind::call ? wire::decode_call(what.body)
                                                    : result<wire::call>{rejected(error_code::corrupt, "not a call")};
    if (call && open_.contains(call->id)) call = rejected(error_code::corrupt, "the number of a call that is open");
    if (!call) close(close_reason::malformed, call.error());
    else begin(*net, std::move(*call));
    return true;
  }

  bool greeted(rpc_net& net, wire::frame_joiner::message const& what) {
    auto const hello = what.kind == wire::frame_kind::hello
                           ? wire::decode_client_hello(what.body)
                           : result<wire::client_hello>{rejected(error_code::corrupt, "the first message is not a hello")};
    auto const ours = net.port->options.cluster;
    if (!hello && hello.error().code != error_code::version_mismatch) close(close_reason::malformed, hello.error());
    else if (!hello) refuse(hello.error());
    else if (ours != cluster_id{} && hello->cluster != cluster_id{} && hello->cluster != ours)
      refuse(rejected(error_code::foreign, "this process belongs to cluster " + std::to_string(ours.value) + ", not " +
                                               std::to_string(hello->cluster.value), ours.value));
    else {
      accepted_ = true;
      greet(wire::frame_kind::verdict, wire::encode_verdict(std::nullopt));
      open_queue();
    }
    return accepted_;
  }

  void begin(rpc_net& net, wire::call call) {
    auto const& o = net.port->options;
    auto const size = call.body.size();
    if (open_.size() >= o.calls_in_flight_max || size > o.call_bytes_in_flight_max - bytes_) {
      ++port().counters.calls_refused;
      return finish({call.id, rejected(error_code::busy, "too many requests of this client are unanswered")});
    }
    // The other half is for what closing a client frees: so that always makes room.
    if (size > o.bytes_max / 2 - port().call_bytes_held) {
      ++port().counters.calls_refused;
      return finish({call.id, rejected(error_code::busy, "the requests of all clients hold too much memory")});
    }
    open_.insert(call.id);
    bytes_ += size;
    ++port().counters.calls_received;
    auto held = std::make_shared<place>(net.port, weak_from_this(), call.id, size);
    auto const handler = net.handler;  // which may stop the net
    (*handler)({call.method, std::move(call.body)}, call.patience, [held = std::move(held)](result<bytes> outcome) mutable {
      auto const here = std::exchange(held, nullptr);
      if (!here) return;
      if (auto const me = std::static_pointer_cast<rpc_in>(here->of.lock())) me->finish({here->id, std::move(outcome)});
    });
  }

  void finish(wire::answer answer) {
    if (channel::ended()) return;
    auto body = wire::encode(answer);
    if (body.size() > port().options.message_bytes_max)
      body = wire::encode(wire::answer{answer.id, unknown(error_code::too_large, "the reply is above message_bytes_max")});
    // An answer that is dropped would leave the client in the dark for as long as the connection stands.
    if (!send(wire::frame_kind::answer, raft::priority::normal, std::move(body)) && !channel::ended())
      close(close_reason::queue_full, rejected(error_code::busy, "the client does not take its answers"));
  }

  void ended(close_reason, failure const&) override {}

  std::weak_ptr<rpc_net> net_;
  bool accepted_ = false;
  std::set<std::uint64_t> open_;  // calls that wait for their answer
  std::size_t bytes_ = 0;         // of their bodies
};

inline void rpc_net::call(std::string const& endpoint, policy::rpc_request request, duration deadline, policy::rpc_reply reply) {
  if (stopped || port->stopped) return answer_later(std::move(reply), rejected(error_code::stopped, "this side was stopped"));
  constexpr std::size_t numbers = 64;  // above what a call adds to its body
  if (request.body.size() + numbers > port->options.message_bytes_max)
    return answer_later(std::move(reply), rejected(error_code::too_large, "the request is above message_bytes_max",
                                                   port->options.message_bytes_max));
  auto& way = links[endpoint];
  if (!way.channel) {
    if (std::chrono::steady_clock::now() < way.retry_at) return answer_later(std::move(reply), way.last);
    if (port->full()) return answer_later(std::move(reply), rejected(error_code::busy, "connections_max is reached"));
    way.channel = make_connection<rpc_out>(port, shared_from_this(), endpoint);
    way.channel->dial(endpoint, "/rpc");
  }
  auto const channel = way.channel;
  if (channel->full() || !channel->call(request.method, std::move(request.body), deadline, reply))
    answer_later(std::move(reply), rejected(error_code::busy, "too many calls to " + endpoint + " are unanswered"));
}

inline void rpc_net::take(beast::tcp_stream stream, upgrade_request request) {
  make_connection<rpc_in>(port, std::move(stream), shared_from_this())->accept(std::move(request));
}

inline void rpc_net::stop() noexcept {
  if (std::exchange(stopped, true)) return;
  for (auto& [endpoint, way] : std::exchange(links, {}))
    if (way.channel) way.channel->stop();
  if (!handler) return;
  port->clients.reset();
  auto const all = port->connections;
  for (auto const& [address, weak] : all)
    if (auto const each = std::dynamic_pointer_cast<rpc_in>(weak.lock())) each->abort();
  handler.reset();
}

}  // namespace detail

TINYKV_DECL websocket_rpc::websocket_rpc(port& where) : body_(std::make_shared<detail::rpc_net>(where.body_)) {}
TINYKV_DECL websocket_rpc::websocket_rpc(websocket_rpc&&) noexcept = default;
TINYKV_DECL websocket_rpc& websocket_rpc::operator=(websocket_rpc&& other) noexcept {
  if (this != &other) {
    stop();
    body_ = std::move(other.body_);
  }
  return *this;
}
TINYKV_DECL websocket_rpc::~websocket_rpc() { stop(); }

TINYKV_DECL result<done> websocket_rpc::serve(policy::rpc_handler handler) {
  if (!body_ || body_->stopped || body_->port->stopped) return rejected(error_code::stopped, "this side was stopped");
  if (!body_->port->clients.expired()) return rejected(error_code::locked, "calls to this port are already served");
  body_->handler = std::make_shared<policy::rpc_handler>(std::move(handler));
  body_->port->clients = body_;
  return done{};
}

TINYKV_DECL void websocket_rpc::call(std::string const& endpoint, policy::rpc_request request, duration deadline,
                                     policy::rpc_reply reply) noexcept {
  if (body_) body_->call(endpoint, std::move(request), deadline, std::move(reply));
}

TINYKV_DECL void websocket_rpc::stop() noexcept {
  if (body_) body_->stop();
}

}  // namespace tinykv::transport
