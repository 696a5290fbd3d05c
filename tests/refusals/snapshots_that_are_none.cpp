// Something else in the place of the snapshot files.
// refused: tinykv: `snapshots` is no SnapshotStorage; see policy/snapshot_storage.hpp

#include "fitting.hpp"

struct composition : refusals::defaults {
  using machine = refusals::saved_counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
#ifdef TINYKV_CONTROL
  using snapshots = tinykv::storage::memory_snapshots;
#else
  using snapshots = tinykv::storage::memory_log;
#endif
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
