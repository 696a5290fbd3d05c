#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/sim/disk_log.hpp>

namespace tinykv::sim {

namespace detail {
inline failure disk_is_dead() { return fatal(error_code::io, "the simulated disk failed; restart the store"); }
}  // namespace detail

TINYKV_DECL result<policy::log_contents> disk_log::load() {
  if (!usable()) return detail::disk_is_dead();
  return on_->log_disk.load();
}

TINYKV_DECL result<done> disk_log::commit(policy::log_batch const& batch) {
  if (!usable()) return detail::disk_is_dead();
  auto const fails = in_->weather.disk_error_per_million != 0 &&
                     in_->chance().below(1'000'000) < in_->weather.disk_error_per_million;
  auto reaches = true;
  if (fails) {
    reaches = in_->chance().chance(500);  // F-D6: nobody knows, not even the disk
    on_->disk_failed = true;
    in_->note(occurrence::disk_error, on_->id.value, reaches ? 1 : 0);
  }
  if (reaches) {
    if (batch.store_record) on_->log_disk.set_store_record(*batch.store_record);
    for (auto const& write : batch.groups) {
      auto const state = write.state.value_or(raft::hard_state{});
      auto const first = write.entries.empty() ? 0 : write.entries.front().index.value;
      in_->note(occurrence::persist, on_->id.value, write.group.value, state.term.value, state.vote.value,
                state.commit.value, (first << 32) + write.entries.size());
      if (auto* const witness = in_->watcher()) witness->persisting(on_->id, on_->log_disk, write);
      on_->log_disk.apply(write);
    }
  }
  if (fails) return detail::disk_is_dead();
  return done{};
}

TINYKV_DECL result<std::vector<raft::entry>> disk_log::fetch(group_id group, log_index from, log_index to,
                                                             std::uint64_t bytes_max) {
  if (!usable()) return detail::disk_is_dead();
  return on_->log_disk.fetch(group, from, to, bytes_max);
}

}  // namespace tinykv::sim
