#include <tinykv/raft/core.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {

raft::start_state good() {
  disk d;
  d.truncated = {at(3, 2), voters({1, 2, 3})};
  d.log = {entry(4, 2), entry(5, 2), entry(6, 4)};
  d.state = {term{5}, peer_id{2}, log_index{4}};
  d.applied = log_index{3};
  return d.load();
}

tinykv::result<tinykv::done> start(raft::start_state s) { return raft::core{options_of(1)}.recover(std::move(s)); }

}  // namespace

TEST_CASE("a peer starts from what log and machine hold", "[raft][restart]") {
  raft::core core{options_of(1)};
  REQUIRE(core.recover(good()));
  auto const s = core.status();
  CHECK(s.role == role::follower);
  CHECK(s.term == term{5});
  CHECK(s.vote == peer_id{2});
  CHECK(s.first == log_index{4});
  CHECK(s.last == log_index{6});
  CHECK(s.durable == log_index{6});
  CHECK(s.commit == log_index{4});
  CHECK(s.applied == log_index{3});
  CHECK(s.configuration == voters({1, 2, 3}));
}

TEST_CASE("the commit at the start is the greatest of stored commit, applied and truncation", "[raft][restart]") {
  auto const commit_of = [](raft::start_state s) {
    raft::core core{options_of(1)};
    REQUIRE(core.recover(std::move(s)));
    return core.status().commit;
  };
  auto s = good();
  CHECK(commit_of(s) == log_index{4});
  s.applied = log_index{6};
  CHECK(commit_of(s) == log_index{6});

  disk d;
  d.truncated = {at(3, 2), voters({1})};
  d.applied = log_index{3};
  CHECK(commit_of(d.load()) == log_index{3});
}

TEST_CASE("a state that contradicts itself is fatal", "[raft][restart][damage]") {
  REQUIRE(start(good()));
  auto const refused = [](char const* what, auto damage) {
    INFO(what);
    auto s = good();
    damage(s);
    auto const got = start(std::move(s));
    REQUIRE_FALSE(got);
    CHECK(got.error().outcome == tinykv::outcome::fatal);
  };
  refused("machine ahead of the log", [](auto& s) { s.applied = log_index{7}; });
  refused("machine behind the truncation", [](auto& s) { s.applied = log_index{2}; });
  refused("commit beyond the log", [](auto& s) { s.state.commit = log_index{7}; });
  refused("the log ends before it begins", [](auto& s) { s.last = log_index{2}; });
  refused("no terms", [](auto& s) { s.runs.clear(); });
  refused("terms begin late", [](auto& s) { s.runs.front().first = log_index{5}; });
  refused("terms begin early", [](auto& s) { s.runs.front().first = log_index{3}; });
  refused("terms fall", [](auto& s) { s.runs.back().term = term{1}; });
  refused("terms below the truncation's", [](auto& s) { s.runs.front().term = term{1}; });
  refused("a run repeats", [](auto& s) { s.runs.back().term = s.runs.front().term; });
  refused("runs overlap", [](auto& s) { s.runs.back().first = s.runs.front().first; });
  refused("a run beyond the end", [](auto& s) { s.runs.back().first = log_index{7}; });
  refused("entries newer than the hard state", [](auto& s) { s.state.term = term{3}; });
  refused("terms of nothing", [](auto& s) { s.last = log_index{3}; s.tail.clear(); s.state.commit = log_index{3}; });
  refused("uncommitted entries are missing", [](auto& s) { s.tail.clear(); });
  refused("the first uncommitted entry is missing", [](auto& s) { s.tail.erase(s.tail.begin()); });
  refused("the last uncommitted entry is missing", [](auto& s) { s.tail.pop_back(); });
  refused("uncommitted entries out of order", [](auto& s) { std::swap(s.tail.front(), s.tail.back()); });
  refused("more entries than the log", [](auto& s) { s.tail.assign(9, entry(1, 1)); });
  refused("an entry of another term than its place", [](auto& s) { s.tail.back().term = term{3}; });
  refused("an entry that the truncation took", [](auto& s) { s.tail = {entry(3, 2), entry(4, 2), entry(5, 2), entry(6, 4)}; });
  refused("configuration entries", [](auto& s) { s.configurations.push_back(entry(5, 2)); });
}

TEST_CASE("what was not persisted is gone after a restart and nothing was said of it", "[raft][restart]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  p.disk_works = false;
  p.step(append(2, 1, at(1, 1), {entry(2, 1)}));
  p.step(vote_request(3, 9, at(5, 5)));
  for (auto const& m : p.sent()) CHECK(m.index <= log_index{1});
  p.restart();
  CHECK(p.see().last == log_index{1});
  CHECK(p.see().term == term{1});
}

TEST_CASE("a group goes on after all of it was killed", "[raft][restart]") {
  cluster c{1, 2, 3};
  c.elect(1);
  for (int i = 0; i < 5; ++i) REQUIRE(c[1].propose("x"));
  c.deliver();
  auto const last = c[1].see().last;
  auto const before = c[1].machine;
  for (std::uint64_t id = 1; id <= 3; ++id) c[id].restart();
  c.elect(2);
  CHECK(c[2].see().term > term{1});
  for (std::uint64_t id = 1; id <= 3; ++id) {
    CHECK(c[id].handed == last + 1);
    CHECK(std::equal(before.begin(), before.end(), c[id].machine.begin()));
  }
}

TEST_CASE("a restarted peer fetches what it has to apply, in bounded pieces", "[raft][restart][fetch]") {
  auto o = options_of(1);
  o.apply_bytes_max = 1000;
  disk d;
  d.truncated.configuration = voters({1, 2, 3});
  for (std::uint64_t i = 1; i <= 50; ++i) d.log.push_back(entry(i, 1, std::string(40, 'x')));
  d.state = {term{1}, {}, log_index{50}};
  auto p = lonely(d, o);
  CHECK(p.handed == log_index{50});
  CHECK(p.machine == d.log);
}

TEST_CASE("a machine that is behind is not given more than its bound", "[raft][restart][bounds]") {
  auto o = options_of(1);
  o.apply_bytes_max = 1000;
  disk d;
  d.truncated.configuration = voters({1, 2, 3});
  for (std::uint64_t i = 1; i <= 50; ++i) d.log.push_back(entry(i, 1, std::string(36, 'x')));
  d.state = {term{1}, {}, log_index{50}};
  auto core = raft::core{o};
  REQUIRE(core.recover(d.load()));
  std::uint64_t handed = 0;
  for (int i = 0; i < 100 && core.has_ready(); ++i) {
    auto const r = core.take_ready();
    core.persisted(r.number);
    for (auto const& f : r.fetches) core.fetched({f, d.read(f)});
    handed += r.committed.size();
  }
  CHECK(handed >= 5);
  CHECK(handed <= 13);  // 100 each, up to the bound and one fetch beyond
  core.applied(log_index{handed});
  CHECK(core.has_ready());
}
