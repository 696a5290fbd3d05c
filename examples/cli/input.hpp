#pragma once

#include "report.hpp"

#include <tinykv/core/result.hpp>

#include <optional>
#include <string>

namespace cli {

/// The value that a verb writes: what was given, or else all of stdin (hexadecimal with --hex). Refused: a stdin that
/// is a terminal or the shell's, that cannot be read to its end, or holds more than a server could take.
tinykv::result<std::string, problem> value_or_stdin(settings const& with, std::optional<std::string> const& given);

}  // namespace cli
