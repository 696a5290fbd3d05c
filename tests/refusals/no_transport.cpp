// A composition that names no transport.
// refused: tinykv: the composition names no transport: add `using transport = ...;`

#include "fitting.hpp"

struct composition : refusals::defaults {
  using machine = refusals::counter;
  using log = tinykv::storage::memory_log;
#ifdef TINYKV_CONTROL
  using transport = tinykv::transport::loopback;
#endif
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
