#include <tinykv/core/config.hpp>
#include <tinykv/transport/impl/channel.hpp>
#include <tinykv/transport/websocket.hpp>

namespace tinykv::transport {
namespace detail {

class peer_in;
class peer_out;

/// The state of a `websocket`.
struct peer_net final : upgrade_taker, std::enable_shared_from_this<peer_net> {
  /// The way to one other store.
  struct link {
    std::string endpoint;
    std::shared_ptr<peer_out> channel;  // none = not connected
    unsigned failures = 0;              // in a row
    std::chrono::steady_clock::time_point retry_at{};
  };

  peer_net(std::shared_ptr<port_body> where, std::map<store_id, std::string> peers) : port(std::move(where)) {
    for (auto& [id, endpoint] : peers) links[id].endpoint = std::move(endpoint);
    mail.bytes_target = std::min(mail.bytes_target, port->options.message_bytes_max / 2);
  }

  void send(store_id to, policy::envelope const& envelope);
  bool dial(store_id to, link& way);
  void take(beast::tcp_stream stream, upgrade_request request) override;
  void stop() noexcept;
  void drop(std::uint64_t mails) { port->counters.mails_dropped += mails; }

  std::shared_ptr<port_body> port;
  wire::mail_limits mail;
  store_identity self;
  policy::receive_sink* sink = nullptr;  // set while started
  bool stopped = false;
  std::map<store_id, link> links;
  std::map<store_id, std::weak_ptr<peer_in>> incoming;  // the accepted connection of each store
};

/// The connection that this store has dialled: sends a hello, waits for the verdict, then only sends.
class peer_out final : public channel {
 public:
  peer_out(std::shared_ptr<port_body> const& where, std::shared_ptr<peer_net> const& net, store_id to)
      : channel(where), net_(net), to_(to) {}

 private:
  void opened() override {
    if (auto const net = net_.lock()) greet(wire::frame_kind::hello, wire::encode(wire::hello{net->self, to_}));
  }

  bool received(wire::frame_joiner::message const& what) override {
    auto const net = net_.lock();
    auto const verdict = what.kind == wire::frame_kind::verdict && !accepted_
                             ? wire::decode_verdict(what.body)
                             : result<std::optional<failure>>{rejected(error_code::corrupt, "more than a verdict")};
    if (!verdict) close(close_reason::malformed, verdict.error());
    else if (*verdict) {
      if (net && net->sink) net->sink->refused(to_, **verdict);
      close(close_reason::refused, **verdict);
    } else {
      accepted_ = true;
      if (net) net->links[to_].failures = 0;
      open_queue();
    }
    return true;
  }

  void ended(close_reason, failure const&) override {
    auto const net = net_.lock();
    if (!net) return;
    net->drop(queue().waiting());
    auto& way = net->links[to_];
    if (way.channel.get() != this) return;
    way.retry_at = std::chrono::steady_clock::now() + timer_span(net->port->pause_after(++way.failures));
    way.channel.reset();
  }

  std::weak_ptr<peer_net> net_;
  store_id to_;
  bool accepted_ = false;
};

/// The connection that another store has dialled: the first message is its hello, and nothing more is read until the sink
/// has judged it; then only mail.
class peer_in final : public channel {
 public:
  peer_in(std::shared_ptr<port_body> const& where, beast::tcp_stream stream, std::shared_ptr<peer_net> const& net)
      : channel(where, std::move(stream)), net_(net) {}

 private:
  bool received(wire::frame_joiner::message const& what) override {
    auto const net = net_.lock();
    if (!net || !net->sink) return true;
    if (!accepted_) return greeted(*net, what);
    if (what.kind != wire::frame_kind::mail) {
      close(close_reason::malformed, rejected(error_code::corrupt, "not a mail"));
      return true;
    }
    auto envelope = wire::decode_mail(what.priority, what.body, net->mail);
    if (!envelope) {
      close(close_reason::malformed, envelope.error());
      return true;
    }
    ++port().counters.mails_received;
    net->sink->received(from_, std::move(*envelope));
    return true;
  }

  bool greeted(peer_net& net, wire::frame_joiner::message const& what) {
    auto const hello = what.kind == wire::frame_kind::hello
                           ? wire::decode_hello(what.body)
                           : result<wire::hello>{rejected(error_code::corrupt, "the first message is not a hello")};
    if (!hello && hello.error().code != error_code::version_mismatch) {
      close(close_reason::malformed, hello.error());
      return true;
    }
    if (auto const wrong = misdirected(net, hello)) {
      refuse(*wrong);
      return false;
    }
    from_ = hello->from;
    // A connection that ends before it is judged makes the verdict void.
    net.sink->greeted(hello->from, hello->to, [weak = weak_from_this()](result<done> verdict) {
      if (auto const me = weak.lock()) static_cast<peer_in&>(*me).judged(std::move(verdict));
    });
    return accepted_;
  }

  /// What can be said without the store: everything but its memory of other stores.
  static std::optional<failure> misdirected(peer_net const& net, result<wire::hello> const& hello) {
    if (!hello) return hello.error();
    if (hello->from.cluster != net.self.cluster)
      return rejected(error_code::foreign, "this store belongs to cluster " + std::to_string(net.self.cluster.value) +
                                               ", the sender to " + std::to_string(hello->from.cluster.value));
    if (hello->to != net.self.store)
      return rejected(error_code::identity_refused, "this is store " + std::to_string(net.self.store.value) + ", not " +
                                                        std::to_string(hello->to.value) + "; check the addresses of the peers");
    if (hello->from.store == net.self.store)
      return rejected(error_code::identity_refused, "the sender has the id of this store", net.self.store.value);
    return std::nullopt;
  }

  void judged(result<done> verdict) {
    auto const net = net_.lock();
    if (!net || !net->sink || channel::ended() || judged_) return;
    judged_ = true;
    if (!verdict) return refuse(std::move(verdict).error());
    // One connection of each store: what an earlier start has sent is not to arrive after this one was let in.
    auto& place = net->incoming[from_.store];
    if (auto const before = std::exchange(place, std::static_pointer_cast<peer_in>(shared_from_this())).lock())
      before->close(close_reason::replaced, rejected(error_code::unreachable, "the store has connected anew"));
    accepted_ = true;
    greet(wire::frame_kind::verdict, wire::encode_verdict(std::nullopt));
    open_queue();
    resume();
  }

  void ended(close_reason, failure const&) override {}

  std::weak_ptr<peer_net> net_;
  store_identity from_;
  bool judged_ = false;
  bool accepted_ = false;
};

inline void peer_net::send(store_id to, policy::envelope const& envelope) {
  auto const place = links.find(to);
  if (!sink || place == links.end() || !dial(to, place->second)) return drop(1);
  auto const channel = place->second.channel;
  for (auto& body : wire::encode(envelope, mail)) {
    auto const before = channel->queue().dropped();
    auto const fits = body.size() <= port->options.message_bytes_max;
    if (fits && channel->send(wire::frame_kind::mail, envelope.priority, std::move(body))) ++port->counters.mails_sent;
    drop(fits ? channel->queue().dropped() - before : 1);
  }
}

/// True iff there is a connection, or the beginning of one. Not bounded by `connections_max`: clients must not be able to
/// part a store from the others, and those are as many as are listed.
inline bool peer_net::dial(store_id to, link& way) {
  if (way.channel) return true;
  if (port->stopped || std::chrono::steady_clock::now() < way.retry_at) return false;
  way.channel = make_connection<peer_out>(port, shared_from_this(), to);
  way.channel->dial(way.endpoint, "/peer");
  return true;
}

inline void peer_net::take(beast::tcp_stream stream, upgrade_request request) {
  make_connection<peer_in>(port, std::move(stream), shared_from_this())->accept(std::move(request));
}

inline void peer_net::stop() noexcept {
  if (std::exchange(stopped, true)) return;
  if (std::exchange(sink, nullptr) == nullptr) return;
  port->stores.reset();
  for (auto& [id, way] : std::exchange(links, {}))
    if (way.channel) way.channel->abort();
  auto const all = port->connections;
  for (auto const& [address, weak] : all)
    if (auto const each = std::dynamic_pointer_cast<peer_in>(weak.lock())) each->abort();
}

}  // namespace detail

TINYKV_DECL websocket::websocket(port& where, std::map<store_id, std::string> peers)
    : body_(std::make_shared<detail::peer_net>(where.body_, std::move(peers))) {}
TINYKV_DECL websocket::websocket(websocket&&) noexcept = default;
TINYKV_DECL websocket& websocket::operator=(websocket&& other) noexcept {
  if (this != &other) {
    stop();
    body_ = std::move(other.body_);
  }
  return *this;
}
TINYKV_DECL websocket::~websocket() { stop(); }

TINYKV_DECL result<done> websocket::start(store_identity const& self, policy::receive_sink& sink) {
  if (!body_ || body_->stopped || body_->port->stopped) return rejected(error_code::stopped, "the transport was stopped");
  if (self.cluster == cluster_id{} || self.store == store_id{} || self.start.epoch == 0)
    return rejected(error_code::invalid_argument, "an identity names a cluster, a store and a start epoch");
  if (!body_->port->stores.expired()) return rejected(error_code::locked, "a store already uses this port");
  body_->self = self;
  body_->sink = &sink;
  body_->port->stores = body_;
  return done{};
}

TINYKV_DECL void websocket::send(store_id to, policy::envelope mail) noexcept {
  if (body_) body_->send(to, mail);
}

TINYKV_DECL void websocket::set_peer(store_id to, std::string endpoint) {
  if (!body_ || body_->stopped || to == body_->self.store) return;
  auto& way = body_->links[to];
  if (way.endpoint == endpoint) return;
  way.endpoint = std::move(endpoint);
  if (auto const old = std::exchange(way.channel, nullptr))
    old->close(close_reason::replaced, rejected(error_code::unreachable, "the store has another address"));
  way.failures = 0;
  way.retry_at = {};
}

TINYKV_DECL void websocket::stop() noexcept {
  if (body_) body_->stop();
}

}  // namespace tinykv::transport
