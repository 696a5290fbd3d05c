#include <tinykv/node/node.hpp>

#include <tinykv/storage/memory_log.hpp>
#include <tinykv/transport/loopback.hpp>

#include "support/catch.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

namespace asio = boost::asio;
namespace raftstore = tinykv::raftstore;
using namespace std::chrono_literals;
using tinykv::bytes;
using tinykv::error_code;
using tinykv::outcome;
using tinykv::result;

namespace {

struct counter {
  using reply = std::int64_t;
  reply apply(tinykv::log_index, std::string_view command) { return value += command == "up" ? 1 : -1; }
  std::int64_t value = 0;
};

struct in_memory : tinykv::defaults {
  using machine = counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
using node = tinykv::node<in_memory>;

/// A node of a group of `size`; the others are not there, so that only a group of one ever leads.
struct fixture {
  explicit fixture(std::uint64_t size = 1) {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t id = 1; id <= size; ++id) ids.push_back(id);
    auto o = raftstore::static_cluster(ids, 3);
    o.tick_interval = 2ms;
    one.emplace(tinykv::identity{tinykv::cluster_id{1}, tinykv::store_id{1}},
                tinykv::parts<in_memory>{{}, {}, {hub, tinykv::store_id{1}}}, executor, o);
  }
  /// Runs the home lane until `done` holds.
  template <class F>
  void until(F done) {
    auto const end = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < end) io.run_one_for(50ms);
    REQUIRE(done());
  }
  /// Proposes until somebody leads.
  std::int64_t up() {
    for (std::optional<result<std::int64_t>> got;;) {
      got.reset();
      one->async_propose(bytes::copy_of("up"), 5s, [&](result<std::int64_t> r) { got = std::move(r); });
      until([&] { return got.has_value(); });
      if (*got) return **got;
    }
  }

  asio::io_context io;
  tinykv::runtime::asio_executor executor{io};
  tinykv::transport::loopback::hub hub;
  std::optional<node> one;
};

std::int64_t look(node::view& v) { return v.get().value; }

}  // namespace

TEST_CASE("a proposal gives the reply of the machine, once and never inside the call", "[node]") {
  fixture f;
  CHECK(f.up() == 1);
  int calls = 0;
  f.one->async_propose(bytes::copy_of("up"), 5s, [&](result<std::int64_t> r) {
    ++calls;
    REQUIRE(r);
    CHECK(*r == 2);
  });
  CHECK(calls == 0);
  f.until([&] { return calls > 0; });
  f.io.run_for(50ms);
  CHECK(calls == 1);
}

TEST_CASE("a read sees what was acknowledged before and gives what it returns", "[node]") {
  fixture f;
  for (std::int64_t i = 1; i <= 3; ++i) {
    REQUIRE(f.up() == i);
    std::optional<result<std::int64_t>> got;
    f.one->async_read(look, 5s, [&](result<std::int64_t> r) { got = std::move(r); });
    CHECK_FALSE(got);
    f.until([&] { return got.has_value(); });
    REQUIRE(*got);
    CHECK(**got == i);
  }
}

TEST_CASE("a read may give a failure of its own, and one that throws gives a failure", "[node]") {
  fixture f;
  f.up();
  std::optional<result<int>> own, thrown;
  f.one->async_read([](node::view&) -> result<int> { return tinykv::conflict(error_code::compare_failed, "mine"); }, 5s,
                    [&](result<int> r) { own = std::move(r); });
  f.one->async_read([](node::view&) -> int { throw std::runtime_error{"oops"}; }, 5s, [&](result<int> r) { thrown = std::move(r); });
  f.until([&] { return own && thrown; });
  CHECK(own->error().detail == "mine");
  CHECK_FALSE(*thrown);
  CHECK(f.up() == 2);  // the node goes on
}

TEST_CASE("calls can be awaited and do not throw", "[node]") {
  fixture f;
  f.up();
  std::int64_t proposed = 0, seen = 0;
  bool stopped = false, refused = false;
  asio::co_spawn(
      f.io,
      [&]() -> asio::awaitable<void> {
        auto const reply = co_await f.one->async_propose(bytes::copy_of("up"), 5s, asio::use_awaitable);
        proposed = reply.value_or(-1);
        auto const read = co_await f.one->async_read(look, 5s, asio::use_awaitable);
        seen = read.value_or(-1);
        auto const status = co_await f.one->async_status(asio::use_awaitable);
        CHECK(status->groups.size() == 1);
        stopped = (co_await f.one->async_stop(asio::use_awaitable)).has_value();
        refused = !(co_await f.one->async_propose(bytes::copy_of("up"), 5s, asio::use_awaitable)).has_value();
      },
      asio::detached);
  f.until([&] { return refused; });
  CHECK(proposed == 2);
  CHECK(seen == 2);
  CHECK(stopped);
}

TEST_CASE("calls from another thread give futures", "[node][threads]") {
  fixture f;
  f.up();
  auto work = asio::make_work_guard(f.io);
  std::thread home{[&] { f.io.run(); }};
  std::vector<std::future<result<std::int64_t>>> all;
  for (int i = 0; i < 50; ++i) all.push_back(f.one->async_propose(bytes::copy_of("up"), 5s, asio::use_future));
  std::int64_t sum = 0;
  for (auto& each : all) sum += each.get().value_or(0);
  CHECK(sum == 51 * 52 / 2 - 1);
  CHECK(f.one->async_read(look, 5s, asio::use_future).get().value_or(0) == 51);
  CHECK(f.one->async_stop(asio::use_future).get());
  work.reset();
  home.join();
}

TEST_CASE("completion runs on the executor of its handler, which is kept at work", "[node][threads]") {
  fixture f;
  f.up();
  asio::thread_pool pool{1};
  auto const pool_thread = asio::post(pool, asio::use_future([] { return std::this_thread::get_id(); })).get();
  std::atomic<bool> done{false};
  std::thread::id where;
  f.one->async_propose(bytes::copy_of("up"), 5s, asio::bind_executor(pool, [&](result<std::int64_t>) {
                         where = std::this_thread::get_id();
                         done = true;
                       }));
  f.until([&] { return done.load(); });
  CHECK(where == pool_thread);
  pool.join();
}

TEST_CASE("without a quorum a proposal is refused and a read ends with its patience", "[node]") {
  fixture f{3};
  std::optional<result<std::int64_t>> proposed, read;
  f.one->async_propose(bytes::copy_of("up"), 100ms, [&](result<std::int64_t> r) { proposed = std::move(r); });
  f.one->async_read(look, 20ms, [&](result<std::int64_t> r) { read = std::move(r); });
  f.until([&] { return proposed && read; });
  CHECK(proposed->error().code == error_code::not_leader);
  CHECK(proposed->error().outcome == outcome::rejected);
  CHECK(read->error().code == error_code::deadline);
}

TEST_CASE("a cancelled proposal is unknown, a cancelled read is not done, each once", "[node][cancellation]") {
  fixture f{3};
  asio::cancellation_signal signal;
  int calls = 0;
  std::optional<result<std::int64_t>> got;
  f.one->async_read(look, 60s, asio::bind_cancellation_slot(signal.slot(), [&](result<std::int64_t> r) {
                      ++calls;
                      got = std::move(r);
                    }));
  f.io.run_for(10ms);
  CHECK(calls == 0);
  signal.emit(asio::cancellation_type::terminal);
  CHECK(calls == 0);  // not inside
  f.until([&] { return calls > 0; });
  CHECK(got->error().code == error_code::canceled);
  CHECK(got->error().outcome == outcome::rejected);

  fixture g;
  g.up();
  asio::cancellation_signal other;
  std::optional<result<std::int64_t>> proposed;
  g.one->async_propose(bytes::copy_of("up"), 60s, asio::bind_cancellation_slot(other.slot(), [&](result<std::int64_t> r) {
                         ++calls;
                         proposed = std::move(r);
                       }));
  other.emit(asio::cancellation_type::terminal);
  g.until([&] { return proposed.has_value(); });
  CHECK(proposed->error().code == error_code::canceled);
  CHECK(proposed->error().outcome == outcome::unknown);
  g.io.run_for(50ms);
  other.emit(asio::cancellation_type::terminal);
  g.io.run_for(10ms);
  CHECK(calls == 2);
}

TEST_CASE("a destroyed node answers open calls once", "[node][stop]") {
  fixture f{3};
  int calls = 0;
  std::optional<result<std::int64_t>> read, queued;
  f.one->async_read(look, 60s, [&](result<std::int64_t> r) { ++calls, read = std::move(r); });
  f.io.run_for(20ms);
  f.one->async_propose(bytes::copy_of("up"), 60s, [&](result<std::int64_t> r) { ++calls, queued = std::move(r); });
  f.one.reset();
  CHECK(calls == 0);
  f.until([&] { return calls == 2; });
  CHECK(read->error().code == error_code::stopped);
  CHECK(queued->error().code == error_code::stopped);
}

TEST_CASE("a node whose directory is refused says so and answers every call with it", "[node][start]") {
  asio::io_context io;
  tinykv::runtime::asio_executor executor{io};
  tinykv::transport::loopback::hub hub;
  raftstore::options o;  // an empty directory, and no word of what to do with it
  node one{{tinykv::cluster_id{1}, tinykv::store_id{1}}, {{}, {}, {hub, tinykv::store_id{1}}}, executor, o};
  REQUIRE(one.failed());
  CHECK(one.failed()->code == error_code::not_found);
  std::optional<result<std::int64_t>> got;
  one.async_propose(bytes::copy_of("up"), 5s, [&](result<std::int64_t> r) { got = std::move(r); });
  io.run_for(100ms);
  REQUIRE(got);
  CHECK(got->error().outcome == outcome::fatal);
}
