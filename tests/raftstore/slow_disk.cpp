#include <tinykv/raftstore/store.hpp>

#include "harness.hpp"

using namespace raftstore_tests;

// The election timeout is ten ticks of 100 ms: a follower that hears nothing for 1 s to 2 s campaigns.

TEST_CASE("every write of the leader stalls for half an election timeout and nothing but the stalled answers waits",
          "[raftstore][slow-disk]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto const before = l.see();
  std::map<std::uint64_t, std::size_t> elections;
  for (auto& [id, h] : c.hosts) elections[id] = h->told(policy::event_kind::role_changed);
  std::int64_t expected = 0;

  for (int round = 0; round < 6; ++round) {
    l.disk_works = false;
    auto const beats = l.tap->count(message_kind::heartbeat);

    auto const first = l.propose("1");  // this one reaches the disk lane and stays there
    auto const early = l.read();        // nothing is committed beyond the own disk yet: its index is durable
    l.run();                            // taken in before any answer of the others
    c.run_for(40ms);
    CHECK(early->ok());
    CHECK(*early->all.at(0) == expected);
    CHECK(first->all.empty());

    auto const second = l.propose("2");
    c.run_for(60ms);
    CHECK(l.see().commit > l.see().durable);  // committed by the others
    auto const late = l.read();
    c.run_for(400ms);
    CHECK(l.tap->count(message_kind::heartbeat) >= beats + 4);  // two peers, every 200 ms
    CHECK(first->all.empty());
    CHECK(second->all.empty());
    CHECK(late->all.empty());

    // A follower reads through the stalled leader: its own machine has applied what was committed.
    for (auto& [id, h] : c.hosts) {
      if (h.get() == &l) continue;
      auto const there = h->read();
      c.run_for(20ms);
      CHECK(there->ok());
      CHECK(*there->all.at(0) == expected + 2);
      break;
    }

    l.disk_works = true;
    c.settle();
    expected += 2;
    REQUIRE(first->ok());
    REQUIRE(second->ok());
    REQUIRE(late->ok());
    CHECK(*first->all[0] == expected - 1);
    CHECK(*second->all[0] == expected);
    CHECK(*late->all[0] == expected);
  }

  c.run_for(3s);
  CHECK(l.leads());
  CHECK(l.see().term == before.term);
  for (auto& [id, h] : c.hosts) CHECK(h->told(policy::event_kind::role_changed) == elections[id]);
  CHECK(l.told(policy::event_kind::disk_stalled) == 0);
}

TEST_CASE("a write of the leader stalls for much longer: leadership moves and its proposals are answered unknown, once",
          "[raftstore][slow-disk]") {
  cluster<> c{3};
  auto& old = c.leader();
  auto const before = old.see().term;
  old.disk_works = false;
  auto const stalled = old.propose("1");
  c.run_for(40ms);
  auto const read = old.read();
  c.run_for(1500ms);
  CHECK(old.leads());  // not yet: the others hear it all the time
  CHECK(stalled->all.empty());

  auto& next = c.leader(old.id_);
  CHECK(next.id_ != old.id_);
  CHECK(next.see().term > before);
  CHECK_FALSE(old.leads());
  CHECK(old.told(policy::event_kind::disk_stalled) == 1);
  REQUIRE(stalled->once());
  CHECK(stalled->why().outcome == outcome::unknown);
  CHECK(stalled->why().code == error_code::leadership_lost);

  auto const there = next.propose("2");
  c.run_for(200ms);
  CHECK(there->ok());
  CHECK(*there->all.at(0) == 2);  // "1" had been committed by the others: unknown was the right word

  old.disk_works = true;
  c.run_for(5s);
  CHECK(stalled->once());
  CHECK(read->once());
  CHECK(next.leads());
  CHECK(old.see().applied == next.see().applied);
  CHECK(old.see().leader == peer_id{next.id_});
  auto const again = old.read();
  c.run_for(200ms);
  CHECK(*again->all.at(0) == 2);
}

TEST_CASE("a leader whose disk never returns does not lead again", "[raftstore][slow-disk]") {
  cluster<> c{3};
  auto& old = c.leader();
  old.disk_works = false;
  old.propose("1");
  auto& next = c.leader(old.id_);
  c.run_for(20s);
  CHECK_FALSE(old.leads());
  CHECK(next.leads());
}

TEST_CASE("a follower whose disk stalls stops nobody", "[raftstore][slow-disk]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto& f = c.follower();
  f.disk_works = false;
  for (int i = 0; i < 10; ++i) {
    auto const done = l.propose("x");
    c.run_for(300ms);
    CHECK(done->ok());
  }
  CHECK(f.see().durable < l.see().durable);
  f.disk_works = true;
  c.run_for(1s);
  CHECK(f.see().applied == l.see().applied);
  CHECK(l.leads());
}
