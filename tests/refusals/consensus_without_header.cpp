// A consensus of which only the name is known.
// refused: tinykv: `consensus` is only declared: include its header (that of the default is raft/core.hpp)

#include "fitting.hpp"

namespace somewhere {
class consensus;
}

struct composition : refusals::defaults {
#ifndef TINYKV_CONTROL
  using consensus = somewhere::consensus;
#endif
  using machine = refusals::counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
