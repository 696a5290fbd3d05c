#include "command_line.hpp"
#include "line_editor.hpp"
#include "verbs.hpp"
#include "words.hpp"

#include <iostream>

#include <unistd.h>

namespace cli {

namespace {

constexpr char const* hint =
    "verbs as on the command line; `help`, `help VERB`, tab completes, `exit` or Ctrl-D ends\n";

/// What could stand for the word before the cursor.
std::vector<std::string> candidates(std::string const& before) {
  auto words = split_words(before);
  if (!words) return {};  // inside quotes
  if (before.empty() || before.back() == ' ' || before.back() == '\t') words->emplace_back();
  return completions(std::move(*words));
}

/// The shell's own words become those of the program.
std::vector<std::string> program_words(std::vector<std::string> words) {
  if (words.front() == "tinykv") words.erase(words.begin());
  if (words.empty() || words.front() != "help") return words;
  words.erase(words.begin());
  words.emplace_back("--help");
  return words;
}

/// Runs one line. Nothing = the end was asked for.
std::optional<int> run(settings const& with, std::string const& line) {
  auto words = split_words(line);
  if (!words)
    return complain(with,
                    usage("a quote is not closed, or nothing follows a backslash", "'...' takes everything as it is"));
  if (words->empty() || words->front().starts_with('#')) return exit_done;
  if (words->front() == "exit" || words->front() == "quit") return {};
  if (words->front() == "shell") return complain(with, usage("this is the shell already", "type a verb, or help"));
  auto chosen = program_words(std::move(*words));
  return chosen.empty() ? exit_done : run_line(with, std::move(chosen));
}

/// People correct themselves, so a failure ends nothing.
int talk(settings const& with, shell_arguments const& what) {
  std::cout << "tinykv " TINYKV_VERSION ", servers";
  for (auto const& endpoint : with.endpoints) std::cout << " " << endpoint;
  std::cout << "\n" << hint << std::flush;
  line_editor editor{what.history, candidates};
  while (auto const line = editor.read("tinykv> "))
    if (!run(with, *line)) return exit_done;
  std::cout << "\n";
  return printed(with);
}

/// Nobody looks at what a file of lines does: it stops at the first line that fails.
int follow(settings const& with) {
  std::uint64_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    auto const code = run(with, line);
    if (!code) return exit_done;
    if (*code != exit_done) {
      if (!with.json) std::cerr << "tinykv: stopped at line " << number << ": " << line << "\n";
      return *code;
    }
  }
  if (std::cin.bad()) return complain(with, usage("cannot read stdin to its end", "is it a file or a pipe?"));
  return printed(with);
}

}  // namespace

int shell(settings const& with, shell_arguments const& what) {
  auto here = with;
  here.in_shell = true;
  auto const people = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  return people ? talk(here, what) : follow(here);
}

}  // namespace cli
