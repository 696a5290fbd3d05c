#pragma once

#include <tinykv/policy/snapshottable_machine.hpp>
#include <tinykv/testing/conformance/detail/machine_under_test.hpp>

#include <deque>
#include <optional>
#include <utility>

namespace tinykv::testing::detail {

/// The records of a snapshot, in memory.
struct snapshot_in_memory final : policy::snapshot_writer, policy::snapshot_reader {
  result<done> write(std::string_view record) override {
    if (record.size() > record_bytes_max) return rejected(error_code::too_large, "a record above record_bytes_max");
    records.push_back(bytes::copy_of(record));
    return done{};
  }
  result<std::optional<bytes>> next() override {
    if (records.empty()) return std::optional<bytes>{};
    auto front = std::move(records.front());
    records.pop_front();
    return std::optional{std::move(front)};
  }
  std::deque<bytes> records;
};

/// Of a machine with snapshots: how it is saved and restored.
template <MachineSample Sample>
struct machine_snapshots {
  using under_test = machine_under_test<Sample>;
  using machine = typename Sample::machine;

  static snapshot_in_memory save(under_test& on, machine const& m) {
    snapshot_in_memory out;
    auto const saved = [&] {
      if constexpr (requires { m.save(out); }) return m.save(out);
      else return on.view(m).save(out);
    }();
    if (!saved) on.stop("a snapshot is written: " + saved.error().detail);
    return out;
  }
  static result<done> restore(machine& m, snapshot_in_memory from, position at) {
    if constexpr (policy::ReplaceableMachine<machine>)
      if (auto const begun = m.begin_restore(bytes::copy_of("note")); !begun) return begun;
    return m.restore(from, at);
  }
};

/// What save and restore promise.
template <MachineSample Sample, class Add>
void add_snapshot_cases(Add const& add) {
  using under_test = machine_under_test<Sample>;
  using snapshots = machine_snapshots<Sample>;
  using machine = typename Sample::machine;
  add("a machine that is restored from a snapshot goes on as the one that was saved", [](under_test& on, report& out) {
    auto const want = on.one_by_one();
    for (std::size_t cut = 1; cut <= on.count(); cut += 2) {
      auto source = on.fresh();
      auto const begin = under_test::begin_of(source);
      std::vector<typename under_test::reply> replies;
      for (std::size_t i = 0; i < cut; ++i) replies.push_back(on.apply(source, under_test::place(begin, i).index, on.commands()[i].view()));
      auto const at = under_test::place(begin, cut - 1);
      auto const snapshot = snapshots::save(on, source);

      auto target = on.fresh();  // with a past of its own, which must go
      for (std::size_t i = on.count(); i > 0; --i) {
        auto const index = under_test::place(begin, on.count() - i).index;
        if (index < at.index) on.apply(target, index, on.commands()[i - 1].view());
      }
      auto const restored = snapshots::restore(target, snapshot, at);
      if (!restored) on.stop("a snapshot is restored: " + restored.error().detail);
      if constexpr (policy::PersistentMachine<machine>) {
        out.expect(target.applied() == at, "after a restore applied() is the last position in the snapshot");
        if constexpr (policy::ReplaceableMachine<machine> && policy::is_durable_machine<machine>)
          out.expect(target.durable() == at.index, "restore syncs before it returns");
      }
      if constexpr (policy::ReplaceableMachine<machine>) out.expect(!target.restoring(), "a restore that has ended is not under way");
      for (auto& each : on.rest(target, begin, cut)) replies.push_back(std::move(each));
      if (!out.expect(on.finish(target, begin, std::move(replies)) == want, "a restored machine goes on as the one that was saved")) return;
    }
  });
  add("a snapshot of an unknown format is an error", [](under_test& on, report& out) {
    auto target = on.fresh();
    auto const at = under_test::place(under_test::begin_of(target), 3);
    snapshot_in_memory nonsense;
    nonsense.records.push_back(bytes::copy_of("\xff\xfe no format of anybody"));
    out.expect(!snapshots::restore(target, std::move(nonsense), at), "a snapshot of an unknown format is an error");
  });
  if constexpr (policy::ReplaceableMachine<machine> && CrashSample<Sample>)
    add("a replacement that a crash has cut off is known by its note, and is done again", [](under_test& on, report& out) {
      auto const want = on.one_by_one();
      auto source = on.fresh();
      auto const begin = under_test::begin_of(source);
      auto replies = on.rest(source, begin);
      auto const at = under_test::place(begin, on.count() - 1);
      auto const snapshot = snapshots::save(on, source);

      auto target = on.fresh();
      out.expect(!target.restoring(), "without begin_restore no replacement is under way");
      if (!out.expect(target.begin_restore(bytes::copy_of("a note")).has_value(), "begin_restore succeeds")) return;
      target = on.reopen(std::move(target));
      out.expect(target.restoring() == bytes::copy_of("a note"), "the note is there after a crash");
      auto again = snapshot;
      if (!out.expect(target.restore(again, at).has_value(), "restore is called again")) return;
      target = on.reopen(std::move(target));
      out.expect(!target.restoring() && target.applied() == at, "what was restored survives a crash");
      out.expect(on.finish(target, begin, std::move(replies)) == want, "a restored machine goes on as the one that was saved");
    });
}

}  // namespace tinykv::testing::detail
