#pragma once

#include <tinykv/core/id.hpp>

#include <cstdint>
#include <string_view>

/// A replicated number. A state machine is a reply type and one function.
struct counter {
  using reply = std::int64_t;
  reply apply(tinykv::log_index, std::string_view command) { return value += command == "up" ? 1 : -1; }
  std::int64_t value = 0;
};
