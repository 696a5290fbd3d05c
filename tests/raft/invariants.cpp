#include <tinykv/raft/invariants.hpp>

#include <tinykv/raft/checked.hpp>

#include "harness.hpp"

using namespace raft_tests;
using raft::image;

namespace {

// Leads {1,2,3} in term 3 with (1,1) (2,2) (3,3) (4,3), of which 3 are committed and applied.
peer leader() {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 2}));
  make_leader(p);
  REQUIRE(p.see().term == term{3});
  p.step(accepted(2, 3, 3));
  REQUIRE(p.propose("x"));
  REQUIRE(p.see().commit == log_index{3});
  return p;
}

bool names(std::vector<std::string> const& broken, std::string const& id) {
  return std::any_of(broken.begin(), broken.end(), [&](auto const& words) { return words.rfind(id + ":", 0) == 0; });
}

// `plant` breaks one invariant of a moment: exactly that is found.
void planted(std::string const& id, void (*plant)(image&)) {
  INFO(id);
  auto p = leader();
  auto seen = image::of(p.core().inner());
  CHECK(check(seen).empty());
  plant(seen);
  CHECK(names(check(seen), id));
}

// The same between two moments.
void planted_between(std::string const& id, void (*plant)(image& before, image& after)) {
  INFO(id);
  auto p = leader();
  auto before = image::of(p.core().inner());
  auto after = before;
  CHECK(check(before, after).empty());
  plant(before, after);
  CHECK(names(check(before, after), id));
}

}  // namespace

TEST_CASE("each broken invariant of a moment is found and named", "[raft][invariants]") {
  planted("R-1", [](image& i) { i.truncated.index = log_index{4}; });
  planted("R-2", [](image& i) { i.handed = log_index{2}; });
  planted("R-3", [](image& i) { i.handed = log_index{4}; });
  planted("R-4", [](image& i) { i.durable = log_index{2}; });
  planted("R-5", [](image& i) { i.state.commit = log_index{5}; });
  planted("R-6", [](image& i) { i.released = log_index{3}; });
  planted("R-7", [](image& i) { i.released = log_index{5}; });
  planted("R-8", [](image& i) { i.window_first = log_index{5}; });
  planted("R-9", [](image& i) { i.truncated.index = i.window_first; });
  planted("R-10", [](image& i) { i.runs[1].first = log_index{1}; });
  planted("R-10", [](image& i) { i.runs[1].term = term{1}; });
  planted("R-11", [](image& i) { i.runs.push_back({log_index{9}, term{3}}); });
  planted("R-12", [](image& i) { i.state.term = term{2}; });
  planted("R-13", [](image& i) { std::swap(i.group.voters[0], i.group.voters[1]); });
  planted("R-14", [](image& i) { i.group.learners = i.group.voters; });
  planted("R-15", [](image& i) { i.group_since = log_index{4}; });
  planted("R-16", [](image& i) { i.pending = {log_index{3}}; });
  planted("R-16", [](image& i) { i.pending = {log_index{5}}; });
  planted("R-17", [](image& i) {
    i.last = log_index{5};
    i.pending = {log_index{4}, log_index{5}};
  });
  planted("R-18", [](image& i) {
    i.applied = log_index{1};
    i.pending = {log_index{2}};
  });
  planted("R-19", [](image& i) { i.state.vote = peer_id{2}; });
  planted("R-20", [](image& i) { i.installing = true; });
  planted("R-21", [](image& i) {
    i.role = role::candidate;
    i.group.voters.erase(i.group.voters.begin());
  });
  planted("R-22", [](image& i) { i.first_own = log_index{2}; });
  planted("R-23", [](image& i) { i.peers[0].match = i.peers[0].next; });
  planted("R-24", [](image& i) { i.peers[0].next = log_index{6}; });
  planted("R-25", [](image& i) { i.peers[0].peer = peer_id{7}; });
  planted("R-26", [](image& i) { i.peers.pop_back(); });
  planted("R-27", [](image& i) { i.transferee = peer_id{7}; });
}

TEST_CASE("each step back between two moments is found and named", "[raft][invariants]") {
  planted_between("R-30", [](image&, image& b) { b.state.term = term{2}; });
  planted_between("R-31", [](image&, image& b) { b.state.vote = peer_id{2}; });
  planted_between("R-31", [](image&, image& b) { b.state.vote = {}; });
  planted_between("R-32", [](image&, image& b) { b.state.commit = log_index{2}; });
  planted_between("R-33", [](image&, image& b) { b.applied = log_index{2}; });
  planted_between("R-34", [](image&, image& b) { b.handed = log_index{2}; });
  planted_between("R-35", [](image& a, image&) { a.truncated.index = log_index{1}; });
  planted_between("R-36", [](image&, image& b) { b.runs[1].first = log_index{3}; });
  planted_between("R-36", [](image& a, image&) { a.runs[0].term = term{0}; });
  planted_between("R-37", [](image& a, image&) { a.role = role::follower; });
  planted_between("R-37", [](image& a, image& b) {
    a.role = role::pre_candidate;
    b.role = role::leader;
  });
  planted_between("R-37", [](image&, image& b) { b.role = role::candidate; });
  planted_between("R-38", [](image&, image& b) { b.state.term = term{4}; });
  planted_between("R-39", [](image&, image& b) { b.last = log_index{3}; });
  planted_between("R-39", [](image& a, image&) { a.runs.push_back({log_index{4}, term{9}}); });
  planted_between("R-40", [](image& a, image&) { a.peers[0].match = log_index{9}; });
  planted_between("R-41", [](image&, image& b) { b.group.voters.pop_back(); });
  planted_between("R-42", [](image&, image& b) { b.group_since = log_index{3}; });
  planted_between("R-42", [](image&, image& b) {
    b.group_since = log_index{3};
    b.group.version = 2;
  });
  planted_between("R-43", [](image& a, image&) { a.group_since = log_index{1}; });
  planted_between("R-44", [](image& a, image&) { a.removed = true; });
}

TEST_CASE("what may change is not taken for a step back", "[raft][invariants]") {
  auto p = leader();
  auto const before = image::of(p.core().inner());
  p.step(accepted(2, 3, 4));
  CHECK(check(before, p.core().inner()).empty());
  p.compact(3);
  CHECK(check(before, p.core().inner()).empty());
  p.step(append(2, 4, at(4, 3), {entry(5, 4)}, 5));
  CHECK(check(before, p.core().inner()).empty());
  CHECK(check(p.core().inner()).empty());

  auto q = lonely(disk_of(voters({1, 2, 3}), {1, 1, 2}));
  auto a = image::of(q.core().inner());
  q.step(append(2, 3, at(2, 1), {entry(3, 3)}, 2));  // (3,2) was not committed
  CHECK(check(a, q.core().inner()).empty());
  a = image::of(q.core().inner());
  REQUIRE(q.core().offered(peer_id{2}, term{3}, at(9, 3)) == raft::snapshot_verdict::wanted);
  raft::snapshot_meta const in{at(9, 3), group({1, 2}, {3}, {}, 7)};
  q.begin_install(in);
  CHECK(check(a, q.core().inner()).empty());
  a = image::of(q.core().inner());
  q.end_install(in);
  CHECK(check(a, q.core().inner()).empty());
}

namespace {

struct stopped {
  std::string why;
};


}  // namespace

TEST_CASE("a checked core does what the core does, and stops at the first broken invariant", "[raft][invariants]") {
  raft::checked<raft::core> core{options_of(1)};
  REQUIRE(core.recover(disk_of(voters({1, 2, 3}), {1, 1}).load()));
  core.step(append(2, 1, at(2, 1), {}, 2));
  auto const r = core.take_ready();
  CHECK(r.early.size() == 1);
  CHECK(core.status().commit == log_index{2});

  // A host that hands in what was never handed out, over a core whose own check is passed over.
  auto const before = tinykv::set_check_handler([](char const* what, char const*, int) { throw stopped{what}; });
  try {
    core.installed({at(1, 1), voters({1, 2, 3})});
    FAIL("went on");
  } catch (stopped const& s) {
    CHECK(!s.why.empty());
  }
  tinykv::set_check_handler(before);
}
