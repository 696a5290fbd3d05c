// The default executor, whose header was not included: so does a misspelt `using executor` end.
// refused: tinykv: `executor` is only declared: include its header (that of the default is runtime/asio_executor.hpp)

#include "fitting.hpp"

struct composition : refusals::defaults {
#ifndef TINYKV_CONTROL
  using executor = tinykv::defaults::executor;
#endif
  using machine = refusals::counter;
  using log = tinykv::storage::memory_log;
  using transport = tinykv::transport::loopback;
};
static_assert(sizeof(tinykv::checked_composition<composition>) > 0);
