#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/core/config.hpp>
#include <tinykv/sim/snapshot_disk.hpp>
#include <tinykv/sim/world.hpp>

#include <algorithm>

namespace tinykv::sim {

TINYKV_DECL std::string const* snapshot_disk::find(key of) const {
  auto const found = files_.find(of);
  return found == files_.end() || !found->second.seen ? nullptr : &*found->second.seen;
}

TINYKV_DECL void snapshot_disk::create(key of) {
  auto& at = files_[of];
  at.seen = "";
  at.replaced = true;
}

TINYKV_DECL void snapshot_disk::append(key of, std::string_view data) { files_[of].seen->append(data); }

TINYKV_DECL void snapshot_disk::sync(key of) {
  auto& at = files_[of];
  at.synced = at.seen;
  at.replaced = false;
}

TINYKV_DECL void snapshot_disk::publish(key of) {
  auto taken = std::exchange(files_[of], {});
  // A caller that breaks its promise would find no real disk that tells it, until it loses power.
  TINYKV_CHECK(!taken.replaced);
  TINYKV_CHECK(taken.seen == taken.synced);
  files_[{of.first, policy::snapshot_slot::current}] = std::move(taken);
}

TINYKV_DECL void snapshot_disk::remove(key of) {
  auto const found = files_.find(of);
  if (found == files_.end()) return;
  found->second.seen.reset();
  found->second.replaced = true;
}

TINYKV_DECL void snapshot_disk::crash(world& in, store_id store) {
  for (auto& [of, victim] : files_) crash(in, store, of, victim);
  std::erase_if(files_, [](auto const& each) { return !each.second.seen; });
}

TINYKV_DECL void snapshot_disk::crash(world& in, store_id store, key of, file& victim) {
  auto const base = victim.replaced || !victim.synced ? std::size_t{0} : victim.synced->size();
  auto const size = victim.seen ? victim.seen->size() : 0;
  if (!victim.replaced && size == base) return;
  if (victim.replaced && in.chance().chance(500)) {
    victim.seen = victim.synced;
  } else if (size > base) {
    auto& data = *victim.seen;
    data.resize(base + static_cast<std::size_t>(in.chance().below(size - base + 1)));
    // A file may have grown before its data reached the disk.
    if (data.size() > base && in.chance().chance(300)) {
      auto const torn = base + static_cast<std::size_t>(in.chance().below(data.size() - base));
      auto const last = std::min(data.size(), torn + 512);
      std::fill(data.begin() + static_cast<std::ptrdiff_t>(torn), data.begin() + static_cast<std::ptrdiff_t>(last), '\0');
    }
  }
  victim.synced = victim.seen;  // after a restart the kernel's cache is the disk
  victim.replaced = false;
  in.note(occurrence::spool_lost, store.value, of.first.value, static_cast<std::uint64_t>(of.second), size,
          victim.seen ? victim.seen->size() : 0);
}

}  // namespace tinykv::sim
