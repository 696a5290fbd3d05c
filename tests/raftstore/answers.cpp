#include <tinykv/raftstore/store.hpp>

#include "harness.hpp"

#include <algorithm>

using namespace raftstore_tests;

TEST_CASE("a proposal is answered once, with the machine's reply, when it is applied here", "[raftstore][answers]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto const done = l.propose("a");
  CHECK(done->all.empty());  // never from inside the call
  c.run_for(100ms);
  CHECK(done->ok());
  CHECK(*done->all.at(0) == 1);
  c.run_for(5s);
  CHECK(done->once());
}

TEST_CASE("a follower refuses a proposal and names the leader's store", "[raftstore][answers]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto const done = c.follower().propose("a");
  c.run_for(20ms);
  CHECK(done->why().outcome == outcome::rejected);
  CHECK(done->why().code == error_code::not_leader);
  CHECK(done->why().hint == l.id_);
}

TEST_CASE("a group that is not here is not found", "[raftstore][answers]") {
  cluster<> c{1};
  std::optional<tinykv::result<std::int64_t>> got;
  c[1].store->propose(group_id{7}, text("x"), 1s, [&](tinykv::result<std::int64_t> r) { got = std::move(r); });
  c.settle();
  REQUIRE(got);
  CHECK(got->error().code == error_code::not_found);
  CHECK(got->error().outcome == outcome::rejected);
}

TEST_CASE("a deadline answers unknown within a tick, and the command may still be applied", "[raftstore][answers]") {
  cluster<> c{3};
  auto& l = c.leader();
  l.disk_works = false;
  auto const done = l.propose("a", 300ms);
  c.run_for(280ms);
  CHECK(done->all.empty());
  c.run_for(140ms);
  CHECK(done->why().outcome == outcome::unknown);
  CHECK(done->why().code == error_code::deadline);
  l.disk_works = true;
  auto const next = l.propose("b");
  c.run_for(200ms);
  CHECK(*next->all.at(0) == 2);
  CHECK(done->once());
}

TEST_CASE("a lost leadership is told to its proposals at once, not with the next thing that happens", "[raftstore][answers]") {
  cluster<> c{3};
  auto& l = c.leader();
  l.tap->lost = [](store_id) { return true; };
  auto const done = l.propose("a", 1h);
  for (int i = 0; i < 500 && l.leads(); ++i) c.run_for(20ms);
  REQUIRE_FALSE(l.leads());
  CHECK(done->once());
  CHECK(done->why().code == error_code::leadership_lost);
}

TEST_CASE("a patience without end does not run over", "[raftstore][answers]") {
  cluster<> c{1};
  auto& l = c.leader();
  l.disk_works = false;
  auto const done = l.propose("a", tinykv::duration::max());
  auto const read = l.read(tinykv::duration::max());
  c.run_for(1s);
  CHECK(done->all.empty());
  l.disk_works = true;
  c.run_for(100ms);
  CHECK(done->ok());
  CHECK(read->ok());
}

TEST_CASE("a patience that is over before it begins answers a read with its deadline", "[raftstore][answers]") {
  cluster<> c{3};
  c.run_for(100ms);  // nobody leads yet
  auto const read = c[1].read(tinykv::duration{-1});
  c.run_for(200ms);
  CHECK(read->why().outcome == outcome::rejected);
  CHECK(read->why().code == error_code::deadline);
}

TEST_CASE("more proposals than the bound are refused as busy", "[raftstore][answers][bounds]") {
  cluster<> c{1, [](raftstore::options& o) { o.proposals_max = 3; o.reads_max = 2; }};
  auto& l = c.leader();
  l.disk_works = false;
  std::vector<std::shared_ptr<answered<std::int64_t>>> all;
  for (int i = 0; i < 5; ++i) all.push_back(l.propose("x"));
  c.settle();
  CHECK(all[3]->why().code == error_code::busy);
  CHECK(all[4]->why().outcome == outcome::rejected);
  l.disk_works = true;
  c.settle();
  for (std::size_t i = 0; i < 3; ++i) CHECK(all[i]->ok());
}

TEST_CASE("reads at leader and follower see what was acknowledged before", "[raftstore][answers][reads]") {
  cluster<> c{3};
  auto& l = c.leader();
  for (std::int64_t i = 1; i <= 5; ++i) {
    auto const done = l.propose("x");
    c.settle();
    REQUIRE(done->ok());
    for (auto& [id, h] : c.hosts) {
      auto const got = h->read();
      c.run_for(20ms);
      REQUIRE(got->ok());
      CHECK(*got->all[0] == i);
    }
  }
}

TEST_CASE("a read waits until the machine has reached its index", "[raftstore][answers][reads]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto& f = c.follower();
  f.apply_works = false;
  auto const done = l.propose("x");
  c.run_for(100ms);
  REQUIRE(done->ok());
  auto const got = f.read();
  c.run_for(400ms);
  CHECK(got->all.empty());
  f.apply_works = true;
  c.settle();
  CHECK(*got->all.at(0) == 1);
}

TEST_CASE("a leader that is cut off answers what is open once, and grants no read", "[raftstore][answers]") {
  cluster<> c{3};
  auto& l = c.leader();
  l.tap->lost = [](store_id) { return true; };
  auto const done = l.propose("x");
  auto const read = l.read(2s);
  c.run_for(10s);
  CHECK(done->why().outcome == outcome::unknown);
  CHECK(read->why().outcome == outcome::rejected);
}

TEST_CASE("a proposal accepted just after the election is answered when the leadership is lost in the same turn", "[raftstore][answers]") {
  // Between becoming leader and the next Ready: the store has not seen this leadership yet.
  using replica = raftstore::replica<raft::core, counter>;
  raft::options o;
  o.self = peer_id{1};
  replica r{group_id{1}, 1, o, {}, std::make_shared<counter>()};
  raft::start_state start;
  start.truncated.configuration = raftstore::static_members({1, 2, 3});
  REQUIRE(r.recover(start));
  raft::message m;
  m.from = peer_id{2};
  m.to = peer_id{1};
  auto& core = r.consensus();
  while (core.brief().role == role::follower) core.tick();
  m.kind = message_kind::pre_vote_reply;
  m.term = term{1};
  r.step(store_id{2}, m);
  auto const ready = r.take_ready();
  m.kind = message_kind::vote_reply;
  r.step(store_id{2}, m);
  core.persisted(ready.number);
  REQUIRE(core.brief().role == role::leader);

  int answers = 0;
  auto const at = r.propose(text("x"), {1h}, [&](tinykv::result<std::int64_t> got) {
    ++answers;
    REQUIRE_FALSE(got);
    CHECK(got.error().outcome == outcome::unknown);
  }, 10);
  REQUIRE(at);
  CHECK(answers == 0);
  m.kind = message_kind::heartbeat;
  m.term = term{2};
  r.step(store_id{2}, m);
  r.look_at_role();
  CHECK(answers == 1);
}

// --- a machine that gives up ---

TEST_CASE("a machine that throws fences its replica and everything open is answered once", "[raftstore][fence]") {
  cluster<> c{1};
  auto& l = c.leader();
  l.apply_works = false;
  auto const before = l.propose("a");
  c.settle();
  auto const bad = l.propose("throw");
  c.settle();
  auto const after = l.propose("b");
  c.settle();
  auto const read = l.read();
  c.settle();
  l.apply_works = true;
  c.settle();
  CHECK(before->ok());
  CHECK(bad->why().outcome == outcome::unknown);
  CHECK(bad->why().code == error_code::machine_failed);
  CHECK(after->why().outcome == outcome::unknown);
  CHECK(read->why().outcome == outcome::fatal);
  CHECK(l.told(policy::event_kind::fenced) == 1);
  CHECK(l.store->status_now().groups.at(0).fenced.has_value());

  auto const late = l.propose("c");
  auto const late_read = l.read();
  c.run_for(1s);
  CHECK(late->why().outcome == outcome::fatal);
  CHECK(late_read->why().outcome == outcome::fatal);
  CHECK(bad->once());
}

TEST_CASE("a machine that has thrown is not touched again", "[raftstore][fence]") {
  // The tasks that wait on the apply lane must not run on it: a durable one would record that it has applied what it skipped.
  host<>* one = nullptr;
  cluster<> c{1};
  one = &c[1];
  auto const told = std::make_shared<counter::seen>();
  one->store.reset();
  one->executor.run_all();
  counter machine;
  machine.told = told;
  one->open(std::move(machine));
  auto& l = c.leader();
  l.apply_works = false;
  for (auto const* command : {"a", "throw", "b", "c"}) {
    l.propose(command);
    c.settle();  // a task of its own for each
  }
  l.apply_works = true;
  c.run_for(1s);
  CHECK(told->commands == std::vector<std::string>{"a", "throw"});
}

TEST_CASE("a fenced follower does not stop the others", "[raftstore][fence]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto& f = c.follower();
  auto const bad = l.propose("throw");
  c.run_for(5s);
  CHECK(bad->why().outcome == outcome::unknown);
  CHECK(f.told(policy::event_kind::fenced) == 1);  // deterministic: every replica gives up
  CHECK(l.told(policy::event_kind::fenced) == 1);
}

// --- a disk that fails ---

TEST_CASE("after a failed write the store acknowledges nothing more and sends nothing more", "[raftstore][failure]") {
  cluster<> c{3};
  auto& l = c.leader();
  auto const done = l.propose("a");
  c.settle();
  REQUIRE(done->ok());
  l.disk_works = false;
  auto const open = l.propose("b");
  auto const read = l.read();
  c.settle();
  l.disk->broken = true;
  auto const sent = l.tap->sent.size();
  l.disk_works = true;
  l.run();
  CHECK(open->why().outcome == outcome::unknown);
  CHECK(open->why().code == error_code::io);
  CHECK(l.store->failed().has_value());
  CHECK(l.tap->stopped);
  auto const late = l.propose("c");
  auto const late_read = l.read();
  c.run_for(500ms);
  CHECK(late->why().outcome == outcome::fatal);
  CHECK(late_read->why().outcome == outcome::fatal);
  CHECK(read->once());
  CHECK(l.tap->sent.size() == sent);
  CHECK(l.disk->batches.back().groups.size() > 0);
  auto& next = c.leader(l.id_);
  auto const there = next.propose("d");
  c.run_for(100ms);
  CHECK(there->ok());
}

// --- ends ---

TEST_CASE("stop answers what is open, waits for the lanes, then says so once", "[raftstore][stop]") {
  cluster<> c{1};
  auto& l = c.leader();
  l.disk_works = false;
  auto const open = l.propose("a");
  auto const read = l.read();
  c.settle();
  int stopped = 0;
  l.store->stop([&] { ++stopped; });
  c.settle();
  CHECK(open->why().outcome == outcome::unknown);
  CHECK(open->why().code == error_code::stopped);
  CHECK(read->once());
  CHECK(stopped == 0);
  l.disk_works = true;
  c.settle();
  CHECK(stopped == 1);
  auto const late = l.propose("b");
  l.store->stop([&] { ++stopped; });
  c.settle();
  CHECK(late->why().outcome == outcome::rejected);
  CHECK(stopped == 2);
}

TEST_CASE("stop waits for reads that are under way", "[raftstore][stop]") {
  cluster<> c{1};
  auto& l = c.leader();
  l.apply_works = false;
  auto const read = l.read();
  c.settle();
  bool stopped = false;
  l.store->stop([&] { stopped = true; });
  c.settle();
  CHECK_FALSE(stopped);
  l.apply_works = true;
  c.settle();
  CHECK(read->once());
  CHECK(stopped);
}

TEST_CASE("a destroyed store answers what is open and what it had not even looked at", "[raftstore][stop]") {
  cluster<> c{1};
  auto& l = c.leader();
  l.disk_works = false;
  auto const open = l.propose("a");
  auto const read = l.read();
  c.settle();
  auto const queued = l.propose("b");
  auto const queued_read = l.read();
  bool stopped = false;
  l.store->stop([&] { stopped = true; });
  l.store.reset();
  CHECK(open->why().outcome == outcome::unknown);
  CHECK(queued->why().outcome == outcome::rejected);
  CHECK(read->once());
  CHECK(queued_read->once());
  CHECK(stopped);
  l.disk_works = true;
  l.run();  // what is left on the lanes finds nobody
  CHECK(open->once());
}

TEST_CASE("the observer hears of each proposal: accepted or refused, and its answer", "[raftstore][answers]") {
  cluster<> c{3};
  auto& l = c.leader();
  l.propose("a");
  c.follower().propose("b");
  c.run_for(100ms);
  CHECK(l.told(tinykv::policy::event_kind::proposal_accepted) == 1);
  CHECK(l.told(tinykv::policy::event_kind::proposal_answered) == 1);
  CHECK(c.follower().told(tinykv::policy::event_kind::proposal_refused) == 1);
  CHECK(c.follower().told(tinykv::policy::event_kind::proposal_answered) == 0);
  l.disk_works = false;
  l.propose("c", 300ms);
  c.run_for(500ms);
  CHECK(l.told(tinykv::policy::event_kind::proposal_accepted) == 2);
  CHECK(l.told(tinykv::policy::event_kind::proposal_answered) == 2);
  auto const last = std::find_if(l.observer.events->rbegin(), l.observer.events->rend(), [](auto const& e) {
    return e.kind == tinykv::policy::event_kind::proposal_answered;
  });
  CHECK(last->value == static_cast<std::uint64_t>(outcome::unknown));
}
