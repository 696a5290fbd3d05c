#include <tinykv/raftstore/lanes.hpp>

#include "harness.hpp"

using namespace raftstore_tests;

namespace {

/// A machine over an engine that is synced lazily. What it kept outlives the store; a crash takes it back to `durable`.
struct kept {
  struct state {
    std::int64_t value = 0;
    tinykv::position applied;
    std::int64_t durable_value = 0;
    tinykv::position durable;
    int syncs = 0;
    bool missing_reply = false;
    bool refuses = false;
    std::vector<log_index> seen;

    void crash() {
      value = durable_value;
      applied = durable;
    }
  };
  static constexpr bool durable_state = true;
  using reply = std::int64_t;
  using view_type = std::reference_wrapper<kept const>;

  reply apply(log_index, std::string_view) { return ++at->value; }
  tinykv::result<tinykv::done> apply_batch(std::span<policy::command const> commands, tinykv::position through, std::vector<reply>& replies) {
    if (at->refuses) return tinykv::fatal(error_code::io, "no");
    for (auto const& c : commands) {
      at->seen.push_back(c.at.index);
      replies.push_back(++at->value);
    }
    if (at->missing_reply && !replies.empty()) replies.pop_back();
    at->applied = through;
    return tinykv::done{};
  }
  tinykv::position applied() { return at->applied; }
  log_index durable() { return at->durable.index; }
  tinykv::result<tinykv::done> sync() {
    ++at->syncs;
    at->durable = at->applied;
    at->durable_value = at->value;
    return tinykv::done{};
  }
  tinykv::result<view_type> view() const { return std::cref(*this); }

  std::int64_t value = 0;  // unused: the harness reads it
  std::shared_ptr<state> at = std::make_shared<state>();
};
static_assert(policy::PersistentMachine<kept> && policy::ViewableMachine<kept>);

struct one_store {
  one_store() : one(hub, 1, raftstore::static_cluster({1}, 7)) { open(); }
  void open() {
    one.open(kept{0, state});
    for (int i = 0; i < 500 && !one.leads(); ++i) run_for(20ms);
    run_for(40ms);
    REQUIRE(one.leads());
  }
  void run_for(tinykv::duration span) {
    one.run();
    for (; span > 0ns; span -= 20ms) {
      one.executor.advance(20ms);
      one.run();
    }
  }
  tinykv::transport::loopback::hub hub;
  std::shared_ptr<kept::state> state = std::make_shared<kept::state>();
  host<kept> one;
};

}  // namespace

TEST_CASE("stop syncs a persistent machine after everything under way, then says so", "[raftstore][machine][stop]") {
  one_store s;
  s.one.propose("x");
  s.one.run();
  auto const before = s.state->syncs;
  s.one.apply_works = false;
  s.one.propose("y");
  s.one.run();
  bool stopped = false;
  s.one.store->stop([&] { stopped = true; });
  s.one.run();
  CHECK_FALSE(stopped);
  s.one.apply_works = true;
  s.one.run();
  CHECK(stopped);
  CHECK(s.state->syncs == before + 1);
  CHECK(s.state->durable == s.state->applied);
  CHECK(s.state->value == 2);
}

TEST_CASE("a crash takes a persistent machine back and the log brings it forward, each entry once", "[raftstore][machine][restart]") {
  one_store s;
  for (int i = 0; i < 10; ++i) s.one.propose("x");
  s.one.run();
  REQUIRE(s.state->value == 10);
  s.one.store.reset();
  s.one.executor.run_all();
  s.state->crash();
  s.state->seen.clear();
  s.open();
  CHECK(s.state->value == 10);
  CHECK(std::is_sorted(s.state->seen.begin(), s.state->seen.end()));
  CHECK(std::adjacent_find(s.state->seen.begin(), s.state->seen.end()) == s.state->seen.end());
}

TEST_CASE("a machine that is ahead of its log does not serve", "[raftstore][machine][restart]") {
  one_store s;
  s.one.propose("x");
  s.one.run();
  s.one.store.reset();
  s.one.executor.run_all();
  s.state->applied.index = log_index{1000};
  s.one.open(kept{0, s.state});
  REQUIRE(s.one.store->failed());
  CHECK(s.one.store->failed()->code == error_code::corrupt);
}

TEST_CASE("entries without commands are told to a machine that records how far it is", "[raftstore][machine]") {
  one_store s;  // the leader's empty entry
  CHECK(s.state->applied.index == s.one.see().last);
  CHECK(s.state->applied.term == s.one.see().term);
  CHECK(s.state->seen.empty());
}

TEST_CASE("a machine that gives too few replies or an error is fenced", "[raftstore][machine][fence]") {
  for (auto const missing : {true, false}) {
    one_store s;
    s.state->missing_reply = missing;
    s.state->refuses = !missing;
    auto const done = s.one.propose("x");
    s.one.run();
    CHECK(done->why().outcome == outcome::unknown);
    CHECK(done->why().code == error_code::machine_failed);
    CHECK(s.one.told(policy::event_kind::fenced) == 1);
  }
}

TEST_CASE("a machine that was fenced does not record later entries as applied", "[raftstore][machine][fence]") {
  one_store s;
  auto const before = s.state->applied;
  s.one.apply_works = false;
  s.state->refuses = true;
  s.one.propose("x");
  s.one.run();
  s.one.propose("y");
  s.one.run();
  REQUIRE(s.one.executor.waiting(lane::apply) >= 2);
  s.one.executor.run_lane(lane::apply);  // "x" fails
  s.state->refuses = false;              // whatever it was, it is over
  s.one.apply_works = true;
  s.one.run();
  CHECK(s.state->applied == before);
  CHECK(s.state->seen.empty());
}

TEST_CASE("reads of a machine with views run beside apply", "[raftstore][machine][reads]") {
  one_store s;
  std::int64_t got = -1;
  s.one.apply_works = false;
  s.one.store->read(group_id{1}, 5s, [&](tinykv::result<kept::view_type> v) { got = v ? v->get().at->value : -2; });
  s.one.run();
  CHECK(got == 0);  // the apply lane stands still
}
