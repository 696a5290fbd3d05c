// What snapshots ask of machines and files: for each concept one class that fits, and for each requirement one that misses
// it by a little.

#include <tinykv/policy/snapshot_storage.hpp>
#include <tinykv/policy/snapshottable_machine.hpp>

#include "support/catch.hpp"

#include <span>

using namespace tinykv;
using namespace tinykv::policy;

namespace near_misses {

// --- SnapshotStorage ---
struct files_fit {
  static constexpr bool durable = true;
  result<done> create(group_id, snapshot_slot) { return done{}; }
  result<done> append(group_id, snapshot_slot, std::string_view) { return done{}; }
  result<done> sync(group_id, snapshot_slot) { return done{}; }
  result<std::optional<std::uint64_t>> size(group_id, snapshot_slot) { return std::optional<std::uint64_t>{}; }
  result<bytes> read(group_id, snapshot_slot, std::uint64_t, std::size_t) { return bytes{}; }
  result<done> publish(group_id, snapshot_slot) { return done{}; }
  result<done> remove(group_id, snapshot_slot) { return done{}; }
};
static_assert(SnapshotStorage<files_fit>);
struct files_without_promise {  // do not say whether they are durable
  result<done> create(group_id, snapshot_slot);
  result<done> append(group_id, snapshot_slot, std::string_view);
  result<done> sync(group_id, snapshot_slot);
  result<std::optional<std::uint64_t>> size(group_id, snapshot_slot);
  result<bytes> read(group_id, snapshot_slot, std::uint64_t, std::size_t);
  result<done> publish(group_id, snapshot_slot);
  result<done> remove(group_id, snapshot_slot);
};
static_assert(!SnapshotStorage<files_without_promise>);
struct files_pinned : files_fit { files_pinned(files_pinned&&) = delete; };
static_assert(!SnapshotStorage<files_pinned>);
struct files_create_says_nothing : files_fit { void create(group_id, snapshot_slot) {} };
static_assert(!SnapshotStorage<files_create_says_nothing>);
struct files_append_says_nothing : files_fit { void append(group_id, snapshot_slot, std::string_view) {} };
static_assert(!SnapshotStorage<files_append_says_nothing>);
struct files_without_sync : files_fit { result<done> sync(group_id, snapshot_slot) = delete; };
static_assert(!SnapshotStorage<files_without_sync>);
struct files_sync_says_nothing : files_fit { void sync(group_id, snapshot_slot) {} };
static_assert(!SnapshotStorage<files_sync_says_nothing>);
struct files_absent_is_empty : files_fit { result<std::uint64_t> size(group_id, snapshot_slot) { return std::uint64_t{0}; } };
static_assert(!SnapshotStorage<files_absent_is_empty>);
struct files_read_whole : files_fit { result<bytes> read(group_id, snapshot_slot) { return bytes{}; } };  // without a bound
static_assert(!SnapshotStorage<files_read_whole>);
struct files_read_cannot_fail : files_fit { bytes read(group_id, snapshot_slot, std::uint64_t, std::size_t) { return {}; } };
static_assert(!SnapshotStorage<files_read_cannot_fail>);
struct files_without_publish : files_fit { result<done> publish(group_id, snapshot_slot) = delete; };
static_assert(!SnapshotStorage<files_without_publish>);
struct files_without_remove : files_fit { result<done> remove(group_id, snapshot_slot) = delete; };
static_assert(!SnapshotStorage<files_without_remove>);
struct files_of_one_group : files_fit { result<done> remove(snapshot_slot) { return done{}; } };
static_assert(!SnapshotStorage<files_of_one_group>);
static_assert(!SnapshotStorage<no_snapshots>);  // the choice of none is no storage

// --- SavableView ---
struct savable_fits {
  position applied() const { return {}; }
  result<done> save(snapshot_writer&) const { return done{}; }
};
static_assert(SavableView<savable_fits>);
struct savable_without_position : savable_fits { void applied() const = delete; };
static_assert(!SavableView<savable_without_position>);
struct savable_of_index : savable_fits { log_index applied() const { return {}; } };  // the term is due beside the index
static_assert(!SavableView<savable_of_index>);
struct savable_says_nothing : savable_fits { void save(snapshot_writer&) const {} };
static_assert(!SavableView<savable_says_nothing>);
struct savable_changes : savable_fits { result<done> save(snapshot_writer&) { return done{}; } };
static_assert(!SavableView<savable_changes>);

// --- SnapshottableMachine ---
struct machine {
  using reply = int;
  int apply(log_index, std::string_view) { return 0; }
};
static_assert(StateMachine<machine> && !SnapshottableMachine<machine>);
struct saves_itself : machine {
  result<done> restore(snapshot_reader&, position) { return done{}; }
  result<done> save(snapshot_writer&) const { return done{}; }
};
static_assert(SnapshottableMachine<saves_itself>);
struct saves_by_views : machine {
  using view_type = savable_fits;
  result<savable_fits> view() const { return savable_fits{}; }
  result<done> restore(snapshot_reader&, position) { return done{}; }
};
static_assert(SnapshottableMachine<saves_by_views>);
struct saves_only : machine { result<done> save(snapshot_writer&) const { return done{}; } };
static_assert(!SnapshottableMachine<saves_only>);
struct restores_only : machine { result<done> restore(snapshot_reader&, position) { return done{}; } };
static_assert(!SnapshottableMachine<restores_only>);
struct restores_anywhere : saves_itself { result<done> restore(snapshot_reader&) { return done{}; } };
static_assert(!SnapshottableMachine<restores_anywhere>);
struct restores_to_an_index : saves_itself { result<done> restore(snapshot_reader&, log_index) { return done{}; } };
static_assert(!SnapshottableMachine<restores_to_an_index>);
struct restores_always : saves_itself { void restore(snapshot_reader&, position) {} };
static_assert(!SnapshottableMachine<restores_always>);
struct changes_when_saved : saves_itself { result<done> save(snapshot_writer&) { return done{}; } };
static_assert(!SnapshottableMachine<changes_when_saved>);
struct views_cannot_be_saved : saves_by_views {
  using view_type = savable_of_index;
  result<savable_of_index> view() const { return savable_of_index{}; }
};
static_assert(!SnapshottableMachine<views_cannot_be_saved>);
struct no_machine {
  result<done> restore(snapshot_reader&, position) { return done{}; }
  result<done> save(snapshot_writer&) const { return done{}; }
};
static_assert(!SnapshottableMachine<no_machine>);

// --- ReplaceableMachine ---
struct persistent : saves_itself {
  result<done> apply_batch(std::span<command const>, position, std::vector<int>&) { return done{}; }
  position applied() { return {}; }
  log_index durable() { return {}; }
  result<done> sync() { return done{}; }
};
static_assert(PersistentMachine<persistent> && !ReplaceableMachine<persistent>);
struct replaceable : persistent {
  result<done> begin_restore(bytes) { return done{}; }
  std::optional<bytes> restoring() const { return {}; }
};
static_assert(ReplaceableMachine<replaceable>);
struct replaced_without_note : replaceable { result<done> begin_restore() { return done{}; } };
static_assert(!ReplaceableMachine<replaced_without_note>);
struct replaced_always : replaceable { void begin_restore(bytes) {} };
static_assert(!ReplaceableMachine<replaced_always>);
struct restoring_yes_or_no : replaceable { bool restoring() const { return false; } };
static_assert(!ReplaceableMachine<restoring_yes_or_no>);
struct restoring_changes : replaceable { std::optional<bytes> restoring() { return {}; } };
static_assert(!ReplaceableMachine<restoring_changes>);
struct replaceable_without_disk : saves_itself {
  result<done> begin_restore(bytes) { return done{}; }
  std::optional<bytes> restoring() const { return {}; }
};
static_assert(!ReplaceableMachine<replaceable_without_disk>);

// --- ConfigurableMachine, RetirableMachine ---
struct configurable : machine { result<done> apply_configuration(raft::membership const&, position) { return done{}; } };
static_assert(ConfigurableMachine<configurable> && !ConfigurableMachine<machine>);
struct configured_always : machine { void apply_configuration(raft::membership const&, position) {} };
static_assert(!ConfigurableMachine<configured_always>);
struct configured_anywhere : machine { result<done> apply_configuration(raft::membership const&) { return done{}; } };
static_assert(!ConfigurableMachine<configured_anywhere>);
struct configured_by_change : machine { result<done> apply_configuration(raft::membership&, position) { return done{}; } };
static_assert(!ConfigurableMachine<configured_by_change>);
struct retirable : machine { result<done> retire() { return done{}; } };
static_assert(RetirableMachine<retirable> && !RetirableMachine<machine>);
struct retires_always : machine { void retire() {} };
static_assert(!RetirableMachine<retires_always>);
struct retires_until : machine { result<done> retire(position) { return done{}; } };
static_assert(!RetirableMachine<retires_until>);

}  // namespace near_misses

TEST_CASE("near-misses of what snapshots ask for are refused at compile time", "[concepts][snapshots]") {
  SUCCEED("see the static_asserts");
}
