// An observer that has no place for any event.
// refused: tinykv: `observer` is no Observer; see policy/observer.hpp

#include "fitting.hpp"

struct composition : refusals::defaults {
#ifndef TINYKV_CONTROL
  struct observer {};
#endif
  using machine = refusals::counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
