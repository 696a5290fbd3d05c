// Snapshots are kept, and the machine has nothing to put into them.
// refused: tinykv: the composition keeps snapshots, but `machine` cannot give any: it needs `save(snapshot_writer&) const`

#include "fitting.hpp"

struct composition : refusals::defaults {
#ifdef TINYKV_CONTROL
  using machine = refusals::saved_counter;
#else
  using machine = refusals::counter;
#endif
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
  using snapshots = tinykv::storage::memory_snapshots;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
