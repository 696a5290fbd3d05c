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

/// Binds a verb to what runs it.
template <class Run>
CLI::App* verb(CLI::App& app, std::string const& name, std::string const& help, std::function<int()>& chosen, Run run) {
  auto* sub = app.add_subcommand(name, help);
  sub->fallthrough();
  sub->callback([&chosen, run] { chosen = run; });
  return sub;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Talks to a tinykv cluster.", "tinykv"};
  app.footer(closing);
  app.set_version_flag("--version", std::string{"tinykv "} + TINYKV_VERSION);
  app.require_subcommand(1);

  settings with;
  std::vector<std::string> endpoints{"127.0.0.1:20160"};
  double timeout_seconds = 5;
  app.add_option("--endpoints", endpoints, "servers, H:P,H:P,...")->delimiter(',')->envname("TINYKV_ENDPOINTS")->capture_default_str();
  app.add_option("--timeout", timeout_seconds, "seconds for one request, all tries together")
      ->envname("TINYKV_TIMEOUT")->check(CLI::Range(0.001, 86400.0))->capture_default_str();
  app.add_flag("--json", with.json, "print JSON, one object per line")->envname("TINYKV_JSON");

  std::function<int()> chosen;
  put_arguments put_what;
  auto* put_verb = verb(app, "put", "write a value", chosen, [&] { return put(with, put_what); });
  put_verb->add_option("key", put_what.key)->required();
  put_verb->add_option("value", put_what.value, "all of stdin when absent");

  get_arguments get_what;
  auto* get_verb = verb(app, "get", "print a value (any server may answer)", chosen, [&] { return get(with, get_what); });
  get_verb->add_option("key", get_what.key)->required();
  get_verb->add_flag("--raw", get_what.raw, "the bytes of the value, without a newline behind");

  del_arguments del_what;
  verb(app, "del", "remove a key; fine if there is none", chosen, [&] { return del(with, del_what); })->add_option("key", del_what.key)->required();

  scan_arguments scan_what;
  auto* scan_verb = verb(app, "scan", "print pairs in the order of their keys", chosen, [&] { return scan(with, scan_what); });
  scan_verb->add_option("--prefix", scan_what.prefix, "only keys that begin so");
  scan_verb->add_option("--from", scan_what.from, "first key");
  scan_verb->add_option("--to", scan_what.to, "the key before which it ends");
  scan_verb->add_option("--limit", scan_what.limit, "pairs at most")->capture_default_str();
  scan_verb->add_flag("--reverse", scan_what.reverse, "from the end backwards");
  scan_verb->add_flag("--keys-only", scan_what.keys_only, "without values");

  cas_arguments cas_what;
  bool expect_absent = false;
  auto* cas_verb = verb(app, "cas", "write a value only if the key holds the expected one", chosen, [&] { return cas(with, cas_what); });
  cas_verb->add_option("key", cas_what.key)->required();
  auto* cas_value = cas_verb->add_option("value", cas_what.value, "all of stdin when absent");
  auto* expect = cas_verb->add_option_group("expectation", "what the key must hold");
  expect->add_option("--expect", cas_what.expected, "this value");
  expect->add_flag("--expect-absent", expect_absent, "nothing: there must be no such key");
  expect->require_option(1);
  cas_verb->add_flag("--delete", cas_what.erase, "remove the key instead of writing a value")->excludes(cas_value);

  verb(app, "status", "what each of the endpoints says of itself", chosen, [&] { return status(with); });

  import_arguments import_what;
  auto* import_verb = verb(app, "import", "write the lines of a file, many at a time", chosen, [&] { return import_file(with, import_what); });
  import_verb->add_option("file", import_what.file, "- is stdin")->capture_default_str();
  import_verb->add_option("--batch", import_what.batch, "records written together")->check(CLI::Range(1, 4096))->capture_default_str();
  import_verb->add_option("--in-flight", import_what.in_flight, "batches that wait for their answer")->check(CLI::Range(1, 16384))->capture_default_str();
  import_verb->add_option("--acknowledged", import_what.acknowledged, "write each key to this file once it is acknowledged");
  import_verb->add_flag("--repeat-unknown", import_what.repeat_unknown,
                        "write again what may have been written: right when nobody else writes these keys");

  export_arguments export_what;
  auto* export_verb = verb(app, "export", "print all pairs, through the first endpoint alone", chosen, [&] { return export_file(with, export_what); });
  export_verb->add_option("file", export_what.file, "- is stdout")->capture_default_str();
  export_verb->add_option("--prefix", export_what.prefix, "only keys that begin so");

  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& problem) {
    if (problem.get_exit_code() == 0) return app.exit(problem);  // --help, --version
    std::cerr << "tinykv: " << problem.what() << " (see tinykv --help)\n";
    return exit_usage;
  }
  with.endpoints = endpoints;
  with.timeout = std::chrono::nanoseconds{static_cast<std::int64_t>(timeout_seconds * 1e9)};
  return chosen();
}
