#include "door.hpp"

#include "about.hpp"

#include <tinykv/server/port_metrics.hpp>
#include <tinykv/wire/methods.hpp>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <random>

#include <sys/resource.h>
#include <unistd.h>

using namespace tinykv;
using namespace std::chrono_literals;

namespace {

std::string_view name_of(std::uint16_t method) {
  switch (static_cast<wire::method>(method)) {
    case wire::method::raw_get: return "raw_get";
    case wire::method::raw_put: return "raw_put";
    case wire::method::raw_delete: return "raw_delete";
    case wire::method::raw_scan: return "raw_scan";
    case wire::method::raw_compare_and_set: return "raw_compare_and_set";
    case wire::method::raw_batch: return "raw_batch";
    case wire::method::status: return "status";
  }
  switch (static_cast<wire::admin_method>(method)) {
    case wire::admin_method::show_region: return "show_region";
    case wire::admin_method::transfer: return "transfer";
    case wire::admin_method::add_peer: return "add_peer";
    case wire::admin_method::remove_peer: return "remove_peer";
  }
  return "other";
}

transport::http_answer text_page(std::string const& line, unsigned status = 200) {
  return {status, "text/plain; charset=utf-8", line + "\n"};
}

/// How many connections leave the disk its descriptors: without one for a view, a machine would have to give up.
std::size_t connections_within(std::size_t wanted) {
  constexpr rlim_t others = 128;  // views, logs, the listener, standard streams
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  auto const needed = static_cast<rlim_t>(wanted) + others;
  if (files.rlim_cur < needed) {
    files.rlim_cur = std::min(needed, files.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &files) != 0 && ::getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  }
  auto const left = files.rlim_cur > 2 * others ? files.rlim_cur - others : files.rlim_cur / 2;
  return std::min<std::size_t>(wanted, std::max<std::size_t>(left, 1));
}

/// For signals behind the first one: whoever sends them will not wait for the end. Only calls of signal-safety(7).
extern "C" void end_at_once(int number) {
  constexpr std::string_view words = "tinykv-server: a second signal: ended at once, without waiting for what is under way\n";
  auto const written = ::write(STDERR_FILENO, words.data(), words.size());
  static_cast<void>(written);
  ::_exit(128 + number);
}

}  // namespace

result<transport::port> open_port(boost::asio::io_context& home, flags const& with) {
  transport::port_options options;
  options.listen = with.listen;
  options.advertise = with.advertise;
  options.cluster = with.cluster;
  options.seed = std::random_device{}();
  options.connections_max = connections_within(options.connections_max);
  options.clients_max = std::min(options.clients_max, options.connections_max - options.connections_max / 8);
  options.strangers_max = std::min(options.strangers_max, std::max<std::size_t>(options.connections_max / 10, 1));
  options.calls_in_flight_max = 16384;  // small writes; their bytes have a bound of their own
  return transport::port::open(home, options);
}

door::door(boost::asio::io_context& home, transport::port& port, server::prometheus metrics, why_not failed, word idle)
    : port_(port), rpc_(port), metrics_(std::move(metrics)), failed_(std::move(failed)), idle_(std::move(idle)), signals_(home), timer_(home) {
  (void)port_.on_get("/healthz", [this] {
    auto const why = failed_();
    if (why) return text_page(why->detail, 503);
    auto const unused = idle_();
    return unused.empty() ? text_page("ok") : text_page(unused, 503);
  });
  (void)port_.on_get("/version", [] { return text_page("tinykv " TINYKV_VERSION); });
  (void)port_.on_get("/metrics", [this] {
    server::exposition out;
    metrics_.write(out);
    server::write(out, port_);
    write_about(out);
    return transport::http_answer{200, "text/plain; version=0.0.4; charset=utf-8", out.text()};
  });
}

void door::open(policy::rpc_handler handler) {
  handler_ = std::move(handler);
  (void)rpc_.serve([this](policy::rpc_request request, duration patience, policy::rpc_reply reply) {
    answer(std::move(request), patience, std::move(reply));
  });
}

void door::answer(policy::rpc_request request, duration patience, policy::rpc_reply reply) {
  if (closing_) return reply(rejected(error_code::stopped, "the server is being stopped"));
  ++in_flight_;
  auto const method = name_of(request.method);
  handler_(std::move(request), patience,
           [this, method, begin = runtime::steady_clock{}.now(), reply = std::move(reply)](result<bytes> body) mutable {
             --in_flight_;
             auto const took = runtime::steady_clock{}.now() - begin;
             metrics_.request_answered(method, static_cast<std::uint64_t>(took.count()));
             reply(std::move(body));
           });
}

void door::watch(refusals refused_by, stopper stop_store) {
  refused_by_ = std::move(refused_by);
  stop_store_ = std::move(stop_store);
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  signals_.async_wait([this](boost::system::error_code const& cancelled, int) {
    if (!cancelled) close();
  });
  look();
}

void door::look() {
  if (closing_) return;
  if ((end_ = failed_())) return close();
  for (auto const& [store, why] : refused_by_()) {
    if (told_[store] == why.detail) continue;
    told_[store] = why.detail;
    complain("store " + std::to_string(store.value) + " refuses this one: " + why.detail);
  }
  if (auto now = idle_(); now != told_idle_) {
    told_idle_ = std::move(now);
    if (!told_idle_.empty()) complain(told_idle_);
  }
  timer_.expires_after(200ms);
  timer_.async_wait([this](boost::system::error_code const& cancelled) {
    if (!cancelled) look();
  });
}

void door::close() {
  if (std::exchange(closing_, true)) return;
  boost::system::error_code ignored;
  signals_.cancel(ignored);
  signals_.clear(ignored);
  for (auto const number : {SIGTERM, SIGINT}) std::signal(number, end_at_once);  // a lane that hangs in the disk is not waited for twice
  drain(100);
}

// New requests are refused; those in flight have a second to end, which is long for a cluster that works.
void door::drain(int turns_left) {
  if (in_flight_ > 0 && turns_left > 0 && !end_) {
    timer_.expires_after(10ms);
    timer_.async_wait([this, turns_left](boost::system::error_code const&) { drain(turns_left - 1); });
    return;
  }
  stop_store_([this] {
    rpc_.stop();
    port_.stop();
  });
}
