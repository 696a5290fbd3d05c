#include <tinykv/raftstore/store.hpp>

#include "harness.hpp"

using namespace raftstore_tests;

namespace {

/// An append of one entry of term 1 from store 2, which leads.
policy::envelope append(std::uint64_t index) {
  raft::message m;
  m.kind = message_kind::append;
  m.from = peer_id{2};
  m.to = peer_id{1};
  m.term = term{1};
  m.index = log_index{index - 1};
  m.log_term = term{index == 1 ? 0U : 1U};
  m.entries.push_back({log_index{index}, term{1}, raft::entry_kind::command, text("x")});
  return {policy::priority::normal, {{group_id{1}, std::move(m)}}};
}

/// How far store 1 has acknowledged.
log_index acknowledged(host<> const& one) {
  log_index out;
  for (auto const& [to, mail] : one.tap->sent)
    for (auto const& m : mail.messages)
      if (m.message.kind == message_kind::append_reply && !m.message.refused) out = std::max(out, m.message.index);
  return out;
}

}  // namespace

TEST_CASE("what becomes ready during a write is acknowledged after the next write, not after this one",
          "[raftstore][order][group-commit]") {
  tinykv::transport::loopback::hub hub;
  host<> one{hub, 1, raftstore::static_cluster({1, 2, 3}, 7)};
  one.open();
  one.run();
  tinykv::store_identity two{tinykv::cluster_id{1}, store_id{2}, {}, tinykv::consensus_kind::raft, {1, 5}};
  two.uuid.octets[0] = 2;
  one.tap->sink->greeted(two, store_id{1}, [](tinykv::result<tinykv::done>) {});
  one.run();

  one.disk_works = false;
  one.tap->sink->received(two, append(1));
  one.run();
  REQUIRE(one.executor.waiting(lane::disk) == 1);  // in flight, with entry 1
  one.tap->sink->received(two, append(2));
  one.run();
  REQUIRE(acknowledged(one) == log_index{0});

  REQUIRE(one.executor.run_lane(lane::disk));  // the first write ends
  one.run();
  CHECK(acknowledged(one) == log_index{1});
  REQUIRE(one.executor.waiting(lane::disk) == 1);
  one.disk_works = true;
  one.run();
  CHECK(acknowledged(one) == log_index{2});
}

TEST_CASE("in a turn time passes after everything else: a reply that is there is not late", "[raftstore][time]") {
  cluster<> c{1};
  auto& one = c.leader();
  one.apply_works = false;
  auto const patience = one.options.tick_interval / 2;
  auto const reply = one.propose("x", patience);
  one.run();
  REQUIRE(one.executor.waiting(lane::apply) == 1);
  REQUIRE(reply->all.empty());

  one.executor.advance(one.options.tick_interval);  // the deadline is over when the tick comes
  REQUIRE(one.executor.run_home());                 // the timer: the tick is the first in the inbox
  REQUIRE(one.executor.run_lane(lane::apply));      // the reply stands behind it
  one.run();
  CHECK(reply->ok());
}
