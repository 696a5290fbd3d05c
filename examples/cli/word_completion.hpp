#pragma once

#include <map>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cli {

/// The words that the value of a flag or positional may be, where they are few.
using value_choices = std::map<CLI::Option const*, std::vector<std::string>>;

/// What could stand in place of the last of `words`: verbs of `app`, flags, or values out of `choices`. Sorted; empty
/// when it is anything, such as a key or a file.
std::vector<std::string> complete_words(CLI::App& app, value_choices const& choices, std::vector<std::string> words);

}  // namespace cli
