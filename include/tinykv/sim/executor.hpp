#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/policy/executor.hpp>

#include <memory>

namespace tinykv::sim {

class world;

/// The lanes of one start of a simulated store. A lane task has a start and a completion; it does its work at the
/// completion, so that crashes, other lanes and messages fall between (SAFETY.md §11).
class executor {
 public:
  /// Runs work on the host of `store`; one executor per start.
  executor(world& in, store_id store);
  /// Destroys what is queued, unrun.
  ~executor();
  executor(executor const&) = delete;
  executor& operator=(executor const&) = delete;

  /// Queues `work` on the home lane.
  void post(task work);
  /// Queues `work` on the home lane after `delay` of the host's clock.
  void post_after(duration delay, task work);
  /// Queues `work` on a lane.
  void post_on(policy::lane where, task work);

 private:
  struct body;
  std::shared_ptr<body> body_;
};

static_assert(policy::Executor<executor>);

}  // namespace tinykv::sim

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/sim/impl/executor.ipp>
#endif
