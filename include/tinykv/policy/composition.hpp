#pragma once

#include <tinykv/policy/observer.hpp>
#include <tinykv/policy/snapshot_storage.hpp>

namespace tinykv {

namespace raft {
class core;
}
namespace runtime {
class asio_executor;
class steady_clock;
}  // namespace runtime

/// The choices that have a usual answer. Derive a struct from it and name the three that have none, because they decide
/// what is promised: `machine`, `log` and `transport`.
///
///     struct in_memory : tinykv::defaults {
///       using machine   = counter;
///       using log       = tinykv::storage::memory_log;
///       using transport = tinykv::transport::loopback;
///     };
struct defaults {
  using consensus = raft::core;                ///< Who orders commands.
  using executor = runtime::asio_executor;     ///< Where work runs.
  using clock = runtime::steady_clock;         ///< What time it is.
  using observer = policy::silent;             ///< Who is told of events.
  using snapshots = policy::no_snapshots;      ///< Where snapshot files are kept. Without any a log is never compacted.
};

}  // namespace tinykv
