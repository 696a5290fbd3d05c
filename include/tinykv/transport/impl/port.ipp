#include <tinykv/core/config.hpp>
#include <tinykv/transport/impl/http_session.hpp>
#include <tinykv/transport/impl/port_body.hpp>
#include <tinykv/transport/port.hpp>

namespace tinykv::transport {
namespace detail {

inline void port_body::accept() {
  acceptor.async_accept([me = shared_from_this()](io_error wrong, tcp::socket socket) {
    if (me->stopped) return;
    if (wrong) {  // most likely out of descriptors: others must end first
      me->retry.expires_after(std::chrono::milliseconds{100});
      me->retry.async_wait([me](io_error canceled) {
        if (!canceled && !me->stopped) me->accept();
      });
      return;
    }
    ++me->counters.accepted;
    if (me->full()) {
      ++me->counters.turned_away;
      socket.close(wrong);
    } else {
      make_connection<http_session>(me, std::move(socket))->read(me->options.handshake_deadline);
    }
    me->accept();
  });
}

inline void port_body::stop() noexcept {
  if (std::exchange(stopped, true)) return;
  io_error ignored;
  acceptor.close(ignored);
  retry.cancel();
  auto const all = connections;
  for (auto const& [address, weak] : all)
    if (auto const each = weak.lock()) each->abort();
  pages.clear();
}

/// Why a port cannot be had, for people.
inline failure cannot_listen(std::string const& where, io_error why) {
  auto const hint = static_cast<std::uint64_t>(why.value());
  auto const head = "cannot listen on " + where + ": ";
  if (why == asio::error::address_in_use)
    return rejected(error_code::locked, head + "another process uses this port; stop it or choose another port", hint);
  if (why == asio::error::access_denied)
    return rejected(error_code::io, head + "not permitted; ports below 1024 need privileges", hint);
  if (why == boost::system::errc::address_not_available)
    return rejected(error_code::io, head + "not an address of this machine; 0.0.0.0 stands for all", hint);
  return rejected(error_code::io, head + why.message(), hint);
}

inline result<done> listen(port_body& port) {
  auto const& text = port.options.listen;
  auto const where = parse_host_port(text);
  if (!where) return rejected(error_code::invalid_argument, "cannot listen on " + text + ": not an address (H:P)");
  io_error wrong;
  auto const found = tcp::resolver{port.home}.resolve(where->host, std::to_string(where->port),
                                                      tcp::resolver::passive | tcp::resolver::numeric_service, wrong);
  if (wrong || found.empty())
    return rejected(error_code::invalid_argument, "cannot listen on " + text + ": " + wrong.message());
  auto const endpoint = found.begin()->endpoint();
  port.acceptor.open(endpoint.protocol(), wrong);
  if (!wrong) port.acceptor.set_option(tcp::acceptor::reuse_address{true}, wrong);
  if (!wrong) port.acceptor.bind(endpoint, wrong);
  if (!wrong) port.acceptor.listen(asio::socket_base::max_listen_connections, wrong);
  if (wrong) return cannot_listen(text, wrong);
  port.number = port.acceptor.local_endpoint(wrong).port();
  if (wrong) return cannot_listen(text, wrong);
  auto const host = text.substr(0, text.rfind(':'));
  port.advertised = port.options.advertise.empty() ? host + ":" + std::to_string(port.number) : port.options.advertise;
  return done{};
}

}  // namespace detail

TINYKV_DECL port::port(std::shared_ptr<detail::port_body> body) noexcept : body_(std::move(body)) {}
TINYKV_DECL port::port(port&&) noexcept = default;
TINYKV_DECL port& port::operator=(port&& other) noexcept {
  if (this != &other) {
    stop();
    body_ = std::move(other.body_);
  }
  return *this;
}
TINYKV_DECL port::~port() { stop(); }

TINYKV_DECL result<port> port::open(boost::asio::io_context& home, port_options options) {
  auto const wrong = [](char const* what) { return rejected(error_code::invalid_argument, what); };
  if (options.frame_bytes_max < 512) return wrong("frame_bytes_max is below 512");
  if (options.message_bytes_max == 0 || options.queue_bytes_max == 0 || options.connections_max == 0 ||
      options.strangers_max == 0 || options.bytes_max == 0 || options.unsent_bytes_max == 0 ||
      options.calls_in_flight_max == 0 || options.call_bytes_in_flight_max == 0 || options.http_header_bytes_max == 0)
    return wrong("a bound of the port is 0");
  for (auto const each : {options.connect_deadline, options.handshake_deadline, options.idle_deadline, options.write_deadline,
                          options.reconnect_min, options.reconnect_max})
    if (each <= duration::zero()) return wrong("a deadline of the port is not positive");
  auto body = std::make_shared<detail::port_body>(home, std::move(options));
  if (!body->options.listen.empty()) {
    if (auto const listening = detail::listen(*body); !listening) return listening.error();
    body->accept();
  }
  return port{std::move(body)};
}

TINYKV_DECL result<done> port::on_get(std::string path, std::function<http_answer()> answer) {
  if (path.empty() || path.front() != '/') return rejected(error_code::invalid_argument, "a path begins with '/'");
  if (!body_->pages.try_emplace(path, std::move(answer)).second)
    return rejected(error_code::invalid_argument, "the path " + path + " is taken");
  return done{};
}

TINYKV_DECL std::uint16_t port::number() const { return body_->number; }
TINYKV_DECL std::string const& port::advertised() const { return body_->advertised; }
TINYKV_DECL port_counters port::counters() const { return body_->counters; }
TINYKV_DECL std::size_t port::connections() const { return body_->connections.size(); }
TINYKV_DECL std::size_t port::bytes_held() const { return body_->bytes_held; }
TINYKV_DECL void port::stop() noexcept {
  if (body_) body_->stop();
}

}  // namespace tinykv::transport
