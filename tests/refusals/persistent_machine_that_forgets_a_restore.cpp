// A machine on a disk that cannot tell, after a crash, that it was amid restoring a snapshot: it would serve half of one.
// refused: tinykv: a persistent machine that takes snapshots must survive a crash in the middle of one

#include "fitting.hpp"

struct forgetful : refusals::saved_counter_on_disk {
#ifndef TINYKV_CONTROL
  void restoring(int) const {}  // hides the one that is asked for
#endif
};

struct composition : refusals::defaults {
  using machine = forgetful;
  using log = refusals::durable_log;
  using transport = tinykv::transport::loopback;
  using snapshots = refusals::durable_snapshots;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
