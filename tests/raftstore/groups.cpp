#include <tinykv/raftstore/store.hpp>

#include "raftstore/harness.hpp"

using namespace raftstore_tests;

namespace {

using store_type = raftstore::store<composition<counter>>;

/// Three stores with groups 1 and 2.
struct two_groups {
  struct place {
    tinykv::runtime::manual_executor executor;
    std::shared_ptr<tapped::tap> tap = std::make_shared<tapped::tap>();
    std::shared_ptr<disk_log::disk> disk = std::make_shared<disk_log::disk>();
    listening observer;
    std::shared_ptr<store_type> store;
  };
  two_groups() {
    for (std::uint64_t id = 1; id <= 3; ++id) open(id);
  }
  void open(std::uint64_t id) {
    auto& p = places[id];
    auto options = raftstore::static_cluster({1, 2, 3}, id * 100);
    auto second = options.first_group;
    second.group = group_id{2};
    tinykv::parts<composition<counter>> parts{{}, disk_log{p.disk}, tapped{{hub, store_id{id}}, p.tap},
                                              tinykv::runtime::manual_clock{p.executor}, p.observer};
    parts.more.push_back({second, {}});
    p.store = store_type::create({tinykv::cluster_id{1}, store_id{id}}, std::move(parts), p.executor, options);
  }
  void run_for(tinykv::duration span) {
    for (; span > 0ns; span -= 20ms) {
      for (auto& [id, p] : places) p.executor.advance(20ms);
      for (auto more = true; more;) {
        more = false;
        for (auto& [id, p] : places) more = p.executor.run_all() > 0 || more;
      }
    }
  }
  std::uint64_t leader(std::uint64_t group) {
    for (int i = 0; i < 500; ++i) {
      for (auto& [id, p] : places)
        if (auto const* core = p.store->peek(group_id{group}); core && core->brief().role == role::leader) return id;
      run_for(20ms);
    }
    FAIL("nobody leads");
    return 0;
  }
  tinykv::result<std::int64_t> propose(std::uint64_t group, std::string_view command) {
    std::optional<tinykv::result<std::int64_t>> out;
    auto const at = leader(group);
    places.at(at).store->propose(group_id{group}, text(command), 5s, [&](tinykv::result<std::int64_t> r) { out = std::move(r); });
    for (int i = 0; i < 500 && !out; ++i) run_for(20ms);
    REQUIRE(out);
    return *out;
  }
  raft::status see(std::uint64_t id, std::uint64_t group) { return places.at(id).store->peek(group_id{group})->status(); }

  tinykv::transport::loopback::hub hub;
  std::map<std::uint64_t, place> places;
};

}  // namespace

TEST_CASE("two groups of a store are ordered apart and share its log batches and its mail", "[raftstore][groups]") {
  two_groups c;
  c.run_for(2s);
  for (int i = 1; i <= 3; ++i) {
    CHECK(*c.propose(1, "one") == i);
    CHECK(*c.propose(2, "two") == i);
  }
  c.run_for(1s);
  // One envelope a tick and store, whatever the number of groups: heartbeats of both travel together.
  auto const one = c.leader(1);
  if (one == c.leader(2)) {
    c.places.at(one).tap->sent.clear();
    c.run_for(200ms);
    std::size_t beats = 0;
    for (auto const& [to, mail] : c.places.at(one).tap->sent) {
      std::size_t both = 0;
      for (auto const& m : mail.messages) both += m.message.kind == message_kind::heartbeat;
      if (both > 0) CHECK(both == 2);
      beats += both > 0;
    }
    CHECK(beats == 2);
  }
  for (std::uint64_t id = 1; id <= 3; ++id) {
    auto const log = *c.places.at(id).disk->log.load();
    REQUIRE(log.groups.size() == 2);
    CHECK(log.groups[0].last >= log_index{4});
    CHECK(log.groups[1].last >= log_index{4});
  }
}

TEST_CASE("a group that is fenced leaves the other ones of its store alone", "[raftstore][groups]") {
  two_groups c;
  CHECK(c.propose(1, "one"));
  CHECK_FALSE(c.propose(2, "throw"));
  c.run_for(1s);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    auto const status = c.places.at(id).store->status_now();
    REQUIRE(status.groups.size() == 2);
    CHECK_FALSE(status.groups[0].fenced);
    CHECK(status.groups[1].fenced);
  }
  CHECK(*c.propose(1, "two") == 2);
}

TEST_CASE("a store that leaves one group goes on in the other", "[raftstore][groups]") {
  two_groups c;
  CHECK(c.propose(1, "one"));
  CHECK(c.propose(2, "one"));
  auto const lead = c.leader(2);
  auto const out = lead == 1 ? 2U : 1U;
  std::vector<std::uint64_t> rest{1, 2, 3};
  std::erase(rest, out);
  std::optional<tinykv::result<raft::membership>> changed;
  c.places.at(lead).store->change_membership(group_id{2}, raftstore::static_members(rest), 20s,
                                             [&](tinykv::result<raft::membership> r) { changed = std::move(r); });
  c.run_for(5s);
  REQUIRE(changed);
  REQUIRE(*changed);
  auto const status = c.places.at(out).store->status_now();
  REQUIRE(status.groups.size() == 1);
  CHECK(status.groups[0].group == group_id{1});
  CHECK(status.retired == std::vector{group_id{2}});
  CHECK(*c.propose(1, "two") == 2);
  CHECK(*c.propose(2, "two") == 2);
  // And after a restart it is the same.
  c.places.at(out).store.reset();
  c.open(out);
  c.run_for(2s);
  CHECK(c.places.at(out).store->status_now().groups.size() == 1);
  CHECK(c.places.at(out).store->status_now().retired == std::vector{group_id{2}});
  CHECK(*c.propose(1, "three") == 3);
}
