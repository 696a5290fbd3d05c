// tinykv: talks to a cluster of tinykv-server. `tinykv --help` lists the verbs; one file beside this one holds each.

#include "verbs.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

using namespace cli;

namespace {

constexpr char const* closing = R"(Lines are `key TAB value`; in them \\ \t \n \r \0 and \xHH (any byte) are escapes.
A value or key that begins with - comes after --, as in: tinykv put k -- -1

Exit codes: 0 done, 1 not found or refused, 2 usage, 3 no server reachable, 4 outcome unknown (look before repeating).

Examples:
  tinykv put name Ada              tinykv scan --prefix user/ --limit 10
  echo -n Ada | tinykv put name    tinykv cas name Bob --expect Ada
  tinykv get name                  tinykv export > all.tsv; tinykv import all.tsv)";

/// What the command line says, for all verbs; `run` is the one that was chosen.
struct command_line {
  settings with;
  std::vector<std::string> endpoints{"127.0.0.1:20160"};
  double timeout_seconds = 5;
  put_arguments put;
  get_arguments get;
  del_arguments del;
  cas_arguments cas;
  bool expect_absent = false;
  scan_arguments scan;
  import_arguments import;
  export_arguments export_;
  std::function<int()> run;
};

/// A verb, and what runs it.
template <class Run>
CLI::App& add_verb(CLI::App& app, command_line& line, std::string const& name, std::string const& help, Run run) {
  auto* verb = app.add_subcommand(name, help);
  verb->fallthrough();  // global flags may follow the verb
  verb->callback([&line, run] { line.run = run; });
  return *verb;
}

void add_flags(CLI::App& app, command_line& line) {
  app.add_option("--endpoints", line.endpoints, "servers, H:P,H:P,...")
      ->delimiter(',')->envname("TINYKV_ENDPOINTS")->capture_default_str();
  app.add_option("--timeout", line.timeout_seconds, "seconds for one request, all tries together")
      ->envname("TINYKV_TIMEOUT")->check(CLI::Range(0.001, 86400.0))->capture_default_str();
  app.add_flag("--json", line.with.json, "print JSON, one object per line")->envname("TINYKV_JSON");
}

void add_writes(CLI::App& app, command_line& line) {
  auto& put_verb = add_verb(app, line, "put", "write a value", [&] { return put(line.with, line.put); });
  put_verb.add_option("key", line.put.key)->required();
  put_verb.add_option("value", line.put.value, "all of stdin when absent");

  auto& del_verb = add_verb(app, line, "del", "remove a key; fine if there is none", [&] { return del(line.with, line.del); });
  del_verb.add_option("key", line.del.key)->required();

  auto& cas_verb = add_verb(app, line, "cas", "write a value only if the key holds the expected one",
                            [&] { return cas(line.with, line.cas); });
  cas_verb.add_option("key", line.cas.key)->required();
  auto* value = cas_verb.add_option("value", line.cas.value, "all of stdin when absent");
  auto* expectation = cas_verb.add_option_group("expectation", "what the key must hold");
  expectation->add_option("--expect", line.cas.expected, "this value");
  expectation->add_flag("--expect-absent", line.expect_absent, "nothing: there must be no such key");
  expectation->require_option(1);
  cas_verb.add_flag("--delete", line.cas.erase, "remove the key instead of writing a value")->excludes(value);
}

void add_reads(CLI::App& app, command_line& line) {
  auto& get_verb = add_verb(app, line, "get", "print a value (any server may answer)", [&] { return get(line.with, line.get); });
  get_verb.add_option("key", line.get.key)->required();
  get_verb.add_flag("--raw", line.get.raw, "the bytes of the value, without a newline behind");

  auto& scan_verb = add_verb(app, line, "scan", "print pairs in the order of their keys", [&] { return scan(line.with, line.scan); });
  scan_verb.add_option("--prefix", line.scan.prefix, "only keys that begin so");
  scan_verb.add_option("--from", line.scan.from, "first key");
  scan_verb.add_option("--to", line.scan.to, "the key before which it ends");
  scan_verb.add_option("--limit", line.scan.limit, "pairs at most")->capture_default_str();
  scan_verb.add_flag("--reverse", line.scan.reverse, "from the end backwards");
  scan_verb.add_flag("--keys-only", line.scan.keys_only, "without values");

  add_verb(app, line, "status", "what each of the endpoints says of itself", [&] { return status(line.with); });
}

void add_files(CLI::App& app, command_line& line) {
  auto& import_verb = add_verb(app, line, "import", "write the lines of a file, each key once, many at a time",
                               [&] { return import_file(line.with, line.import); });
  import_verb.add_option("file", line.import.file, "- is stdin")->capture_default_str();
  import_verb.add_option("--batch", line.import.batch, "records written together")
      ->check(CLI::Range(1, 4096))->capture_default_str();
  import_verb.add_option("--in-flight", line.import.in_flight, "batches that wait for their answer")
      ->check(CLI::Range(1, 16384))->capture_default_str();
  import_verb.add_option("--acknowledged", line.import.acknowledged, "write each key to this file once it is acknowledged");
  import_verb.add_flag("--repeat-unknown", line.import.repeat_unknown,
                       "write again what may have been written: right when nobody else writes these keys");

  auto& export_verb = add_verb(app, line, "export", "print all pairs, through the first endpoint alone",
                               [&] { return export_file(line.with, line.export_); });
  export_verb.add_option("file", line.export_.file, "- is stdout")->capture_default_str();
  export_verb.add_option("--prefix", line.export_.prefix, "only keys that begin so");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Talks to a tinykv cluster.", "tinykv"};
  app.footer(closing);
  app.set_version_flag("--version", std::string{"tinykv "} + TINYKV_VERSION);
  app.require_subcommand(1);
  command_line line;
  add_flags(app, line);
  add_writes(app, line);
  add_reads(app, line);
  add_files(app, line);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& problem) {
    if (problem.get_exit_code() == 0) return app.exit(problem);  // --help, --version
    std::cerr << "tinykv: " << problem.what() << " (see tinykv --help)\n";
    return exit_usage;
  }
  line.with.endpoints = line.endpoints;
  line.with.timeout = std::chrono::nanoseconds{static_cast<std::int64_t>(line.timeout_seconds * 1e9)};
  return line.run();
}
