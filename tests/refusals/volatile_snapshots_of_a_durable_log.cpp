// Snapshots that a crash takes, beside a log that was compacted because of them.
// refused: tinykv: volatile snapshots beside a durable log would be gone when the log has been compacted on their word

#include "fitting.hpp"

struct composition : refusals::defaults {
  using machine = refusals::saved_counter;
  using log = refusals::durable_log;
  using transport = tinykv::transport::loopback;
#ifdef TINYKV_CONTROL
  using snapshots = refusals::durable_snapshots;
#else
  using snapshots = tinykv::storage::memory_snapshots;
#endif
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
