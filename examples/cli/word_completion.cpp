#include "word_completion.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <utility>

namespace cli {

namespace {

/// Where the words so far lead to.
struct place {
  CLI::App* chosen;             ///< The verb, or the program itself; nullptr = no such verb.
  CLI::Option* open = nullptr;  ///< A flag whose value is still to come.
  std::size_t positionals = 0;  ///< Of the verb.
};

/// The verbs below `of`; groups of flags, which have no name, are none.
std::vector<CLI::App*> verbs_of(CLI::App& of) {
  return of.get_subcommands([](CLI::App* sub) { return !sub->get_name().empty(); });
}

place follow(CLI::App& app, std::vector<std::string> const& words) {
  place at{&app};
  for (auto const& word : words) {
    if (std::exchange(at.open, nullptr)) continue;
    if (word.starts_with("-")) {
      auto* option = at.chosen->get_option_no_throw(word);
      if (!option) option = app.get_option_no_throw(word);
      if (option && option->get_items_expected_max() > 0) at.open = option;
    } else if (auto const verbs = verbs_of(*at.chosen); verbs.empty()) {
      ++at.positionals;
    } else {
      auto const found =
          std::find_if(verbs.begin(), verbs.end(), [&](CLI::App* verb) { return verb->get_name() == word; });
      at.chosen = found == verbs.end() ? nullptr : *found;
      if (!at.chosen) return at;
    }
  }
  return at;
}

void add_flags(CLI::App const& of, std::vector<std::string>& to) {
  for (auto const* option : of.get_options())
    for (auto const& name : option->get_lnames()) to.push_back("--" + name);
}

std::vector<std::string> all_at(CLI::App& app, value_choices const& choices, place const& at, bool flags) {
  auto const choices_of = [&](CLI::Option const* option) {
    auto const found = choices.find(option);
    return found == choices.end() ? std::vector<std::string>{} : found->second;
  };
  if (at.open) return choices_of(at.open);
  std::vector<std::string> out;
  if (flags) {
    add_flags(*at.chosen, out);
    auto const unnamed = [](CLI::App const* sub) { return sub->get_name().empty(); };  // a group of flags
    for (auto const* group : std::as_const(*at.chosen).get_subcommands(unnamed)) add_flags(*group, out);
    if (at.chosen != &app) add_flags(app, out);
  } else if (auto const verbs = verbs_of(*at.chosen); !verbs.empty()) {
    for (auto const* verb : verbs) out.push_back(verb->get_name());
  } else {
    auto const positional = [](CLI::Option const* option) { return option->get_positional(); };
    auto const options = std::as_const(*at.chosen).get_options(positional);
    if (at.positionals < options.size()) out = choices_of(options[at.positionals]);
  }
  return out;
}

}  // namespace

std::vector<std::string> complete_words(CLI::App& app, value_choices const& choices, std::vector<std::string> words) {
  auto const partial = words.empty() ? std::string{} : words.back();
  if (!words.empty()) words.pop_back();
  auto const at = follow(app, words);
  if (!at.chosen) return {};
  auto out = all_at(app, choices, at, partial.starts_with("-"));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  std::erase_if(out, [&](std::string const& word) { return !word.starts_with(partial); });
  return out;
}

}  // namespace cli
