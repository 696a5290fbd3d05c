// Something else in the place of the executor.
// refused: tinykv: `executor` is no Executor; see policy/executor.hpp

#include "fitting.hpp"

struct composition : refusals::defaults {
#ifndef TINYKV_CONTROL
  using executor = refusals::counter;
#endif
  using machine = refusals::counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
