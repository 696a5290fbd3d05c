#pragma once

#include <tinykv/policy/observer.hpp>
#include <tinykv/sim/world.hpp>

namespace tinykv::sim {

/// An observer that writes what it is told into the world's history, and tells the world's watcher.
class recorder {
 public:
  /// For the host of `store`.
  recorder(world& in, store_id store) : in_(&in), store_(store) {}
  /// Records `what`. Durations are virtual, so the hash may cover them.
  void on(policy::event const& what) noexcept {
    in_->note(occurrence::event, store_.value, static_cast<std::uint64_t>(what.kind), what.group.value, what.term.value,
              what.index.value, what.value);
    if (auto* const witness = in_->watcher()) witness->told(store_, what);
  }

 private:
  world* in_;
  store_id store_;
};

static_assert(policy::Observer<recorder>);

}  // namespace tinykv::sim
