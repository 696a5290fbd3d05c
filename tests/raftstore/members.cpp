#include <tinykv/raftstore/changes.hpp>

#include "raftstore/harness.hpp"

using namespace raftstore_tests;

namespace {

/// A counter that can be saved: its state is what it has counted, and when.
struct saved_counter {
  using reply = std::int64_t;
  reply apply(log_index, std::string_view) { return ++value; }
  tinykv::result<tinykv::done> save(policy::snapshot_writer& out) const { return out.write(std::to_string(value)); }
  tinykv::result<tinykv::done> restore(policy::snapshot_reader& in, tinykv::position) {
    auto record = in.next();
    if (!record) return record.error();
    if (!*record) return tinykv::fatal(error_code::corrupt, "an empty snapshot");
    value = std::stoll((*record)->str());
    return tinykv::done{};
  }
  std::int64_t value = 0;
};
static_assert(policy::SnapshottableMachine<saved_counter>);

raft::membership voters(std::vector<std::uint64_t> ids) { return raftstore::static_members(std::move(ids)); }

/// Named by their stores: the peers get ids.
raft::membership on_stores(std::vector<std::uint64_t> stores) {
  raft::membership out;
  for (auto const s : stores) out.voters.push_back({peer_id{}, store_id{s}});
  return out;
}

std::vector<std::uint64_t> ids(std::vector<raft::member> const& list) {
  std::vector<std::uint64_t> out;
  for (auto const& m : list) out.push_back(m.peer.value);
  return out;
}

template <class Host>
std::int64_t value_at(cluster<saved_counter>& c, Host& h) {
  auto read = h.read();
  c.run_until([&] { return !read->all.empty(); });
  REQUIRE(read->ok());
  return *read->all[0];
}

void small_log(raftstore::options& o) {
  o.compaction.entries_max = 8;
  o.compaction.entries_kept = 2;
  o.compaction.follower_entries_max = 16;
}

template <class Machine>
void count_to(cluster<Machine>& c, int n) {
  for (int i = 0; i < n; ++i) {
    auto done = c.leader().propose("up");
    c.run_until([&] { return !done->all.empty(); });
    REQUIRE(done->ok());
  }
}

}  // namespace

TEST_CASE("the steps of a change: learners first, then one change of voters, then who is out is dropped", "[raftstore][members]") {
  auto now = voters({1, 2, 3});
  auto const target = voters({1, 2, 4});
  auto step = raftstore::next_step(now, target);
  REQUIRE(step);
  CHECK(ids(step->voters) == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(ids(step->learners) == std::vector<std::uint64_t>{4});
  step = raftstore::next_step(*step, target);
  REQUIRE(step);
  CHECK(ids(step->voters) == std::vector<std::uint64_t>{1, 2, 4});
  CHECK(ids(step->learners) == std::vector<std::uint64_t>{3});
  step = raftstore::next_step(*step, target);
  REQUIRE(step);
  CHECK(ids(step->voters) == std::vector<std::uint64_t>{1, 2, 4});
  CHECK(step->learners.empty());
  CHECK_FALSE(raftstore::next_step(*step, target));
}

TEST_CASE("a store joins, is promoted and an old one leaves, in one call", "[raftstore][members]") {
  cluster<saved_counter> c{3};
  count_to(c, 5);
  auto& leader = c.leader();
  auto const out = leader.id_ == 3 ? 2U : 3U;
  auto const stays = leader.id_ == 3 ? 3U : leader.id_ == 2 ? 2U : 2U;
  auto& fresh = c.join(4);
  c.run_for(1s);
  CHECK(fresh.store->status_now().groups.empty());

  std::vector<std::uint64_t> wanted{1, 2, 3, 4};
  std::erase(wanted, out);
  auto const done = leader.change(voters(wanted));
  c.run_until([&] { return !done->all.empty(); });
  REQUIRE(done->ok());
  CHECK(ids(done->all[0]->voters) == wanted);
  CHECK(done->all[0]->outgoing.empty());
  CHECK(done->all[0]->learners.empty());
  count_to(c, 3);
  c.run_for(2s);
  CHECK(ids(fresh.see().configuration.voters) == wanted);
  CHECK(value_at(c, fresh) == 8);
  CHECK(value_at(c, c[stays]) == 8);
  // Who left has heard of it and keeps nothing but its vote.
  CHECK(c[out].store->status_now().groups.empty());
  CHECK(c[out].store->status_now().retired == std::vector{group_id{1}});
  // Asking again changes nothing.
  auto const version = c.leader().see().configuration.version;
  auto const again = c.leader().change(voters(wanted));
  c.run_until([&] { return !again->all.empty(); });
  CHECK(again->ok());
  CHECK(c.leader().see().configuration.version == version);
}

TEST_CASE("the leader can be removed: it hands over, and its client is told where to ask", "[raftstore][members]") {
  cluster<saved_counter> c{3};
  count_to(c, 2);
  auto& old = c.leader();
  std::vector<std::uint64_t> wanted{1, 2, 3};
  std::erase(wanted, old.id_);
  auto const first = old.change(voters(wanted));
  c.run_until([&] { return !first->all.empty(); });
  CHECK(first->why().code == error_code::not_leader);
  CHECK(first->why().outcome == outcome::rejected);
  CHECK(std::count(wanted.begin(), wanted.end(), first->why().hint) == 1);
  auto& next = c[first->why().hint];
  auto const done = next.change(voters(wanted));
  c.run_until([&] { return !done->all.empty(); });
  REQUIRE(done->ok());
  CHECK(ids(done->all[0]->voters) == wanted);
  count_to(c, 2);
  c.run_for(2s);
  CHECK(old.store->status_now().groups.empty());
}

TEST_CASE("logs are compacted, and a new store gets a snapshot instead of what is gone", "[raftstore][members][snapshots]") {
  cluster<saved_counter> c{3, small_log};
  count_to(c, 60);
  c.run_for(2s);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    CHECK(c[id].see().first > log_index{20});
    CHECK(c[id].store->status_now().groups[0].compacted);
    CHECK(c[id].disk->log.load()->groups[0].truncated.at.index + 1 == c[id].see().first);
  }
  auto& fresh = c.join(4, small_log);
  auto const done = c.leader().change(voters({1, 2, 3, 4}));
  c.run_until([&] { return !done->all.empty(); });
  REQUIRE(done->ok());
  count_to(c, 3);
  CHECK(value_at(c, fresh) == 63);
  CHECK(fresh.see().first > log_index{20});
}

TEST_CASE("a restarted store has its snapshot, its log and the new members", "[raftstore][members][snapshots]") {
  cluster<saved_counter> c{3, small_log};
  c.join(4, small_log);
  count_to(c, 30);
  auto const done = c.leader().change(voters({1, 2, 4}));
  // 3 may lead; then the call is repeated where the hint says.
  c.run_until([&] { return !done->all.empty(); });
  if (!done->ok()) {
    auto const again = c[done->why().hint].change(voters({1, 2, 4}));
    c.run_until([&] { return !again->all.empty(); });
    REQUIRE(again->ok());
  }
  count_to(c, 20);
  c.run_for(1s);
  for (auto& [id, h] : c.hosts) {
    h->store.reset();
    c.settle();
  }
  for (auto& [id, h] : c.hosts) h->open();
  count_to(c, 1);
  c.run_for(1s);
  for (std::uint64_t const id : {1U, 2U, 4U}) {
    CHECK(ids(c[id].see().configuration.voters) == std::vector<std::uint64_t>{1, 2, 4});
    CHECK(value_at(c, c[id]) == 51);
  }
  CHECK(c[3].store->status_now().groups.empty());
  CHECK(c[3].store->status_now().retired == std::vector{group_id{1}});
}

TEST_CASE("a store that was removed can be added again and starts with the vote it left with", "[raftstore][members]") {
  cluster<saved_counter> c{3, small_log};
  count_to(c, 30);
  auto& leader = c.leader();
  auto const out = leader.id_ == 1 ? 2U : 1U;
  std::vector<std::uint64_t> fewer{1, 2, 3};
  std::erase(fewer, out);
  auto const done = leader.change(voters(fewer));
  c.run_until([&] { return !done->all.empty(); });
  REQUIRE(done->ok());
  c.run_until([&] { return c[out].store->status_now().groups.empty(); });
  auto const left = c[out].disk->log.load()->groups.at(0);
  CHECK(left.last == log_index{});
  CHECK(left.state.term >= term{1});
  // A volatile machine cannot be emptied in place: the store must be started anew first.
  c[out].store.reset();
  c.settle();
  c[out].open();
  auto const reused = c.leader().change(voters({1, 2, 3}));
  c.run_until([&] { return !reused->all.empty(); });
  CHECK(reused->why().code == error_code::invalid_argument);  // a peer id is not used twice
  auto const again = c.leader().change(on_stores({1, 2, 3}));
  c.run_until([&] { return !again->all.empty(); });
  REQUIRE(again->ok());
  CHECK(c[out].see().self == peer_id{4});
  count_to(c, 2);
  CHECK(value_at(c, c[out]) == 32);
  CHECK(c[out].see().term >= left.state.term);
}

TEST_CASE("the leadership can be handed over", "[raftstore][members]") {
  cluster<saved_counter> c{3};
  count_to(c, 1);
  auto& old = c.leader();
  auto const to = old.id_ == 1 ? 2U : 1U;
  auto const done = old.transfer(to);
  c.run_until([&] { return !done->all.empty(); });
  CHECK(done->ok());
  CHECK(c[to].leads());
  count_to(c, 1);
  auto const refused = old.transfer(to);
  c.run_until([&] { return !refused->all.empty(); });
  CHECK(refused->why().code == error_code::not_leader);
  CHECK(refused->why().hint == to);
  auto const nobody = c[to].transfer(9);
  c.run_until([&] { return !nobody->all.empty(); });
  CHECK(nobody->why().code == error_code::invalid_argument);
}

TEST_CASE("a handover to a store that does not answer is given up, and the leader serves on", "[raftstore][members]") {
  cluster<saved_counter> c{3};
  count_to(c, 1);
  auto& old = c.leader();
  auto const to = old.id_ == 1 ? 2U : 1U;
  old.tap->lost = [to](store_id s) { return s == store_id{to}; };
  count_to(c, 1);
  auto const done = old.transfer(to);
  c.run_for(100ms);
  auto const meanwhile = old.propose("up");
  c.run_until([&] { return !done->all.empty(); });
  CHECK(meanwhile->why().code == error_code::busy);
  CHECK(done->why().code == error_code::busy);
  CHECK(old.leads());
  old.tap->lost = {};
  count_to(c, 1);
}

TEST_CASE("a read through the log sees everything, and only a leader gives it", "[raftstore][members][reads]") {
  cluster<saved_counter> c{3};
  count_to(c, 3);
  auto& leader = c.leader();
  auto const before = leader.see().last;
  auto const read = leader.read(60s, raftstore::read_mode::log);
  c.run_until([&] { return !read->all.empty(); });
  REQUIRE(read->ok());
  CHECK(*read->all[0] == 3);
  CHECK(leader.see().last == before + 1);
  auto const refused = c.follower().read(60s, raftstore::read_mode::log);
  c.run_until([&] { return !refused->all.empty(); });
  CHECK(refused->why().code == error_code::not_leader);
  // A leader that cannot commit answers nothing, and refuses when it steps down.
  leader.tap->lost = [](store_id) { return true; };
  auto const stuck = leader.read(600s, raftstore::read_mode::log);
  c.run_until([&] { return !stuck->all.empty(); });
  CHECK(stuck->why().code == error_code::leadership_lost);
  CHECK(stuck->why().outcome == outcome::rejected);
}

TEST_CASE("a change of members ends with its deadline, and says whether anything was begun", "[raftstore][members]") {
  cluster<saved_counter> c{3};
  count_to(c, 1);
  // Store 4 does not exist: the learner never catches up.
  auto const begun = c.leader().change(voters({1, 2, 3, 4}), 3s);
  c.run_until([&] { return !begun->all.empty(); });
  CHECK(begun->why().outcome == outcome::unknown);
  CHECK(begun->why().code == error_code::deadline);
  CHECK(ids(c.leader().see().configuration.learners) == std::vector<std::uint64_t>{4});
  auto const back = c.leader().change(voters({1, 2, 3}));
  c.run_until([&] { return !back->all.empty(); });
  CHECK(back->ok());
  auto const none = c.leader().change({});
  c.run_until([&] { return !none->all.empty(); });
  CHECK(none->why().code == error_code::invalid_argument);
  auto const elsewhere = c.follower().change(voters({1, 2}));
  c.run_until([&] { return !elsewhere->all.empty(); });
  CHECK(elsewhere->why().code == error_code::not_leader);
}
