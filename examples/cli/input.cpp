#include "input.hpp"

#include "text.hpp"

#include <array>
#include <iostream>

#include <unistd.h>

namespace cli {

using namespace tinykv;

namespace {

constexpr std::size_t stdin_bytes_max = 16U << 20;  // far more than a server takes: its refusal names its own bound

/// All of stdin.
result<std::string, problem> all_of_stdin() {
  std::string out;
  std::array<char, 64U << 10> piece;
  while (std::cin) {
    std::cin.read(piece.data(), piece.size());
    out.append(piece.data(), static_cast<std::size_t>(std::cin.gcount()));
    if (out.size() > stdin_bytes_max) return unexpected{usage("stdin holds more than 16 MiB", "no value is so large")};
  }
  if (std::cin.bad()) return unexpected{usage("cannot read stdin, so nothing was written", "is it a file or a pipe?")};
  return out;
}

}  // namespace

result<std::string, problem> value_or_stdin(settings const& with, std::optional<std::string> const& given) {
  if (given) return *given;
  if (with.in_shell) return unexpected{usage("the value is missing", "in the shell it stands on the line")};
  if (::isatty(STDIN_FILENO) == 1)
    return unexpected{usage("the value is missing", "add it, or send it to stdin: echo -n VALUE | tinykv put KEY -")};
  auto value = all_of_stdin();
  if (!value || !with.hex) return value;
  while (!value->empty() && (value->back() == '\n' || value->back() == '\r')) value->pop_back();
  auto bytes = from_hex(*value);
  if (!bytes)
    return unexpected{usage("stdin is not hexadecimal, so nothing was written", "leave --hex out, or send hex digits")};
  return std::move(*bytes);
}

}  // namespace cli
