// A clock that may throw when it is asked.
// refused: tinykv: `clock` is no Clock; see policy/clock.hpp

#include "fitting.hpp"

struct composition : refusals::defaults {
#ifndef TINYKV_CONTROL
  struct clock {
    tinykv::instant now() const { return {}; }
  };
#endif
  using machine = refusals::counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
