#include <tinykv/raftstore/store.hpp>

#include "harness.hpp"

using namespace raftstore_tests;

namespace {

tinykv::store_identity identity_of(std::uint64_t store, std::uint64_t epoch = 1, std::uint64_t number = 5) {
  tinykv::store_identity out;
  out.cluster = tinykv::cluster_id{1};
  out.store = store_id{store};
  out.uuid.octets[0] = static_cast<std::uint8_t>(store);
  out.start = {epoch, number};
  return out;
}

policy::envelope mail(raft::message m) {
  m.to = peer_id{1};
  return {policy::priority::normal, {{group_id{1}, std::move(m)}}};
}

raft::message append(std::uint64_t from, std::uint64_t of_term, std::uint64_t index, std::uint64_t log_term, std::size_t count) {
  raft::message m;
  m.kind = message_kind::append;
  m.from = peer_id{from};
  m.term = term{of_term};
  m.index = log_index{index};
  m.log_term = term{log_term};
  for (std::size_t i = 1; i <= count; ++i)
    m.entries.push_back({log_index{index + i}, term{of_term}, raft::entry_kind::command, text("x")});
  return m;
}

/// Store 1 of three, the others played by the test.
struct alone {
  alone() : one(hub, 1, raftstore::static_cluster({1, 2, 3}, 7)) {
    one.open();
    one.run();
  }
  // Greets as `who`; the verdict, once it is given.
  std::shared_ptr<std::vector<tinykv::result<tinykv::done>>> greet(tinykv::store_identity const& who, std::uint64_t to = 1) {
    auto out = std::make_shared<std::vector<tinykv::result<tinykv::done>>>();
    one.tap->sink->greeted(who, store_id{to}, [out](tinykv::result<tinykv::done> r) { out->push_back(std::move(r)); });
    one.run();
    return out;
  }
  void receive(tinykv::store_identity const& from, raft::message m) {
    one.tap->sink->received(from, mail(std::move(m)));
    one.run();
  }
  tinykv::transport::loopback::hub hub;
  host<> one;
};

}  // namespace

TEST_CASE("the epoch is durable before the transport starts", "[raftstore][order]") {
  tinykv::transport::loopback::hub hub;
  host<> one{hub, 1, raftstore::static_cluster({1}, 7)};
  one.disk_works = false;  // not even its lane is needed
  one.open();
  REQUIRE_FALSE(one.store->failed());
  REQUIRE(one.disk->batches.size() == 1);
  CHECK(one.disk->batches[0].store_record);
  CHECK(one.told(policy::event_kind::started) == 1);
}

TEST_CASE("a store that cannot write its epoch does not start its transport", "[raftstore][order]") {
  tinykv::transport::loopback::hub hub;
  host<> one{hub, 1, raftstore::static_cluster({1}, 7)};
  one.disk->broken = true;
  one.open();
  CHECK(one.store->failed());
  CHECK(one.tap->sink == nullptr);
  auto const done = one.propose("x");
  one.run();
  CHECK(done->why().outcome == outcome::fatal);
}

TEST_CASE("an append is acknowledged after its batch and not before", "[raftstore][order]") {
  alone a;
  a.greet(identity_of(2));
  a.one.disk_works = false;
  a.receive(identity_of(2), append(2, 1, 0, 0, 1));
  CHECK(a.one.tap->count(message_kind::append_reply) == 0);
  a.one.disk_works = true;
  a.one.run();
  CHECK(a.one.tap->count(message_kind::append_reply) == 1);
  CHECK(a.one.disk->batches.back().groups.back().entries.size() == 1);
}

TEST_CASE("a grant leaves after its batch, an answer to a heartbeat of a durable term at once", "[raftstore][order]") {
  alone a;
  a.greet(identity_of(2));
  a.one.disk_works = false;
  raft::message m;
  m.kind = message_kind::vote_request;
  m.from = peer_id{2};
  m.term = term{1};
  a.receive(identity_of(2), m);
  CHECK(a.one.tap->count(message_kind::vote_reply) == 0);
  a.one.disk_works = true;
  a.one.run();
  CHECK(a.one.tap->count(message_kind::vote_reply) == 1);
  CHECK(a.one.disk->batches.back().groups.back().state->vote == peer_id{2});

  a.one.disk_works = false;
  a.receive(identity_of(2), append(2, 1, 0, 0, 1));
  m.kind = message_kind::heartbeat;
  a.receive(identity_of(2), m);
  CHECK(a.one.tap->count(message_kind::heartbeat_reply) == 1);  // although a batch of the group is in flight
  CHECK(a.one.tap->count(message_kind::append_reply) == 0);
}

TEST_CASE("at most one batch is in flight and what becomes ready meanwhile is one more", "[raftstore][order][group-commit]") {
  cluster<> c{3};
  auto& l = c.leader();
  l.disk_works = false;
  auto const before = l.disk->batches.size();
  std::vector<std::shared_ptr<answered<std::int64_t>>> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(l.propose("x"));
    l.run();
    CHECK(l.executor.waiting(lane::disk) == 1);
  }
  l.disk_works = true;
  c.run_for(100ms);
  for (auto const& each : all) CHECK(each->ok());
  CHECK(l.disk->batches.size() == before + 2);
}

TEST_CASE("the first message of a store is taken only when it is durably known", "[raftstore][order][identity]") {
  alone a;
  a.one.disk_works = false;
  auto const verdict = a.greet(identity_of(2));
  CHECK(verdict->empty());
  a.one.disk_works = true;
  a.one.run();
  REQUIRE(verdict->size() == 1);
  CHECK(verdict->front());
  auto const stored = raftstore::roster::decode(*a.one.disk->batches.back().store_record);
  REQUIRE(stored);
  CHECK(stored->is_latest(identity_of(2)));
  CHECK(a.greet(identity_of(2))->size() == 1);  // known: at once, without a write
}

TEST_CASE("a known start waits too while it is not durable", "[raftstore][order][identity]") {
  alone a;
  a.one.disk_works = false;
  auto const first = a.greet(identity_of(2));
  auto const second = a.greet(identity_of(2));
  REQUIRE(first->size() == 1);  // one of each store waits
  CHECK_FALSE(first->front());
  CHECK(second->empty());
  a.one.disk_works = true;
  a.one.run();
  REQUIRE(second->size() == 1);
  CHECK(second->front());
}

TEST_CASE("an earlier start that waits is refused when a later one comes", "[raftstore][order][identity]") {
  alone a;
  a.one.disk_works = false;
  auto const first = a.greet(identity_of(2, 1));
  auto const second = a.greet(identity_of(2, 2));
  a.one.disk_works = true;
  a.one.run();
  REQUIRE(first->size() == 1);
  REQUIRE(second->size() == 1);
  CHECK_FALSE(first->front());
  CHECK(second->front());
}

TEST_CASE("mail of an earlier start and of strangers is dropped and counted", "[raftstore][identity]") {
  alone a;
  a.greet(identity_of(2, 1));
  a.greet(identity_of(2, 2));
  a.receive(identity_of(2, 1), append(2, 9, 0, 0, 1));
  a.receive(identity_of(3, 1), append(3, 9, 0, 0, 1));
  CHECK(a.one.see().term == term{0});
  CHECK(a.one.store->status_now().messages_dropped == 2);
  a.receive(identity_of(2, 2), append(2, 9, 0, 0, 1));
  CHECK(a.one.see().term == term{9});
}

TEST_CASE("a message in another peer's name is dropped", "[raftstore][identity][hostile]") {
  alone a;
  a.greet(identity_of(2));
  a.receive(identity_of(2), append(3, 9, 0, 0, 1));  // peer 3 is on store 3
  CHECK(a.one.see().term == term{0});
}

TEST_CASE("refusals in both directions are told", "[raftstore][identity]") {
  alone a;
  auto wrong = identity_of(2);
  wrong.cluster = tinykv::cluster_id{9};
  auto const verdict = a.greet(wrong);
  REQUIRE(verdict->size() == 1);
  CHECK(verdict->front().error().code == error_code::identity_refused);
  CHECK(a.one.told(policy::event_kind::greeting_refused) == 1);

  a.one.tap->sink->refused(store_id{3}, tinykv::rejected(error_code::identity_refused, "no"));
  a.one.run();
  CHECK(a.one.store->status_now().refused_by.at(store_id{3}).detail == "no");
}

TEST_CASE("a wiped store does not come back under its old id", "[raftstore][identity]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto& f = c.follower();
  f.store.reset();
  f.executor.run_all();
  f.disk = std::make_shared<disk_log::disk>();
  f.open();
  c.run_for(5s);
  CHECK(f.store->status_now().refused_by.count(store_id{l.id_}) == 1);
  CHECK(l.leads());
  CHECK(f.see().last == log_index{0});
}

TEST_CASE("a restarted store goes on where its log ends", "[raftstore][restart]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto& f = c.follower();
  for (int i = 0; i < 20; ++i) l.propose("x");
  c.run_for(100ms);
  f.store.reset();
  f.executor.run_all();
  for (int i = 0; i < 20; ++i) l.propose("x");
  c.run_for(100ms);
  f.open();
  c.run_for(2s);
  CHECK(f.see().applied == l.see().applied);
  auto const read = f.read();
  c.run_for(100ms);
  REQUIRE(read->ok());
  CHECK(*read->all[0] == 40);
}

TEST_CASE("a whole cluster that was killed keeps what was acknowledged", "[raftstore][restart]") {
  cluster<> c{3};
  auto& l = c.leader();
  for (int i = 0; i < 20; ++i) l.propose("x");
  c.run_for(100ms);
  for (auto& [id, h] : c.hosts) {
    h->store.reset();
    h->executor.run_all();
  }
  for (auto& [id, h] : c.hosts) h->open();
  auto const read = c.leader().read();
  c.run_for(100ms);
  REQUIRE(read->ok());
  CHECK(*read->all[0] == 20);
}

TEST_CASE("missed ticks are one tick, and the mail is read before time passes", "[raftstore][time]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto& f = c.follower();
  // The follower sleeps for a minute while its leader goes on; its mail waits.
  for (int i = 0; i < 100; ++i) {
    for (auto& [id, h] : c.hosts) h->executor.advance(20ms);
    for (auto& [id, h] : c.hosts)
      if (h.get() != &f) h->run();
  }
  f.executor.advance(60s);
  c.run_for(1s);
  CHECK(l.leads());
  CHECK(f.see().role == role::follower);
  CHECK(f.see().term == l.see().term);
}
