// A machine that says that its state is durable, and cannot say how far.
// refused: tinykv: a machine whose state is durable must be a PersistentMachine

#include "fitting.hpp"

struct half_persistent : refusals::counter_on_disk {
#ifndef TINYKV_CONTROL
  void sync(int) {}  // hides the one that is asked for
#endif
};

struct composition : refusals::defaults {
  using machine = half_persistent;
  using log = refusals::durable_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
