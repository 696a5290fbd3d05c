// The store asks, and its answer comes before every other error.
// refused: tinykv: the composition names no state machine: add `using machine = ...;`

#include "fitting.hpp"

#include <tinykv/raftstore/store.hpp>

struct composition : refusals::defaults {
#ifdef TINYKV_CONTROL
  using machine = refusals::counter;
#endif
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::raftstore::store<composition>) > 0);
