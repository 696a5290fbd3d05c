#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/raft/values/membership.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace tinykv::policy {

/// Takes the records of a snapshot, in order. One thread at a time.
class snapshot_writer {
 public:
  /// The largest record, in bytes; a larger one is refused (too_large).
  static constexpr std::size_t record_bytes_max = 4U << 20;

  virtual ~snapshot_writer() = default;
  /// Adds a record, perhaps an empty one. Blocks for the disk. After a failure the snapshot is given up.
  virtual result<done> write(std::string_view record) = 0;
};

/// Gives the records of a snapshot back, as they were written. One thread at a time.
class snapshot_reader {
 public:
  virtual ~snapshot_reader() = default;
  /// The next record; nullopt behind the last one. `fatal` (corrupt, io) when the file is not what was written.
  virtual result<std::optional<bytes>> next() = 0;
};

/// A view that can be written out: `applied()` is the last position in it.
template <class V>
concept SavableView = requires(V const& view, snapshot_writer& out) {
  { view.applied() } -> std::same_as<position>;
  { view.save(out) } -> std::same_as<result<done>>;
};

/// Can be written out and filled from what another replica wrote, so that a log may be compacted and a new replica need
/// not have all of it.
///
/// `save` writes everything that `apply` and replies depend on, in records of the machine's own format; either the machine
/// has it (called on the apply lane: keep the state small, or offer views) or its views have it, together with `applied()`
/// (called on the snapshot lane, beside `apply`). `restore` replaces the whole state by what the reader gives; `at` is the
/// last position in it. A format that is not known is an error. Errors of `restore` fence the replica.
template <class M>
concept SnapshottableMachine = StateMachine<M> && requires(M& machine, M const& seen, snapshot_reader& in,
                                                           snapshot_writer& out, position at) {
  { machine.restore(in, at) } -> std::same_as<result<done>>;
  requires requires { { seen.save(out) } -> std::same_as<result<done>>; } ||
      (ViewableMachine<M> && requires { requires SavableView<typename M::view_type>; });
};

/// A persistent machine that can be replaced by a snapshot over a crash (SAFETY.md §5). Apply lane.
///
/// `begin_restore(note)` records, durably, that the state is about to be replaced: from then on the machine serves
/// nothing. `restore` then clears what is there and fills in what the reader gives, in bounded batches, the last of which
/// records `at` as applied and ends the replacement; it syncs before it returns. `restoring()` gives the note of a
/// replacement that has begun and not ended, as after a crash; `restore` is called again then.
template <class M>
concept ReplaceableMachine = PersistentMachine<M> && SnapshottableMachine<M> && requires(M& machine, M const& seen, bytes note) {
  { machine.begin_restore(note) } -> std::same_as<result<done>>;
  { seen.restoring() } -> std::same_as<std::optional<bytes>>;
};

/// Is told when the members of the group change, for a copy of its own (spec 3.1: the peers of a region). Called in the
/// place of the configuration entry, after all commands before `through` and before all behind it; it cannot refuse. A
/// persistent machine records `through` as applied together with its copy.
template <class M>
concept ConfigurableMachine = StateMachine<M> && requires(M& machine, raft::membership const& group, position through) {
  { machine.apply_configuration(group, through) } -> std::same_as<result<done>>;
};

/// Can be emptied, because its peer has left the group (SAFETY.md §4, tombstone): nothing of the group's data remains, a
/// persistent machine remembers only that it has left, durably when the call returns, and stands at position (0,0), ready
/// for `restore` or for commands from the first one on, should its store be added again. Apply lane.
template <class M>
concept RetirableMachine = StateMachine<M> && requires(M& machine) {
  { machine.retire() } -> std::same_as<result<done>>;
};

}  // namespace tinykv::policy
