#pragma once

#include <tinykv/kv/batch_applier.hpp>
#include <tinykv/kv/kv_view.hpp>
#include <tinykv/kv/region_data.hpp>
#include <tinykv/kv/region_peers.hpp>
#include <tinykv/kv/reply.hpp>
#include <tinykv/policy/kv_engine.hpp>
#include <tinykv/policy/snapshottable_machine.hpp>
#include <tinykv/policy/state_machine.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tinykv::kv {

/// Where the log of a region that was created here begins (SAFETY.md §6, spec 3.2).
inline constexpr position first_position{log_index{5}, term{5}};

/// One region of a key/value store over any ordered engine: puts, erases and compare-and-sets, several in one command,
/// together or not at all. The data of a batch and the position up to which they were applied are one write of the
/// engine (SAFETY.md §4), so a start never repeats a command and never misses one.
///
/// A region that a snapshot replaces, or whose peer has left, serves nothing: commands are answered `rejected` (not_found).
///
/// All functions on the apply lane (before the first lane runs: any thread), but `view`, which any thread may call.
template <policy::KvEngine Engine>
class kv_machine {
 public:
  using reply = kv_reply;                                 ///< What a command gives.
  using view_type = kv_view<typename Engine::view_type>;  ///< What reads see.
  /// The same machine over another engine; the simulator puts its own in.
  template <class E>
  using on = kv_machine<E>;
  static constexpr bool durable_state = Engine::durable;  ///< As the engine.

  /// Opens region `id` in an engine that was opened with `family_names()`. What the engine holds is synced first: after a
  /// crash of the process alone it holds more than its disk does, and `durable()` must not say more than the disk.
  static result<kv_machine> open(Engine engine, group_id id, batch_bounds bounds = {}) {
    kv_machine out{std::move(engine), id, bounds};
    if (auto synced = out.engine_->sync(); !synced) return std::move(synced).error();
    auto stored = out.engine_->view();
    if (!stored) return std::move(stored).error();
    auto const note = stored->get(meta_family, codec::note_key(id));
    if (!note) return note.error();
    auto view = view_type::of(std::move(*stored), id);
    if (!view) return std::move(view).error();
    if (*note) {
      auto decoded = codec::decode_note(**note);
      if (!decoded) return std::move(decoded).error();
      out.note_ = std::move(*decoded);
    }
    out.record_ = view->region();
    if (out.serving() && view->applied() == position{}) return fatal(error_code::corrupt, "the region has no applied position");
    if (out.record_ && (out.record_->state == region_state::applying) != out.note_.has_value())
      return fatal(error_code::corrupt, "the region and the note of a snapshot contradict each other");
    out.applied_ = view->applied();
    if constexpr (durable_state) out.durable_ = out.applied_.index;
    return out;
  }

  /// Creates the region, empty, unless something of it is here already (SAFETY.md §4); then syncs, since the first log
  /// record of a group may only follow. Call at every start of a store that has the region by its configuration.
  result<done> bootstrap(tinykv::region const& first) {
    if (!record_ && !note_) {
      policy::kv_batch batch;
      codec::region_record record{region_state::normal, first};
      put_region(batch, record);
      put_applied(batch, first_position);
      if (auto written = engine_->write(batch); !written) return written;
      record_ = std::move(record);
      applied_ = first_position;
    }
    return sync();
  }

  /// Applies one command by itself; the term of the position stays the last one known. A failing engine is answered in
  /// the reply, `fatal`.
  reply apply(log_index index, std::string_view data) {
    std::vector<reply> replies;
    policy::command const one{{index, applied_.term}, data};
    auto applied = apply_batch({&one, 1}, one.at, replies);
    if (!applied) return {std::move(applied).error(), {}, {}};
    return std::move(replies.front());
  }

  /// As BatchMachine says.
  result<done> apply_batch(std::span<policy::command const> commands, position through, std::vector<reply>& replies) {
    batch_applier applier{*engine_, id_, serving() ? &record_->region : nullptr};
    for (auto const& command : commands) {
      auto answer = applier.apply(command.data);
      if (!answer) return std::move(answer).error();
      replies.push_back(std::move(*answer));
    }
    put_applied(applier.batch(), through);
    auto written = engine_->write(applier.batch());
    if (written) applied_ = through;
    return written;
  }

  /// The last position in the state.
  position applied() const { return applied_; }
  /// The index up to which the state survives a crash; 0 with an engine that keeps nothing.
  log_index durable() const { return durable_; }
  /// Makes all that is applied durable, if the engine can.
  result<done> sync() {
    auto synced = engine_->sync();
    if constexpr (durable_state)
      if (synced) durable_ = applied_.index;
    return synced;
  }

  /// As ConfigurableMachine says: the region's peers become those of `group`, and its conf_ver rises by one.
  result<done> apply_configuration(raft::membership const& group, position through) {
    policy::kv_batch batch;
    auto next = record_;
    if (serving()) {
      next->region.peers = peers_of(group);
      ++next->region.epoch.conf_ver;
      put_region(batch, *next);
    }
    put_applied(batch, through);
    auto written = engine_->write(batch);
    if (!written) return written;
    record_ = std::move(next);
    applied_ = through;
    return written;
  }

  /// As ReplaceableMachine says.
  result<done> begin_restore(bytes note) {
    policy::kv_batch batch;
    auto next = record_;
    if (next) {
      next->state = region_state::applying;
      put_region(batch, *next);
    }
    batch.put(meta_family, bytes::copy_of(codec::note_key(id_)), bytes::adopt(codec::encode_note(note)));
    if (auto written = engine_->write(batch); !written) return written;
    record_ = std::move(next);
    note_ = std::move(note);
    return engine_->sync();
  }
  /// As ReplaceableMachine says. `fatal` (corrupt, version_mismatch) when the records are none of this region's.
  result<done> restore(policy::snapshot_reader& in, position at) {
    auto const first = in.next();
    if (!first) return first.error();
    if (!*first) return fatal(error_code::corrupt, "the snapshot is empty");
    auto saved = codec::decode_snapshot_region(**first);
    if (!saved) return std::move(saved).error();
    if (saved->region.id != id_) return fatal(error_code::corrupt, "the snapshot is of another region");
    if (!note_)
      if (auto begun = begin_restore({}); !begun) return begun;
    return replace_by(std::move(saved->region), in, at);
  }
  /// As ReplaceableMachine says.
  std::optional<bytes> restoring() const { return note_; }

  /// As RetirableMachine says.
  result<done> retire() {
    policy::kv_batch batch;
    batch.erase(meta_family, bytes::copy_of(codec::applied_key(id_)));
    batch.erase(meta_family, bytes::copy_of(codec::note_key(id_)));
    if (record_) {
      record_->state = region_state::tombstone;
      put_region(batch, *record_);
    }
    if (auto written = engine_->write(batch); !written) return written;
    note_.reset();
    applied_ = {};
    if (record_)
      if (auto cleared = clear_own_range(); !cleared) return cleared;
    return sync();
  }

  /// The machine as it is now. Any thread.
  result<view_type> view() const {
    auto view = engine_->view();
    if (!view) return std::move(view).error();
    return view_type::of(std::move(*view), id_);
  }

 private:
  kv_machine(Engine engine, group_id id, batch_bounds bounds)
      : engine_(std::make_unique<Engine>(std::move(engine))), id_(id), bounds_(bounds) {}

  bool serving() const { return record_ && record_->state == region_state::normal; }

  void put_region(policy::kv_batch& batch, codec::region_record const& record) const {
    batch.put(meta_family, bytes::copy_of(codec::region_key(id_)), bytes::adopt(codec::encode_region(record)));
  }
  void put_applied(policy::kv_batch& batch, position at) const {
    batch.put(meta_family, bytes::copy_of(codec::applied_key(id_)), bytes::adopt(codec::encode_applied(at)));
  }

  /// Empties the range of the record, and then says so: a later restore must not clear what has become another region's.
  result<done> clear_own_range() {
    auto& r = record_->region;
    if (auto cleared = clear_range(*engine_, r.start, r.end, bounds_); !cleared) return cleared;
    r.start = r.end = std::string(1, '\0');  // [x, x) holds no key
    policy::kv_batch batch;
    put_region(batch, *record_);
    return engine_->write(batch);
  }
  /// The record says at each moment where data may lie that are not to be trusted: after a crash they are cleared again.
  result<done> replace_by(tinykv::region fresh, policy::snapshot_reader& in, position at) {
    if (record_)
      if (auto cleared = clear_own_range(); !cleared) return cleared;
    record_ = codec::region_record{region_state::applying, std::move(fresh)};
    policy::kv_batch batch;
    put_region(batch, *record_);
    if (auto written = engine_->write(batch); !written) return written;
    auto const& range = record_->region;
    if (auto cleared = clear_range(*engine_, range.start, range.end, bounds_); !cleared) return cleared;
    region_filler filler{*engine_, range, bounds_};
    for (;;) {
      auto const record = in.next();
      if (!record) return record.error();
      if (!*record) break;
      if (auto taken = filler.take(**record); !taken) return taken;
    }
    return end_restore(std::move(filler.rest()), at);
  }
  result<done> end_restore(policy::kv_batch last, position at) {
    codec::region_record const restored{region_state::normal, record_->region};
    put_region(last, restored);
    put_applied(last, at);
    last.erase(meta_family, bytes::copy_of(codec::note_key(id_)));
    if (auto written = engine_->write(last); !written) return written;
    record_ = restored;
    note_.reset();
    applied_ = at;
    return sync();
  }

  std::unique_ptr<Engine> engine_;  // views are taken through a const machine, and it moves
  group_id id_;
  batch_bounds bounds_;
  std::optional<codec::region_record> record_;  // as in the engine
  std::optional<bytes> note_;                   // as in the engine
  position applied_;
  log_index durable_;
};

}  // namespace tinykv::kv
