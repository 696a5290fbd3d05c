#pragma once

#include <tinykv/core/task.hpp>
#include <tinykv/core/time.hpp>

#include <cstdint>

namespace tinykv::policy {

/// A serial queue of work that may block, beside the home lane.
enum class lane : std::uint8_t {
  disk = 0,      ///< Log batches, and fetches between them.
  apply = 1,     ///< Everything that writes the machine or the engine.
  read = 2,      ///< Reads of views.
  snapshot = 3,  ///< Copies for snapshots.
};

/// How many lanes there are beside the home lane.
inline constexpr std::size_t lane_count = 4;

/// Runs the work of one store.
///
/// The model promises:
///  1. The *home lane* runs one task at a time, in the order of `post`. `post` may be called from any thread.
///  2. `post_after(d, t)` runs `t` on the home lane, late perhaps, never earlier than `d` by the composition's `Clock`.
///     Called on the home lane only.
///  3. `post_on(l, t)` runs `t` on lane `l`: one task at a time per lane, in order; lanes run side by side. Tasks there
///     may block. Called on the home lane only.
///  4. No task runs inside the call that posts it. A task that was accepted is run or destroyed unrun, once.
/// The caller promises:
///  5. Home tasks do not block. No task throws.
///  6. The executor outlives the store.
/// On failure: a model that cannot take a task destroys it; the store then stands still, which Raft survives.
template <class E>
concept Executor = requires(E& executor, task work, duration delay, lane where) {
  executor.post(std::move(work));
  executor.post_after(delay, std::move(work));
  executor.post_on(where, std::move(work));
};

}  // namespace tinykv::policy
