// A name that misses the one that is asked for by a letter.
// refused: tinykv: the composition names no state machine: add `using machine = ...;`

#include "fitting.hpp"

struct composition : refusals::defaults {
#ifdef TINYKV_CONTROL
  using machine = refusals::counter;
#else
  using machin = refusals::counter;
#endif
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
