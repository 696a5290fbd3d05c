#include "command_line.hpp"

#include "help.hpp"
#include "line_editor.hpp"
#include "region.hpp"
#include "text.hpp"
#include "verbs.hpp"
#include "word_completion.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <sstream>

#include <unistd.h>

namespace cli {

namespace {

/// What the command line says, for all verbs.
struct arguments {
  settings with;
  std::string endpoints = "127.0.0.1:20160";
  double timeout_seconds = 5;
  put_arguments put;
  get_arguments get;
  del_arguments del;
  cas_arguments cas;
  bool expect_absent = false;
  scan_arguments scan;
  import_arguments import;
  export_arguments export_;
  doctor_arguments doctor;
  region_arguments region;
  shell_arguments shell;
  completion_arguments completion;
};

std::string history_by_default() {
  auto const* home = std::getenv("HOME");
  return home && *home ? std::string{home} + "/.tinykv_history" : std::string{};
}

std::vector<std::string> split(std::string const& text, char at) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string part; std::getline(in, part, at);)
    if (!part.empty()) out.push_back(part);
  return out;
}

/// The verbs and their flags, and the one that was chosen. Lives for one command line.
class command_line {
 public:
  /// A line of the shell begins with the shell's settings, and the environment has had its say there.
  explicit command_line(settings const* of_shell) : of_shell_(of_shell) {
    app_.footer(help_of::program);
    app_.set_version_flag("--version", "tinykv " TINYKV_VERSION "\nline editing: " + std::string{line_editing()});
    app_.require_subcommand(0, 1);
    if (of_shell) take(*of_shell);
    add_global_flags();
    add_writes();
    add_reads();
    add_files();
    add_others();
  }
  command_line(command_line const&) = delete;
  command_line& operator=(command_line const&) = delete;

  int run(std::vector<std::string> words) {
    a_.with.json = a_.with.json || wants_json(words);  // also for what is wrong with the rest
    std::reverse(words.begin(), words.end());          // CLI11 takes them from the end
    try {
      app_.parse(words);
    } catch (CLI::ParseError const& stopped) {
      return stopped_by(stopped);
    }
    if (auto const wrong = settle()) return complain(a_.with, *wrong);
    if (run_) return run_();
    if (!a_.with.in_shell && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1)
      return shell(a_.with, a_.shell);
    return complain(a_.with, usage("a subcommand is required", "see tinykv --help"));
  }

  std::vector<std::string> complete(std::vector<std::string> words) {
    return complete_words(app_, choices_, std::move(words));
  }

 private:
  CLI::Option* environment(CLI::Option* option, char const* name) { return of_shell_ ? option : option->envname(name); }

  /// A verb, its help with examples, and what runs it.
  template <class Run>
  CLI::App& verb(std::string const& name, std::string const& help, char const* examples, Run run) {
    auto* out = app_.add_subcommand(name, help);
    out->fallthrough();  // global flags may follow the verb
    out->footer(std::string{"Examples:\n"} + examples);
    out->callback([this, run] { run_ = run; });
    return *out;
  }

  /// A key, or what bounds one: hexadecimal with --hex.
  CLI::Option* key(CLI::App& verb, std::string const& name, std::string& to, std::string const& help) {
    auto* option = verb.add_option(name, to, help);
    before_run_.push_back(
        [this, option, name, &to]() { return option->count() == 0 ? std::nullopt : undo_hex(name, to); });
    return option;
  }
  /// The value to write; absent or "-" = stdin.
  CLI::Option* value(CLI::App& verb, std::string const& name, std::optional<std::string>& to, std::string const& help) {
    auto* option = verb.add_option(name, to, help);
    before_run_.push_back([this, option, name, &to]() -> std::optional<problem> {
      if (option->count() == 0) return {};
      if (name == "value" && *to == "-") {
        to.reset();
        return {};
      }
      return undo_hex(name, *to);
    });
    return option;
  }
  std::optional<problem> undo_hex(std::string const& name, std::string& text) const {
    if (!a_.with.hex) return {};
    auto bytes = from_hex(text);
    if (!bytes)
      return usage(name + " is not hexadecimal: " + text, "leave --hex out, or write two hex digits per byte");
    text = std::move(*bytes);
    return {};
  }
  /// One of a few words.
  CLI::Option* choice(CLI::Option* option, std::vector<std::string> words) {
    choices_[option] = words;
    return option->check(CLI::IsMember(std::move(words)));
  }

  void add_global_flags();
  void add_writes();
  void add_reads();
  void add_files();
  void add_others();
  void take(settings const& of_shell);
  std::optional<problem> settle();
  int stopped_by(CLI::ParseError const& stopped);
  static bool wants_json(std::vector<std::string> const& words);

  settings const* of_shell_;
  arguments a_;
  CLI::App app_{"Talks to a tinykv cluster.", "tinykv"};
  CLI::Option* endpoints_ = nullptr;
  std::vector<std::function<std::optional<problem>()>> before_run_;
  value_choices choices_;
  std::function<int()> run_;
};

void command_line::add_global_flags() {
  endpoints_ = app_.add_option("--endpoints", a_.endpoints, "servers, H:P,H:P,...")->capture_default_str();
  environment(endpoints_, "TINYKV_ENDPOINTS");
  environment(app_.add_option("--cluster-id", a_.with.cluster.value, "talk to servers of this cluster only; 0 = any"),
              "TINYKV_CLUSTER_ID")
      ->capture_default_str();
  environment(app_.add_option("--timeout", a_.timeout_seconds, "seconds for one request, all tries together"),
              "TINYKV_TIMEOUT")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  environment(app_.add_flag("--json", a_.with.json, "print JSON, one object per line; errors too, on stderr"),
              "TINYKV_JSON");
  environment(app_.add_flag("--hex", a_.with.hex, "keys and values are hexadecimal, in and out"), "TINYKV_HEX");
}

void command_line::add_writes() {
  auto& put_verb = verb("put", "write a value", help_of::put, [this] { return put(a_.with, a_.put); });
  key(put_verb, "key", a_.put.key, "what to write")->required();
  value(put_verb, "value", a_.put.value, "all of stdin when it is - or absent");

  auto& del_verb =
      verb("del", "remove a key; fine if there is none", help_of::del, [this] { return del(a_.with, a_.del); });
  key(del_verb, "key", a_.del.key, "what to remove")->required();

  auto& cas_verb = verb("cas", "write a value only if the key holds the expected one", help_of::cas,
                        [this] { return cas(a_.with, a_.cas); });
  key(cas_verb, "key", a_.cas.key, "what to write")->required();
  auto* written = value(cas_verb, "value", a_.cas.value, "all of stdin when it is - or absent");
  auto* expectation = cas_verb.add_option_group("expectation", "what the key must hold");
  value(*expectation, "--expect", a_.cas.expected, "this value");
  expectation->add_flag("--expect-absent", a_.expect_absent, "nothing: there must be no such key");
  expectation->require_option(1);
  cas_verb.add_flag("--delete", a_.cas.erase, "remove the key instead of writing a value")->excludes(written);
}

void command_line::add_reads() {
  auto& get_verb =
      verb("get", "print a value (any server may answer)", help_of::get, [this] { return get(a_.with, a_.get); });
  key(get_verb, "key", a_.get.key, "what to read")->required();
  get_verb.add_flag("--raw", a_.get.raw, "the value alone, without a newline behind");

  auto& scan_verb =
      verb("scan", "print pairs in the order of their keys", help_of::scan, [this] { return scan(a_.with, a_.scan); });
  key(scan_verb, "--prefix", a_.scan.prefix, "only keys that begin so");
  key(scan_verb, "--from", a_.scan.from, "first key");
  key(scan_verb, "--to", a_.scan.to, "the key before which it ends");
  scan_verb.add_option("--limit", a_.scan.limit,
                       "pairs at most; 0 = all; when absent 100, and a word if there are more");
  choice(scan_verb.add_option("--order", a_.scan.order, "asc or desc")->capture_default_str(), {"asc", "desc"});
  scan_verb.add_flag("--keys-only", a_.scan.keys_only, "without values");

  verb("status", "what each of the endpoints says of itself: paste it into bug reports", help_of::status,
       [this] { return status(a_.with); });
}

void command_line::add_files() {
  char const* formats = "lines, csv or jsonl; when absent, by the name of the file (.csv, .jsonl), else lines";
  auto& import_verb = verb("import", "write the records of a file, each key once, many at a time", help_of::import_file,
                           [this] { return import_file(a_.with, a_.import); });
  import_verb.add_option("file", a_.import.file, "- is stdin")->capture_default_str();
  choice(import_verb.add_option("--format", a_.import.format, formats), {"lines", "csv", "jsonl"});
  import_verb.add_option("--skip", a_.import.skip, "pass over so many records: they are in already");
  import_verb.add_option("--batch", a_.import.batch, "records written together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  import_verb.add_option("--in-flight", a_.import.in_flight, "batches that wait for their answer")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  import_verb.add_option("--acknowledged", a_.import.acknowledged,
                         "write each key to this file once it is acknowledged");
  import_verb.add_flag("--repeat-unknown", a_.import.repeat_unknown,
                       "write again what may have been written: right when nobody else writes these keys");

  auto& export_verb = verb("export", "print all pairs, through the first endpoint alone", help_of::export_file,
                           [this] { return export_file(a_.with, a_.export_); });
  export_verb.add_option("file", a_.export_.file, "- is stdout")->capture_default_str();
  choice(export_verb.add_option("--format", a_.export_.format, formats), {"lines", "csv", "jsonl"});
  key(export_verb, "--prefix", a_.export_.prefix, "only keys that begin so");
}

void command_line::add_others() {
  add_region_verbs(app_, a_.with, a_.region, run_);

  auto& doctor_verb = verb("doctor", "look at clocks, disk, ports and versions; exit code 1 if something fails",
                           help_of::doctor, [this] { return doctor(a_.with, a_.doctor); });
  doctor_verb.add_option("--data-dir", a_.doctor.data_dir,
                         "a directory for data: what a sync costs there, what disk it is");
  doctor_verb.add_option("--listen", a_.doctor.listen, "H:P,... that should be free on this machine")
      ->delimiter(',')
      ->allow_extra_args(false);

  a_.shell.history = history_by_default();
  auto& shell_verb = verb("shell", "take verbs line by line, with history and completion on a terminal", help_of::shell,
                          [this] { return shell(a_.with, a_.shell); });
  environment(shell_verb.add_option("--history", a_.shell.history, "file of the lines typed; empty = none"),
              "TINYKV_HISTORY")
      ->capture_default_str();

  auto& completion_verb = verb("completion", "print a script that completes verbs and flags", help_of::completion,
                               [this] { return completion(a_.with, a_.completion); });
  choice(completion_verb.add_option("shell", a_.completion.shell, "bash, zsh or fish")->required(),
         {"bash", "zsh", "fish"});
}

void command_line::take(settings const& of_shell) {
  a_.with = of_shell;
  a_.endpoints.clear();
  for (auto const& endpoint : of_shell.endpoints) a_.endpoints += (a_.endpoints.empty() ? "" : ",") + endpoint;
  a_.timeout_seconds = std::chrono::duration<double>(of_shell.timeout).count();
}

std::optional<problem> command_line::settle() {
  a_.with.endpoints = split(a_.endpoints, ',');
  a_.with.endpoints_given = a_.with.endpoints_given || endpoints_->count() > 0;
  if (a_.with.endpoints.empty())
    return usage("--endpoints names no server", "it must be like 127.0.0.1:20160,127.0.0.1:20161");
  for (auto const& endpoint : a_.with.endpoints) {
    auto const colon = endpoint.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == endpoint.size())
      return usage("--endpoints has '" + endpoint + "'", "it must be like 127.0.0.1:20160");
  }
  a_.with.timeout = std::chrono::nanoseconds{static_cast<std::int64_t>(a_.timeout_seconds * 1e9)};
  for (auto const& step : before_run_)
    if (auto wrong = step()) return wrong;
  return {};
}

int command_line::stopped_by(CLI::ParseError const& stopped) {
  if (stopped.get_exit_code() != 0) return complain(a_.with, usage(stopped.what(), "see tinykv --help"));
  app_.exit(stopped);  // --help, --version
  return printed(a_.with);
}

bool command_line::wants_json(std::vector<std::string> const& words) {
  auto const* variable = std::getenv("TINYKV_JSON");
  if (variable && (std::string_view{variable} == "1" || std::string_view{variable} == "true")) return true;
  auto const end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), end, "--json") != end;
}

}  // namespace

int run_program(std::vector<std::string> words) {
  // What the scripts of `completion` call. The words are another command line's: none of them is a flag of this one.
  if (!words.empty() && words.front() == "complete-words") {
    for (auto const& word : completions({words.begin() + 1, words.end()})) std::cout << word << "\n";
    return printed({});
  }
  return command_line{nullptr}.run(std::move(words));
}

int run_line(settings const& of_shell, std::vector<std::string> words) {
  return command_line{&of_shell}.run(std::move(words));
}

std::vector<std::string> completions(std::vector<std::string> words) {
  return command_line{nullptr}.complete(std::move(words));
}

}  // namespace cli
