#include <tinykv/transport/loopback.hpp>

#include <tinykv/testing/conformance/transport.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <mutex>
#include <thread>

using namespace tinykv;
using transport::loopback;

namespace {

struct loopback_world {
  using model = loopback;
  loopback::hub hub;

  loopback open(store_id self) { return {hub, self}; }
  bool wait(std::function<bool()> const& fact) {
    for (int i = 0; i < 10000; ++i)
      if (fact()) return true;
    return false;
  }
};

store_identity start_of(std::uint64_t id, std::uint64_t epoch = 1) {
  return {cluster_id{1}, store_id{id}, {}, consensus_kind::raft, {epoch, id}};
}
policy::envelope mail(std::uint64_t n) {
  raft::message m;
  m.round = n;
  return {policy::priority::urgent, {{group_id{1}, m}}};
}

}  // namespace

TEST_CASE("loopback keeps the contract of a Transport", "[transport][loopback]") {
  for (auto const& each : testing::transport_suite<loopback_world>([] { return std::make_unique<loopback_world>(); })) {
    INFO(each.name);
    auto const found = each.run();
    INFO(found.text());
    CHECK(found.complaints().empty());
  }
}

TEST_CASE("what is sent before the verdict waits, in order, up to its bound", "[transport][loopback]") {
  loopback::hub hub{{.waiting_envelopes_max = 3}};
  testing::recording_sink one, two;
  loopback a{hub, store_id{1}}, b{hub, store_id{2}};
  REQUIRE(a.start(start_of(1), one));
  REQUIRE(b.start(start_of(2), two));
  for (std::uint64_t n = 1; n <= 5; ++n) a.send(store_id{2}, mail(n));
  CHECK(two.greetings.size() == 1);
  CHECK(hub.dropped() == 2);
  two.judge();
  a.send(store_id{2}, mail(6));
  REQUIRE(two.mails.size() == 4);
  for (std::size_t i = 0; i < 3; ++i) CHECK(two.mails[i].second == mail(i + 1));
  CHECK(two.mails[3].second == mail(6));
}

TEST_CASE("a verdict on an earlier start lets nobody in", "[transport][loopback]") {
  loopback::hub hub;
  testing::recording_sink one, two;
  loopback b{hub, store_id{2}};
  REQUIRE(b.start(start_of(2), two));
  std::optional<loopback> a;
  a.emplace(hub, store_id{1});
  REQUIRE(a->start(start_of(1, 1), one));
  a->send(store_id{2}, mail(1));
  a.emplace(hub, store_id{1});
  REQUIRE(a->start(start_of(1, 2), one));
  two.judge();  // of the start with epoch 1
  a->send(store_id{2}, mail(2));
  CHECK(two.mails.empty());
  CHECK(two.greetings.back().from == start_of(1, 2));
  two.judge();
  REQUIRE(two.mails.size() == 1);
  CHECK(two.mails[0] == std::pair{start_of(1, 2), mail(2)});
}

TEST_CASE("a store id runs once in a hub, under its own handle", "[transport][loopback]") {
  loopback::hub hub;
  testing::recording_sink sink;
  loopback a{hub, store_id{1}}, twin{hub, store_id{1}}, other{hub, store_id{2}};
  REQUIRE(a.start(start_of(1), sink));
  CHECK(twin.start(start_of(1), sink).error().code == error_code::locked);
  CHECK(other.start(start_of(3), sink).error().code == error_code::invalid_argument);
  twin.stop();  // must not detach the other one
  CHECK(twin.start(start_of(1), sink).error().code == error_code::locked);
  auto moved = std::move(a);
  a.stop();
  CHECK(twin.start(start_of(1), sink).error().code == error_code::locked);
  moved.stop();
  CHECK(twin.start(start_of(1), sink));
}

TEST_CASE("a verdict that outlives the hub does nothing", "[transport][loopback]") {
  testing::recording_sink one, two;
  {
    loopback::hub hub;
    loopback a{hub, store_id{1}}, b{hub, store_id{2}};
    REQUIRE(a.start(start_of(1), one));
    REQUIRE(b.start(start_of(2), two));
    a.send(store_id{2}, mail(1));
  }
  two.judge();
  CHECK(two.mails.empty());
}

TEST_CASE("a sink is not touched after stop while others send from other threads", "[transport][loopback]") {
  struct counting_sink final : policy::receive_sink {
    std::atomic<int> mails{0};
    std::atomic<bool> gone{false};
    std::atomic<bool> touched{false};
    std::mutex mutex;
    std::vector<verdict> open;
    void greeted(store_identity const&, store_id, verdict answer) noexcept override {
      std::scoped_lock const lock{mutex};
      open.push_back(std::move(answer));
    }
    void received(store_identity const&, policy::envelope) noexcept override {
      ++mails;
      if (gone) touched = true;
    }
    void refused(store_id, failure) noexcept override {}
  };
  loopback::hub hub;
  testing::recording_sink ignored;
  loopback sender{hub, store_id{1}};
  REQUIRE(sender.start(start_of(1), ignored));
  std::atomic<bool> over{false};
  std::thread other{[&] {
    for (std::uint64_t n = 0; !over; ++n) sender.send(store_id{2}, mail(n));
  }};
  for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
    counting_sink sink;
    loopback receiver{hub, store_id{2}};
    CHECK(receiver.start(start_of(2, epoch), sink));
    while (sink.mails < 10) {
      std::vector<policy::receive_sink::verdict> taken;
      {
        std::scoped_lock const lock{sink.mutex};
        taken.swap(sink.open);
      }
      for (auto& answer : taken) answer(done{});
    }
    receiver.stop();
    sink.gone = true;
    std::this_thread::yield();
    CHECK_FALSE(sink.touched);
  }
  over = true;
  other.join();
}
