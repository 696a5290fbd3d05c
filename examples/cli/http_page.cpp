#include "http_page.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace cli {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t page_bytes_max = 4U << 20;

/// One exchange, step by step, all of them within one time.
class exchange {
 public:
  explicit exchange(std::chrono::nanoseconds timeout) : end_(std::chrono::steady_clock::now() + timeout) {}

  /// Runs what `start(handler)` starts to its end, or to the end of the time.
  template <class Start>
  error_code step(Start start) {
    error_code outcome = asio::error::timed_out;
    home.restart();
    start([&outcome](error_code const& done, auto const&...) { outcome = done; });
    home.run_until(end_);
    return outcome;
  }

  asio::io_context home{1};
  asio::ip::tcp::resolver resolver{home};
  boost::beast::tcp_stream stream{home};

 private:
  std::chrono::steady_clock::time_point end_;
};

}  // namespace

tinykv::result<http_page, std::string> get_page(std::string const& endpoint, std::string const& path,
                                                std::chrono::nanoseconds timeout) {
  auto const failed = [](error_code const& why) { return tinykv::unexpected{why.message()}; };
  auto const colon = endpoint.rfind(':');
  if (colon == std::string::npos) return failed(asio::error::invalid_argument);
  auto host = endpoint.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  asio::ip::tcp::resolver::results_type addresses;
  http::request<http::empty_body> request{http::verb::get, path, 11};
  request.set(http::field::host, endpoint);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(page_bytes_max);
  http_page out;
  exchange with{timeout};  // behind what its operations use

  if (auto const why = with.step([&](auto done) {
        with.resolver.async_resolve(host, endpoint.substr(colon + 1),
                                    [&addresses, done](error_code const& e, auto found) {
                                      addresses = found;
                                      done(e);
                                    });
      }))
    return failed(why);
  if (auto const why = with.step([&](auto done) { with.stream.async_connect(addresses, done); })) return failed(why);
  out.asked = std::chrono::system_clock::now();
  if (auto const why = with.step([&](auto done) { http::async_write(with.stream, request, done); })) return failed(why);
  if (auto const why = with.step([&](auto done) { http::async_read(with.stream, buffer, parser, done); }))
    return failed(why);
  out.answered = std::chrono::system_clock::now();
  if (parser.get().result() != http::status::ok)
    return tinykv::unexpected{path + " answers " + std::to_string(parser.get().result_int())};
  out.body = std::move(parser.get().body());
  return out;
}

}  // namespace cli
