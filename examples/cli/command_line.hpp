#pragma once

#include "session.hpp"

#include <string>
#include <vector>

// The flags of all verbs.

namespace cli {

/// Runs the program's own arguments; gives the exit code.
int run_program(std::vector<std::string> words);
/// Runs a line of the shell: as the program, with the shell's settings in place of defaults and environment.
int run_line(settings const& of_shell, std::vector<std::string> words);

/// What could stand in place of the last of `words`, which is the beginning of a word or empty. Sorted; empty when it
/// is anything, such as a key or a file.
std::vector<std::string> completions(std::vector<std::string> words);

}  // namespace cli
