#pragma once

#include <tinykv/codec/kv_command.hpp>
#include <tinykv/core/region.hpp>
#include <tinykv/kv/pending_writes.hpp>
#include <tinykv/kv/region_data.hpp>
#include <tinykv/kv/reply.hpp>
#include <tinykv/policy/kv_engine.hpp>

#include <optional>
#include <string_view>
#include <utility>

namespace tinykv::kv {

/// Turns the commands of one batch into writes and replies: each sees the state before the batch and the writes of the
/// commands before it. Lives as long as the batch; apply lane.
template <policy::KvEngine Engine>
class batch_applier {
 public:
  /// Of region `id` in `engine`; `here` is null while it does not serve.
  batch_applier(Engine& engine, group_id id, tinykv::region const* here) : engine_(engine), id_(id), here_(here) {}

  /// Judges and takes one command. A failure is the engine's, or a command of a later version: `fatal`.
  result<kv_reply> apply(std::string_view data) {
    auto const command = codec::decode_kv_command(data);
    // What a later version wrote must not be passed over: the replicas that know it would differ from this one (I-5).
    if (!command && command.error().code == error_code::version_mismatch)
      return fatal(error_code::version_mismatch, command.error().detail);
    if (!command) return kv_reply{command.error(), {}, {}};
    if (auto refused = refusal_of(*command)) return std::move(*refused);
    for (auto const& w : command->writes) {
      if (!w.conditional) continue;
      auto current = current_value(w.key);
      if (!current) return std::move(current).error();
      auto const found = *current ? std::optional{(*current)->view()} : std::nullopt;
      if (found != w.expected)
        return kv_reply{conflict(error_code::compare_failed, "the key has another value"), std::move(*current), {}};
    }
    for (auto const& w : command->writes) pending_.set(w.key, w.value);
    return kv_reply{};
  }
  /// The writes of all commands so far; more may be added.
  policy::kv_batch& batch() { return pending_.batch(); }

 private:
  /// Judged again at apply, since the region may have changed between propose and apply (spec 3.8).
  std::optional<kv_reply> refusal_of(codec::kv_command const& command) const {
    if (here_ == nullptr || command.region != id_)
      return kv_reply{rejected(error_code::not_found, "no such region here", command.region.value), {}, {}};
    if (command.epoch.version != 0 && command.epoch.version != here_->epoch.version)
      return kv_reply{rejected(error_code::epoch_mismatch, "the region has changed; look again"), {}, *here_};
    for (auto const& w : command.writes)
      if (!here_->contains(w.key))
        return kv_reply{rejected(error_code::key_not_in_region, "the key belongs to another region"), {}, *here_};
    return {};
  }

  /// The value of `key` after the commands applied so far, those of this batch included.
  result<std::optional<bytes>> current_value(std::string_view key) {
    std::optional<bytes> stored;
    if (auto const* write = pending_.find(key)) {
      if (write->action == policy::kv_action::put) stored = write->value;
    } else {
      if (!before_) {
        auto view = view_of_writer(engine_);
        if (!view) return std::move(view).error();
        before_ = std::move(*view);
      }
      auto found = before_->get(raw_family, key);
      if (!found) return found;
      stored = std::move(*found);
    }
    if (!stored) return stored;
    if (auto const value = codec::decode_raw(*stored); !value) return value.error();
    return std::optional{stored->slice(1)};
  }

  Engine& engine_;
  group_id id_;
  tinykv::region const* here_;
  pending_writes pending_;
  std::optional<typename Engine::view_type> before_;  // taken by the first condition that needs it
};

}  // namespace tinykv::kv
