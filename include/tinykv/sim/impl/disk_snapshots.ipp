#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/sim/disk_snapshots.hpp>

namespace tinykv::sim {

TINYKV_DECL result<std::string const*> disk_snapshots::find(group_id group, policy::snapshot_slot slot) const {
  if (!usable()) return fatal(error_code::io, "the simulated disk failed; restart the store");
  auto const* const found = on_->spools.find({group, slot});
  if (found == nullptr) return rejected(error_code::not_found, "there is no such snapshot file");
  return found;
}

TINYKV_DECL result<done> disk_snapshots::may_fail() {
  auto const limit = in_->weather.disk_error_per_million;
  if (limit == 0 || in_->chance().below(1'000'000) >= limit) return done{};
  on_->disk_failed = true;
  in_->note(occurrence::disk_error, on_->id.value, 0);
  return fatal(error_code::io, "the simulated disk failed; restart the store");
}

TINYKV_DECL void disk_snapshots::note(std::uint64_t action, group_id group, policy::snapshot_slot slot,
                                      std::uint64_t size) const {
  in_->note(occurrence::spool, on_->id.value, group.value, static_cast<std::uint64_t>(slot), action, size);
}

TINYKV_DECL result<done> disk_snapshots::create(group_id group, policy::snapshot_slot slot) {
  if (!usable()) return fatal(error_code::io, "the simulated disk failed; restart the store");
  note(0, group, slot, 0);
  on_->spools.create({group, slot});
  return done{};
}

TINYKV_DECL result<done> disk_snapshots::append(group_id group, policy::snapshot_slot slot, std::string_view data) {
  auto const file = find(group, slot);
  if (!file) return file.error();
  note(1, group, slot, data.size());
  on_->spools.append({group, slot}, data);
  return done{};
}

TINYKV_DECL result<done> disk_snapshots::sync(group_id group, policy::snapshot_slot slot) {
  auto const file = find(group, slot);
  if (!file) return file.error();
  if (auto fine = may_fail(); !fine) return fine;
  note(2, group, slot, (*file)->size());
  on_->spools.sync({group, slot});
  return done{};
}

TINYKV_DECL result<std::optional<std::uint64_t>> disk_snapshots::size(group_id group, policy::snapshot_slot slot) const {
  auto const file = find(group, slot);
  if (file) return std::optional<std::uint64_t>{(*file)->size()};
  if (file.error().code == error_code::not_found) return std::optional<std::uint64_t>{};
  return file.error();
}

TINYKV_DECL result<bytes> disk_snapshots::read(group_id group, policy::snapshot_slot slot, std::uint64_t offset,
                                               std::size_t count) const {
  auto const file = find(group, slot);
  if (!file) return file.error();
  if (offset >= (*file)->size()) return bytes{};
  return bytes::copy_of(std::string_view{**file}.substr(static_cast<std::size_t>(offset), count));
}

TINYKV_DECL result<done> disk_snapshots::publish(group_id group, policy::snapshot_slot slot) {
  auto const file = find(group, slot);
  if (!file) return file.error();
  if (auto fine = may_fail(); !fine) return fine;
  note(3, group, slot, (*file)->size());
  on_->spools.publish({group, slot});
  return done{};
}

TINYKV_DECL result<done> disk_snapshots::remove(group_id group, policy::snapshot_slot slot) {
  if (!usable()) return fatal(error_code::io, "the simulated disk failed; restart the store");
  note(4, group, slot, 0);
  on_->spools.remove({group, slot});
  return done{};
}

}  // namespace tinykv::sim
