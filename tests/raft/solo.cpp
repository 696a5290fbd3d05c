#include <tinykv/raft/solo.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {

struct driven {
  explicit driven(disk from = {}, raft::options o = options_of(1)) : on_disk(std::move(from)), core(o) {
    REQUIRE(core.recover(on_disk.load()));
  }
  // Takes every Ready; writes at once when `disk_works`.
  void pump() {
    while (core.has_ready()) {
      auto r = core.take_ready();
      for (auto const& e : r.committed) {
        CHECK(e.index == handed + 1);
        handed = e.index;
        machine.push_back(e);
      }
      if (machine_works && !r.committed.empty()) core.applied(handed);
      for (auto const& g : r.reads) granted[g.read] = g.index;
      CHECK(r.early.empty());
      CHECK(r.late.empty());
      if (r.has_writes()) on_disk.write(r);
      for (auto const& f : r.fetches) fetches.push_back(f);
      newest = r.number;
      if (disk_works) core.persisted(newest);
      if (fetch_works)
        for (auto const& f : std::exchange(fetches, {})) core.fetched({f, on_disk.read(f)});
    }
  }
  tinykv::result<position> propose(std::string_view command) { return core.propose(text(command), core.brief().term); }

  disk on_disk;
  raft::solo core;
  bool disk_works = true, fetch_works = true, machine_works = true;
  ticket newest;
  log_index handed;
  std::vector<raft::entry> machine;
  std::vector<raft::fetch_request> fetches;
  std::map<read_id, log_index> granted;
};

}  // namespace

TEST_CASE("solo leads at once and commits what its own log holds", "[raft][solo]") {
  driven d;
  CHECK(d.core.brief().role == role::leader);
  REQUIRE(d.propose("x"));
  d.disk_works = false;
  d.pump();
  CHECK(d.machine.empty());
  CHECK(d.core.status().commit == log_index{0});
  d.core.persisted(d.newest);
  d.pump();
  CHECK(d.handed == log_index{1});
}

TEST_CASE("solo refuses another term, nothing, too much, and more than its window", "[raft][solo]") {
  auto o = options_of(1);
  o.window_entries_max = 8;
  driven d{{}, o};
  CHECK(d.core.propose(text("x"), term{9}).error().code == tinykv::error_code::stale_term);
  CHECK(d.propose("").error().code == tinykv::error_code::invalid_argument);
  CHECK(d.propose(std::string((1U << 20) + 1, 'x')).error().code == tinykv::error_code::too_large);
  for (int i = 0; i < 4; ++i) REQUIRE(d.propose("x"));
  CHECK(d.propose("x").error().code == tinykv::error_code::busy);
  d.pump();
  CHECK(d.propose("x"));
}

TEST_CASE("solo applies each entry once when proposals arrive while it still reads its log", "[raft][solo][restart]") {
  disk from;
  from.truncated.configuration = voters({1});
  for (std::uint64_t i = 1; i <= 8; ++i) from.log.push_back(entry(i, 1));
  from.state = {term{1}, peer_id{1}, {}};
  auto o = options_of(1);
  o.apply_bytes_max = 800;  // three entries a fetch: the third one would reach the new entry
  driven d{from, o};
  d.fetch_works = false;
  d.pump();
  REQUIRE(d.fetches.size() == 1);
  REQUIRE(d.propose("new"));
  d.pump();
  d.fetch_works = true;
  for (auto const& f : std::exchange(d.fetches, {})) d.core.fetched({f, d.on_disk.read(f)});
  d.pump();
  CHECK(d.handed == log_index{9});
  REQUIRE(d.propose("newer"));
  d.pump();
  CHECK(d.handed == log_index{10});
  CHECK(d.machine == d.on_disk.log);
}

TEST_CASE("solo grants reads at what is durable", "[raft][solo]") {
  driven d;
  REQUIRE(d.propose("x"));
  d.core.read_index(read_id{1});
  d.pump();
  d.core.read_index(read_id{2});
  d.pump();
  CHECK(d.granted[read_id{1}] == log_index{0});
  CHECK(d.granted[read_id{2}] == log_index{1});
}

TEST_CASE("solo refuses a log and a machine that contradict each other", "[raft][solo][damage]") {
  disk from;
  from.truncated = {at(3, 1), voters({1})};
  from.log = {entry(4, 1)};
  for (auto const applied : {2U, 5U}) {
    from.applied = log_index{applied};
    auto const got = raft::solo{options_of(1)}.recover(from.load());
    REQUIRE_FALSE(got);
    CHECK(got.error().outcome == tinykv::outcome::fatal);
  }
  from.applied = log_index{3};
  CHECK(raft::solo{options_of(1)}.recover(from.load()));
}

TEST_CASE("solo hears nobody", "[raft][solo]") {
  driven d;
  d.core.step(append(2, 9, at(0, 0), entries(1, {9})));
  d.core.tick();
  d.core.abdicate();
  d.core.unreachable(peer_id{2});
  CHECK_FALSE(d.core.has_ready());
  CHECK(d.core.brief().term == term{1});
}

TEST_CASE("solo hands out no more than its bound before the machine has taken it", "[raft][solo]") {
  auto o = options_of(1);
  o.apply_bytes_max = 200;
  driven d{{}, o};
  d.machine_works = false;
  for (int i = 0; i < 10; ++i) REQUIRE(d.propose(std::string(100, 'x')));
  d.pump();
  CHECK(d.core.status().commit == log_index{10});
  CHECK(d.handed == log_index{2});  // 164 each by `cost_of`: the second passes the bound
  d.core.applied(log_index{2});
  d.pump();
  CHECK(d.handed == log_index{4});
}
