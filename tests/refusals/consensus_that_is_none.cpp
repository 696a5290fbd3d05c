// Something else in the place of the consensus.
// refused: tinykv: `consensus` is no Consensus; see policy/consensus.hpp

#include "fitting.hpp"

struct composition : refusals::defaults {
#ifndef TINYKV_CONTROL
  using consensus = refusals::counter;
#endif
  using machine = refusals::counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
