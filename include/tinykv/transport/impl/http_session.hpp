#pragma once

#include <tinykv/transport/impl/port_body.hpp>

#include <boost/beast/websocket/rfc6455.hpp>

namespace tinykv::transport::detail {

/// A connection as it is accepted: answers GETs until the client leaves or asks for a websocket.
class http_session final : public connection, public std::enable_shared_from_this<http_session> {
 public:
  http_session(std::shared_ptr<port_body> where, tcp::socket socket)
      : connection(std::move(where)), stream_(std::move(socket)), buffer_(2 * port().options.http_header_bytes_max) {
    io_error ignored;
    stream_.socket().set_option(tcp::no_delay{true}, ignored);
    become_stranger();
  }

  /// Reads the next request. The first one has the handshake's deadline, later ones the idle one.
  void read(duration deadline) {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(port().options.http_header_bytes_max));
    stream_.expires_after(timer_span(deadline));
    http::async_read_header(stream_, buffer_, *parser_, [me = shared_from_this()](io_error wrong, std::size_t) {
      if (me->port().stopped || wrong == http::error::end_of_stream) return;
      if (wrong && wrong.category() != http::make_error_code(http::error::bad_method).category()) return;
      if (wrong) return me->reply({400, "text/plain; charset=utf-8", "not an HTTP request that this port takes\n"}, true);
      me->judge();
    });
  }
  void abort() noexcept override { stream_.close(); }

 private:
  void judge() {
    auto const& request = parser_->get();
    std::string_view target{request.target().data(), request.target().size()};
    target = target.substr(0, target.find('?'));
    if (beast::websocket::is_upgrade(request)) return upgrade(target);
    // A body is not read, so the place of the next request is not known.
    auto const body = parser_->chunked() || parser_->content_length().value_or(0) != 0;
    if (request.method() != http::verb::get && request.method() != http::verb::head)
      return reply({405, "text/plain; charset=utf-8", "only GET\n"}, true);
    auto const page = port().pages.find(target);
    if (page == port().pages.end()) return reply({404, "text/plain; charset=utf-8", "no such page\n"}, body);
    auto const make = page->second;  // a page may stop the port
    auto answer = make();
    if (!port().stopped) reply(std::move(answer), body);
  }

  void upgrade(std::string_view target) {
    if (target != "/peer" && target != "/rpc") return reply({404, "text/plain; charset=utf-8", "no such endpoint\n"}, true);
    auto const taker = (target == "/peer" ? port().stores : port().clients).lock();
    if (!taker) return reply({503, "text/plain; charset=utf-8", "not served by this process\n"}, true);
    if (taker->full()) return reply({503, "text/plain; charset=utf-8", "too many clients\n"}, true);
    stream_.expires_never();  // a websocket has timeouts of its own
    leave_strangers();
    taker->take(std::move(stream_), parser_->release());
  }

  void reply(http_answer answer, bool last) {
    auto const& request = parser_->get();
    auto const response = std::make_shared<http::response<http::string_body>>();
    response->version(request.version() == 10 ? 10 : 11);
    response->result(answer.status);
    response->set(http::field::content_type, answer.type);
    if (answer.status == 405) response->set(http::field::allow, "GET, HEAD");
    response->keep_alive(!last && request.keep_alive());
    auto const size = answer.body.size();
    if (request.method() != http::verb::head) response->body() = std::move(answer.body);
    response->prepare_payload();
    response->content_length(size);
    stream_.expires_after(timer_span(port().options.write_deadline));
    http::async_write(stream_, *response, [me = shared_from_this(), response](io_error wrong, std::size_t) {
      if (wrong || me->port().stopped) return;
      if (response->keep_alive()) return me->read(me->port().options.idle_deadline);
      io_error ignored;
      me->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
};

}  // namespace tinykv::transport::detail
