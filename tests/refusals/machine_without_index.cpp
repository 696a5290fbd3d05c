// A machine whose `apply` does not take the index of the command.
// refused: tinykv: `machine` is no StateMachine: it needs a type `reply` and `reply apply(log_index, std::string_view)`

#include "fitting.hpp"

struct indexless {
  using reply = std::int64_t;
#ifdef TINYKV_CONTROL
  reply apply(tinykv::log_index, std::string_view) { return 0; }
#else
  reply apply(std::string_view) { return 0; }
#endif
};

struct composition : refusals::defaults {
  using machine = indexless;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
