// The instances are named before the node or the store: they ask too.
// refused: tinykv: the composition names no log: add `using log = ...;`

#include "fitting.hpp"

struct composition : refusals::defaults {
  using machine = refusals::counter;
#ifdef TINYKV_CONTROL
  using log = tinykv::storage::memory_log;
#endif
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::parts<composition>) > 0);
