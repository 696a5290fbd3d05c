#include "json.hpp"
#include "pages.hpp"
#include "progress.hpp"
#include "records.hpp"
#include "verbs.hpp"

#include <fstream>
#include <iostream>

namespace cli {

using namespace tinykv;

namespace {

/// What is said once all is written: on stdout, unless the records stand there.
int say_done(settings const& with, export_arguments const& what, std::uint64_t records) {
  auto const line =
      with.json ? json_line({{"ok", true}, {"records", records}}) : std::to_string(records) + " records exported\n";
  if (what.file != "-") {
    std::cout << line;
    return printed(with);
  }
  if (with.json) std::fputs(line.c_str(), stderr);
  return exit_done;
}

}  // namespace

int export_file(settings const& with, export_arguments const& what) {
  auto const to_stdout = what.file == "-";
  auto const as = what.format ? *format_of(*what.format)
                              : format_for(what.file, with.json && to_stdout ? format::jsonl : format::lines);
  std::ofstream file;
  if (!to_stdout) file.open(what.file, std::ios::binary | std::ios::trunc);
  if (!file) return complain(with, usage("cannot write " + what.file, "is the path right, and may you use it?"));
  std::ostream& out = to_stdout ? std::cout : file;
  session cluster{with};
  wire::scan_request range;
  range.prefix = what.prefix;
  // One server gives all pages: each is at least as new as the one before.
  auto const& server = with.endpoints.front();
  auto const ask = [&](wire::scan_request const& page) { return cluster.ask_one(server, page); };
  progress shown{with, "exported"};
  std::uint64_t records = 0;
  out << heading(as, with.hex);
  auto const end = for_each_pair(ask, range, 0, [&](wire::kv_pair const& pair) {
    shown.show(records);
    ++records;
    return static_cast<bool>(out << written(as, with.hex, pair.key, pair.value));
  });
  shown.clear();
  auto const part =
      "; only the first " + std::to_string(records) + " records are in " + (to_stdout ? "the output" : what.file);
  if (!out.flush())
    return complain(
        with,
        {exit_refused, rejected(error_code::io, "cannot write all of " + std::string{to_stdout ? "stdout" : what.file}),
         "is the disk full?"});
  if (end.refused) {
    auto problem = problem_of(*end.refused, false);
    problem.why.detail += part;
    return complain(with, problem);
  }
  return say_done(with, what, records);
}

}  // namespace cli
