// A transport whose `send` may throw: a turn could end in its middle.
// refused: tinykv: `transport` is no Transport; see policy/transport.hpp

#include "fitting.hpp"

struct composition : refusals::defaults {
  using machine = refusals::counter;
  using log = tinykv::storage::memory_log;
  struct transport : tinykv::transport::loopback {
#ifndef TINYKV_CONTROL
    void send(tinykv::store_id, tinykv::policy::envelope) {}
#endif
  };
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
