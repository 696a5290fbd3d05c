// A durable machine over a log that forgets: after a start it would hold what was never committed again.
// refused: tinykv: a durable machine over a volatile log would keep effects of entries that the log forgets

#include "fitting.hpp"

struct composition : refusals::defaults {
  using machine = refusals::counter_on_disk;
#ifdef TINYKV_CONTROL
  using log = refusals::durable_log;
#else
  using log = tinykv::storage::memory_log;
#endif
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
