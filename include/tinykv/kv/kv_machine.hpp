#pragma once

#include <tinykv/codec/kv_command.hpp>
#include <tinykv/kv/kv_view.hpp>
#include <tinykv/kv/pending_writes.hpp>
#include <tinykv/kv/reply.hpp>
#include <tinykv/policy/kv_engine.hpp>
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
  static result<kv_machine> open(Engine engine, group_id id) {
    kv_machine out{std::move(engine), id};
    if (auto synced = out.engine_->sync(); !synced) return std::move(synced).error();
    auto view = out.view();
    if (!view) return std::move(view).error();
    if (view->region()) {
      if (view->applied() == position{}) return fatal(error_code::corrupt, "the region has no applied position");
      if (view->region()->state == region_state::normal) out.region_ = view->region()->region;
    }
    out.applied_ = view->applied();
    if constexpr (durable_state) out.durable_ = out.applied_.index;
    return out;
  }

  /// Creates the region, empty, unless something of it is here already (SAFETY.md §4); then syncs, since the first log
  /// record of a group may only follow. Call at every start of a store that has the region by its configuration.
  result<done> bootstrap(tinykv::region const& first) {
    auto view = this->view();
    if (!view) return std::move(view).error();
    if (!view->region()) {
      policy::kv_batch batch;
      batch.put(meta_family, bytes::copy_of(codec::region_key(id_)),
                bytes::adopt(codec::encode_region({region_state::normal, first})));
      put_applied(batch, first_position);
      if (auto written = engine_->write(batch); !written) return written;
      region_ = first;
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
    pending_writes pending;
    engine_view before;  // taken by the first condition that needs it
    for (auto const& command : commands) {
      auto answer = apply_one(command.data, pending, before);
      if (!answer) return std::move(answer).error();
      replies.push_back(std::move(*answer));
    }
    put_applied(pending.batch(), through);
    auto written = engine_->write(pending.batch());
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

  /// The machine as it is now. Any thread.
  result<view_type> view() const {
    auto view = engine_->view();
    if (!view) return std::move(view).error();
    return view_type::of(std::move(*view), id_);
  }

 private:
  kv_machine(Engine engine, group_id id) : engine_(std::make_unique<Engine>(std::move(engine))), id_(id) {}

  void put_applied(policy::kv_batch& batch, position at) const {
    batch.put(meta_family, bytes::copy_of(codec::applied_key(id_)), bytes::adopt(codec::encode_applied(at)));
  }

  using engine_view = std::optional<typename Engine::view_type>;

  result<reply> apply_one(std::string_view data, pending_writes& pending, engine_view& before) {
    auto const command = codec::decode_kv_command(data);
    // What a later version wrote must not be passed over: the replicas that know it would differ from this one (I-5).
    if (!command && command.error().code == error_code::version_mismatch)
      return fatal(error_code::version_mismatch, command.error().detail);
    if (!command) return reply{command.error(), {}, {}};
    if (auto refused = refusal_of(*command)) return std::move(*refused);
    for (auto const& w : command->writes) {
      if (!w.conditional) continue;
      auto current = current_value(w.key, pending, before);
      if (!current) return std::move(current).error();
      auto const found = *current ? std::optional{(*current)->view()} : std::nullopt;
      if (found != w.expected)
        return reply{conflict(error_code::compare_failed, "the key has another value"), std::move(*current), {}};
    }
    for (auto const& w : command->writes) pending.set(w.key, w.value);
    return reply{};
  }

  /// Judged again at apply, since the region may have changed between propose and apply (spec 3.8).
  std::optional<reply> refusal_of(codec::kv_command const& command) const {
    if (!region_ || command.region != id_)
      return reply{rejected(error_code::not_found, "no such region here", command.region.value), {}, {}};
    if (command.epoch.version != 0 && command.epoch.version != region_->epoch.version)
      return reply{rejected(error_code::epoch_mismatch, "the region has changed; look again"), {}, region_};
    for (auto const& w : command.writes)
      if (!region_->contains(w.key))
        return reply{rejected(error_code::key_not_in_region, "the key belongs to another region"), {}, region_};
    return {};
  }

  /// The value of `key` after the commands applied so far, those of this batch included.
  result<std::optional<bytes>> current_value(std::string_view key, pending_writes& pending, engine_view& before) {
    std::optional<bytes> stored;
    if (auto const* write = pending.find(key)) {
      if (write->action == policy::kv_action::put) stored = write->value;
    } else {
      if (!before) {
        auto view = engine_->view();
        if (!view) return std::move(view).error();
        before = std::move(*view);
      }
      auto found = before->get(raw_family, key);
      if (!found) return found;
      stored = std::move(*found);
    }
    if (!stored) return stored;
    if (auto const value = codec::decode_raw(*stored); !value) return value.error();
    return std::optional{stored->slice(1)};
  }

  std::unique_ptr<Engine> engine_;  // views are taken through a const machine, and it moves
  group_id id_;
  std::optional<tinykv::region> region_;  // only while it serves
  position applied_;
  log_index durable_;
};

}  // namespace tinykv::kv
