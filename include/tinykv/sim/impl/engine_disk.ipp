#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/sim/engine_disk.hpp>
#include <tinykv/sim/world.hpp>

#include <utility>

namespace tinykv::sim {

namespace detail {
inline void apply(engine_disk::contents& to, policy::kv_batch const& batch) {
  for (auto const& operation : batch.operations) {
    TINYKV_CHECK(operation.family.number < to.size());
    auto& family = to[operation.family.number];
    switch (operation.action) {
      case policy::kv_action::put: family.insert_or_assign(operation.key.str(), operation.value); break;
      case policy::kv_action::erase: family.erase(operation.key.str()); break;
      case policy::kv_action::erase_range: {
        if (!operation.value.empty() && operation.value <= operation.key) break;
        auto const end = operation.value.empty() ? family.end() : family.lower_bound(operation.value.view());
        family.erase(family.lower_bound(operation.key.view()), end);
        break;
      }
    }
  }
}
}  // namespace detail

TINYKV_DECL void engine_disk::write(policy::kv_batch batch) {
  if (current_.use_count() > 1) current_ = std::make_shared<contents>(*current_);  // a view, or synced_, shares it
  detail::apply(*current_, batch);
  unsynced_.push_back(std::move(batch));
}

TINYKV_DECL void engine_disk::sync() {
  synced_ = current_;
  unsynced_.clear();
}

TINYKV_DECL void engine_disk::crash(world& in, store_id store) {
  if (unsynced_.empty()) return;
  auto const kept = static_cast<std::size_t>(in.chance().below(unsynced_.size() + 1));
  in.note(occurrence::kv_lost, store.value, unsynced_.size() - kept);
  lost_ += unsynced_.size() - kept;
  auto survived = std::make_shared<contents>(*synced_);
  for (std::size_t i = 0; i < kept; ++i) detail::apply(*survived, unsynced_[i]);
  synced_ = current_ = std::move(survived);  // after a restart the kernel's cache is the disk
  unsynced_.clear();
}

}  // namespace tinykv::sim
