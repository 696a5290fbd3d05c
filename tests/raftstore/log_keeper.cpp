#include <tinykv/raftstore/log_keeper.hpp>

#include "raftstore/harness.hpp"

#include <algorithm>

using namespace raftstore_tests;

namespace {

/// Keeps its state on a disk of its own, which makes durable only so much.
struct slow_to_sync {
  struct state {
    tinykv::position applied;
    log_index durable;
    log_index durable_max;  // what the disk takes
    std::optional<tinykv::bytes> note;
  };
  static constexpr bool durable_state = true;
  using reply = std::int64_t;

  reply apply(log_index, std::string_view) { return ++value; }
  tinykv::result<tinykv::done> apply_batch(std::span<policy::command const> commands, tinykv::position through, std::vector<reply>& replies) {
    for (auto const& c : commands) replies.push_back(apply(c.at.index, c.data));
    at->applied = through;
    return tinykv::done{};
  }
  tinykv::position applied() { return at->applied; }
  log_index durable() { return at->durable; }
  tinykv::result<tinykv::done> sync() {
    at->durable = std::min(at->applied.index, at->durable_max);
    return tinykv::done{};
  }
  tinykv::result<tinykv::done> save(policy::snapshot_writer& out) const { return out.write(std::to_string(value)); }
  tinykv::result<tinykv::done> restore(policy::snapshot_reader&, tinykv::position) { return tinykv::fatal(error_code::corrupt, "never"); }
  tinykv::result<tinykv::done> begin_restore(tinykv::bytes note) {
    at->note = std::move(note);
    return tinykv::done{};
  }
  std::optional<tinykv::bytes> restoring() const { return at->note; }

  std::int64_t value = 0;
  std::shared_ptr<state> at = std::make_shared<state>();
};
static_assert(policy::ReplaceableMachine<slow_to_sync>);

/// The last entry that any log batch has deleted.
log_index deleted(host<slow_to_sync> const& one) {
  log_index out;
  for (auto const& batch : one.disk->batches)
    for (auto const& write : batch.groups)
      if (write.truncated && !write.drop_entries) out = std::max(out, write.truncated->at.index);
  return out;
}

}  // namespace

TEST_CASE("entries are deleted only up to what the machine holds durably, whatever the rule says", "[raftstore][compaction][order]") {
  cluster<slow_to_sync> c{1, [](raftstore::options& o) {
    o.compaction.entries_max = 8;
    o.compaction.entries_kept = 0;
  }};
  auto& one = c.leader();
  one.store.reset();
  one.executor.run_all();
  slow_to_sync machine;
  auto const state = machine.at;
  state->durable_max = log_index{12};
  // Again, with a machine that the test can see into; its log begins anew with it.
  one.disk = std::make_shared<disk_log::disk>();
  one.open(std::move(machine));
  c.leader();
  for (int i = 0; i < 60; ++i) one.propose("x");
  c.run_for(1s);
  REQUIRE(one.see().applied >= log_index{60});
  CHECK(state->durable == log_index{12});  // it was synced, since the log is too long
  CHECK(deleted(one) == log_index{12});

  state->durable_max = log_index{~std::uint64_t{0}};
  c.run_for(1s);
  CHECK(state->durable >= log_index{60});
  CHECK(deleted(one) >= log_index{60});
}
