// A composition that names no state machine.
// refused: tinykv: the composition names no state machine: add `using machine = ...;`

#include "fitting.hpp"

struct composition : refusals::defaults {
#ifdef TINYKV_CONTROL
  using machine = refusals::counter;
#endif
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
