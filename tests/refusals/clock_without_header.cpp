// The default clock, whose header was not included: so does a misspelt `using clock` end.
// refused: tinykv: `clock` is only declared: include its header (that of the default is runtime/steady_clock.hpp)

#include "fitting.hpp"

struct composition : refusals::defaults {
#ifndef TINYKV_CONTROL
  using clock = tinykv::defaults::clock;
#endif
  using machine = refusals::counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
