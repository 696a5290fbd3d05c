// A log from which nothing can be read back.
// refused: tinykv: `log` is no LogStorage; see policy/log_storage.hpp

#include "fitting.hpp"

struct composition : refusals::defaults {
  using machine = refusals::counter;
  struct log : tinykv::storage::memory_log {
#ifndef TINYKV_CONTROL
    void fetch() {}  // hides the one that is asked for
#endif
  };
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
