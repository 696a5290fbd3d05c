// A name that misses the one that is asked for by a letter.
// refused: tinykv: the composition names no log: add `using log = ...;`

#include "fitting.hpp"

struct composition : refusals::defaults {
  using machine = refusals::counter;
#ifdef TINYKV_CONTROL
  using log = tinykv::storage::memory_log;
#else
  using logs = tinykv::storage::memory_log;
#endif
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
