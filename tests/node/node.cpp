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
#include <list>
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

TEST_CASE("a read through the log sees what was acknowledged before", "[node][read]") {
  fixture f;
  for (std::int64_t i = 1; i <= 3; ++i) {
    REQUIRE(f.up() == i);
    std::optional<result<std::int64_t>> got;
    auto const last = [&] {
      std::optional<tinykv::log_index> index;
      f.one->async_status([&](result<raftstore::store_status> s) { index = s->groups.at(0).raft.last; });
      f.until([&] { return index.has_value(); });
      return *index;
    };
    auto const before = last();
    f.one->async_read(look, 5s, raftstore::read_mode::log, [&](result<std::int64_t> r) { got = std::move(r); });
    CHECK_FALSE(got);
    f.until([&] { return got.has_value(); });
    REQUIRE(*got);
    CHECK(**got == i);
    CHECK(last() > before);  // an entry of its own
    got.reset();
    f.one->async_read(look, 5s, raftstore::read_mode::index, [&](result<std::int64_t> r) { got = std::move(r); });
    f.until([&] { return got.has_value(); });
    CHECK(last() == before + 1);  // and none for the other kind
  }
}

namespace {

/// Nodes 1 to 3 in one process; the first `members` of them begin the group, the others wait to be added.
struct trio {
  explicit trio(std::uint64_t members) {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t id = 1; id <= members; ++id) ids.push_back(id);
    for (std::uint64_t id = 1; id <= 3; ++id) {
      auto o = raftstore::static_cluster(ids, 3);
      o.tick_interval = 5ms;
      if (id > members) o.first_group.first_start = raftstore::first_start::join;
      auto& executor = executors.emplace_back(io);
      all.push_back(std::make_unique<node>(tinykv::identity{tinykv::cluster_id{1}, tinykv::store_id{id}},
                                           tinykv::parts<in_memory>{{}, {}, {hub, tinykv::store_id{id}}}, executor, o));
    }
  }
  node& operator[](std::uint64_t id) { return *all.at(id - 1); }
  template <class T, class Begin>
  result<T> run(Begin begin) {
    std::optional<result<T>> got;
    begin([&](result<T> r) { got = std::move(r); });
    CHECK_FALSE(got);  // never inside the call
    auto const end = std::chrono::steady_clock::now() + 20s;
    while (!got && std::chrono::steady_clock::now() < end) io.run_one_for(50ms);
    REQUIRE(got);
    return std::move(*got);
  }
  std::uint64_t leader() {
    for (int i = 0; i < 2000; ++i)
      for (std::uint64_t id = 1; id <= 3; ++id) {
        auto const seen = run<raftstore::store_status>([&](auto take) { (*this)[id].async_status(take); });
        if (!seen->groups.empty() && seen->groups[0].raft.role == tinykv::raft::role::leader) return id;
        io.run_for(1ms);
      }
    FAIL("nobody leads");
    return 0;
  }
  result<std::int64_t> up(std::uint64_t id) {
    return run<std::int64_t>([&](auto take) { (*this)[id].async_propose(bytes::copy_of("up"), 5s, take); });
  }

  asio::io_context io;
  std::list<tinykv::runtime::asio_executor> executors;
  tinykv::transport::loopback::hub hub;
  std::vector<std::unique_ptr<node>> all;
};

}  // namespace

TEST_CASE("members are added, and asking again changes nothing", "[node][membership]") {
  trio in{1};
  auto const first = in.leader();
  REQUIRE(first == 1);
  REQUIRE(in.up(1));
  auto const target = raftstore::static_members({1, 2, 3});
  auto const change = [&](std::uint64_t at) {
    return in.run<tinykv::raft::membership>([&](auto take) { in[at].async_change_membership(target, 10s, take); });
  };
  auto const now = change(1);
  REQUIRE(now);
  CHECK(now->voters == target.voters);
  CHECK(now->outgoing.empty());
  CHECK(now->learners.empty());
  auto const again = change(1);
  REQUIRE(again);
  CHECK(*again == *now);
  auto const refused = change(2);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == error_code::not_leader);
  CHECK(refused.error().outcome == outcome::rejected);
  CHECK(refused.error().hint == 1);
  REQUIRE(in.up(1));
  CHECK(in.run<std::int64_t>([&](auto take) { in[3].async_read(look, 5s, take); }).value_or(0) == 2);
}

TEST_CASE("a configuration that cannot be is refused, and nothing begins", "[node][membership]") {
  trio in{3};
  auto const at = in.leader();
  auto const got = in.run<tinykv::raft::membership>([&](auto take) { in[at].async_change_membership({}, 5s, take); });
  REQUIRE_FALSE(got);
  CHECK(got.error().code == error_code::invalid_argument);
  CHECK(got.error().outcome == outcome::rejected);
  CHECK(in.up(at));
}

TEST_CASE("the leadership is handed over to whom it was meant for", "[node][transfer]") {
  trio in{3};
  auto const from = in.leader();
  REQUIRE(in.up(from));
  auto const to = from % 3 + 1;
  auto const got = in.run<tinykv::done>([&](auto take) { in[from].async_transfer(tinykv::peer_id{to}, 5s, take); });
  REQUIRE(got);
  CHECK(in.leader() == to);
  CHECK(in.up(to).value_or(0) == 2);
  auto const refused = in.run<tinykv::done>([&](auto take) { in[from].async_transfer(tinykv::peer_id{from}, 5s, take); });
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == error_code::not_leader);
  auto const nobody = in.run<tinykv::done>([&](auto take) { in[to].async_transfer(tinykv::peer_id{9}, 5s, take); });
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == error_code::invalid_argument);
}

TEST_CASE("a cancelled change of members or handover is unknown, once", "[node][membership][transfer][cancellation]") {
  fixture f{3};  // nobody leads: both wait or are refused
  fixture g;
  g.up();
  asio::cancellation_signal signal;
  int calls = 0;
  std::optional<result<tinykv::raft::membership>> change;
  g.one->async_change_membership(raftstore::static_members({1, 2}), 60s,  // 2 is not there: it never catches up
                                 asio::bind_cancellation_slot(signal.slot(), [&](result<tinykv::raft::membership> r) {
                                   ++calls;
                                   change = std::move(r);
                                 }));
  g.io.run_for(20ms);
  CHECK(calls == 0);
  signal.emit(asio::cancellation_type::terminal);
  CHECK(calls == 0);
  g.until([&] { return calls > 0; });
  CHECK(change->error().code == error_code::canceled);
  CHECK(change->error().outcome == outcome::unknown);
  asio::cancellation_signal other;
  std::optional<result<tinykv::done>> handover;
  f.one->async_transfer(tinykv::peer_id{2}, 60s, asio::bind_cancellation_slot(other.slot(), [&](result<tinykv::done> r) { handover = std::move(r); }));
  other.emit(asio::cancellation_type::terminal);
  f.until([&] { return handover.has_value(); });
  CHECK(handover->error().outcome == outcome::unknown);
  g.io.run_for(20ms);
  CHECK(calls == 1);
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
