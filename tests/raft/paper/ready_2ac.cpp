#include "network.hpp"

using namespace paper;

namespace {

raft::core started(std::uint64_t size, disk d = {}) {
  raft::core out{plain_options()};
  for (std::uint64_t id = 1; id <= size; ++id) d.truncated.configuration.voters.push_back({peer_id{id}, tinykv::store_id{id}});
  REQUIRE(out.recover(d.load()));
  return out;
}

// Every Ready there is, acknowledged and applied.
std::vector<raft::ready> advance(raft::core& core) {
  std::vector<raft::ready> out;
  while (core.has_ready()) {
    out.push_back(core.take_ready());
    core.persisted(out.back().number);
    if (!out.back().committed.empty()) core.applied(out.back().committed.back().index);
  }
  return out;
}

}  // namespace

// Committed once it is durable: an entry is stored with one Ready and applied with a later one.
TEST_CASE("TestRawNodeStart2AC: a new group of one elects itself, stores a proposal and applies it, and then is quiet", "[raft][paper][departure]") {
  auto core = started(1);
  CHECK_FALSE(core.has_ready());
  core.campaign();
  advance(core);
  REQUIRE(core.brief().role == role::leader);
  CHECK(core.status().commit == log_index{1});
  REQUIRE(core.propose(text("foo"), term{1}));
  auto const all = advance(core);
  std::vector<raft::entry> stored;
  std::vector<raft::entry> applied;
  for (auto const& r : all) {
    stored.insert(stored.end(), r.entries.begin(), r.entries.end());
    applied.insert(applied.end(), r.committed.begin(), r.committed.end());
  }
  REQUIRE(stored.size() == 1);
  CHECK(stored == applied);
  CHECK(stored[0].data.view() == "foo");
  CHECK_FALSE(core.has_ready());
}

// What is not in the window is fetched from the log first.
TEST_CASE("TestRawNodeRestart2AC: a restart with commit 1 of 2 offers the first entry and nothing to store", "[raft][paper][departure]") {
  disk d;
  d.log = {{log_index{1}, term{1}, raft::entry_kind::command, {}}, entry(2, 1, "foo")};
  d.state = {term{1}, {}, log_index{1}};
  auto core = started(1, d);
  auto r = core.take_ready();
  CHECK_FALSE(r.state.has_value());
  CHECK(r.entries.empty());
  REQUIRE(r.fetches.size() == 1);
  core.fetched({r.fetches[0], d.read(r.fetches[0])});
  r = core.take_ready();
  CHECK_FALSE(r.state.has_value());
  REQUIRE(r.committed.size() == 1);
  CHECK(r.committed[0].index == log_index{1});
  core.applied(log_index{1});
  CHECK_FALSE(core.has_ready());
}

TEST_CASE("TestRawNodeRestartFromSnapshot2C: a restart behind a snapshot at 2 offers entry 3 only", "[raft][paper][departure]") {
  disk d;
  d.truncated.at = at(2, 1);
  d.log = {entry(3, 1, "foo")};
  d.state = {term{1}, {}, log_index{3}};
  d.applied = log_index{2};
  auto core = started(2, d);
  auto r = core.take_ready();
  REQUIRE(r.fetches.size() == 1);
  core.fetched({r.fetches[0], d.read(r.fetches[0])});
  r = core.take_ready();
  CHECK(r.entries.empty());
  CHECK_FALSE(r.state.has_value());
  REQUIRE(r.committed.size() == 1);
  CHECK(r.committed[0].data.view() == "foo");
}

// An entry holds the whole configuration, and a new voter is a learner first.
TEST_CASE("TestRawNodeProposeAndConfChange3A: a command and a change of members are the last two entries", "[raft][paper][4.1][departure]") {
  auto core = started(1);
  core.campaign();
  advance(core);
  REQUIRE(core.propose(text("somedata"), term{1}));
  REQUIRE(core.change_membership(group({1}, {2}), 0));
  advance(core);
  auto const& log = core.log();
  REQUIRE(log.last() == log_index{3});
  CHECK(log[log_index{2}].data.view() == "somedata");
  CHECK(log[log_index{3}].kind == raft::entry_kind::configuration);
  CHECK(log[log_index{3}].data == raft::encode_change({group({1}, {2}, {}, 1)}));
  CHECK(core.members() == group({1}, {2}, {}, 1));
  CHECK_FALSE(core.has_ready());
}

// A change that changes nothing is refused, so that nothing is logged for it.
TEST_CASE("TestRawNodeProposeAddDuplicateNode3A: adding a member twice does not keep another one from being added", "[raft][paper][4.1][departure]") {
  auto core = started(1);
  core.campaign();
  advance(core);
  REQUIRE(core.change_membership(group({1}, {2}), 0));
  advance(core);
  auto const again = core.change_membership(group({1}, {2}), 1);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == tinykv::error_code::invalid_argument);
  REQUIRE(core.change_membership(group({1}, {2, 3}), 1));
  advance(core);
  CHECK(core.members() == group({1}, {2, 3}, {}, 2));
  CHECK(core.status().last == log_index{3});
}
