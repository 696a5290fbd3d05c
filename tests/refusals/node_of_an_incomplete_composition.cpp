// What most people meet first is the node: the sentence comes before every other error.
// refused: tinykv: the composition names no state machine: add `using machine = ...;`

#include "fitting.hpp"

#include <tinykv/node/node.hpp>

struct composition : tinykv::defaults {
#ifdef TINYKV_CONTROL
  using machine = refusals::counter;
#else
  using machin = refusals::counter;
#endif
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::node<composition>) > 0);
