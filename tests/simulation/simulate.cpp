// Runs seeds of the simulated cluster; see scripts/simulate --help and docs/testing.md.

#include <tinykv/testing/trial.hpp>

#include "kv.hpp"
#include "registers.hpp"

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <unistd.h>

namespace testing = tinykv::testing;
namespace sim = tinykv::sim;

namespace {

struct with_registers : tinykv::defaults {
  using machine = registers;
  using snapshots = sim::disk_snapshots;
};
struct with_kv : tinykv::defaults {
  using machine = digested_kv<sim::disk_kv>;
  using snapshots = sim::disk_snapshots;
};

/// Every third seed runs the key/value machine over an engine that loses what was not synced.
testing::trial_result run(std::uint64_t seed) {
  auto plan = testing::draw_plan(seed);
  if (seed % 3 != 0) return testing::run_trial<with_registers>(plan, draw_command);
  plan.cluster.store.first_group.start = tinykv::kv::first_position;
  return testing::run_trial<with_kv>(plan, draw_kv_command, [of = plan.cluster](sim::world& in, tinykv::store_id store) {
    return open_kv(in, store, of);
  });
}

struct arguments {
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  double minutes = 0;
  std::optional<std::uint64_t> seed;
  bool quiet = false;
  std::size_t lines = 60;
};

constexpr char usage[] =
    "usage: simulate [--seed S | --from S] [--seeds N | --minutes M] [--quiet] [--lines N]\n"
    "\n"
    "Runs whole clusters in virtual time, under faults that each seed draws for itself, and checks the invariants of\n"
    "docs/reference/faults_and_invariants.md at every step. The same seed does the same, everywhere.\n"
    "\n"
    "  --seed S     one seed\n"
    "  --from S     the first of several seeds (1)\n"
    "  --seeds N    how many (100)\n"
    "  --minutes M  until the time is over, instead\n"
    "  --quiet      no line per seed\n"
    "  --lines N    how much of the trace is shown after a violation (60)\n"
    "\n"
    "Exit code 0: nothing found; 1: a violation; 2: wrong usage.\n";

[[noreturn]] void refuse(std::string const& why) {
  std::fprintf(stderr, "simulate: %s; see --help\n", why.c_str());
  std::exit(2);
}

std::uint64_t number(std::string_view option, char const* text) {
  char* end = nullptr;
  auto const value = text == nullptr ? 0 : std::strtoull(text, &end, 10);
  if (text == nullptr || *text == '\0' || *text == '-' || *end != '\0') refuse(std::string{option} + " needs a number");
  return value;
}

arguments parse(int argc, char** argv) {
  arguments out;
  for (int i = 1; i < argc; ++i) {
    std::string_view const option = argv[i];
    auto const value = [&] { return number(option, i + 1 < argc ? argv[++i] : nullptr); };
    if (option == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    } else if (option == "--seed") out.seed = value();
    else if (option == "--from") out.from = value();
    else if (option == "--seeds") out.seeds = value();
    else if (option == "--lines") out.lines = static_cast<std::size_t>(value());
    else if (option == "--quiet") out.quiet = true;
    else if (option == "--minutes") {
      char* end = nullptr;
      out.minutes = i + 1 < argc ? std::strtod(argv[++i], &end) : 0;
      if (end == nullptr || *end != '\0' || !(out.minutes > 0)) refuse("--minutes needs a positive number");
    } else refuse("unknown option " + std::string{option});
  }
  return out;
}

char const* kind_name(std::uint64_t kind) {
  static constexpr char const* names[] = {"?",           "pre_vote_request", "pre_vote_reply", "vote_request", "vote_reply", "append",
                                          "append_reply", "heartbeat",        "heartbeat_reply", "read_request", "read_reply",   "timeout_now",
                                          "removed"};
  return kind < std::size(names) ? names[kind] : "?";
}

void print(sim::trace_line const& line) {
  auto const& v = line.values;
  std::printf("  %12.6f ms  %-10s ", static_cast<double>(line.at.since_start.count()) / 1e6, std::string{sim::name_of(line.what)}.c_str());
  switch (line.what) {
    case sim::occurrence::send:
    case sim::occurrence::deliver:
      std::printf("%" PRIu64 " -> %" PRIu64 " %s term %" PRIu64 " index %" PRIu64 " commit %" PRIu64 "\n", v[0], v[1], kind_name(v[2]), v[3], v[4], v[5]);
      break;
    case sim::occurrence::persist:
      std::printf("store %" PRIu64 " term %" PRIu64 " vote %" PRIu64 " commit %" PRIu64, v[0], v[2], v[3], v[4]);
      if ((v[5] & 0xffffffffU) != 0) std::printf(" entries %" PRIu64 " + %" PRIu64, v[5] >> 32, v[5] & 0xffffffffU);
      std::printf("\n");
      break;
    case sim::occurrence::call:
      std::printf("client %" PRIu64 " call %" PRIu64 " %s at store %" PRIu64 "\n", v[0], v[1], v[2] != 0 ? "writes" : "reads", v[3]);
      break;
    case sim::occurrence::answer:
      std::printf("client %" PRIu64 " call %" PRIu64 " %s index %" PRIu64 "\n", v[0], v[1],
                  v[2] == 0 ? "ok" : std::string{tinykv::name_of(static_cast<tinykv::outcome>(v[2]))}.c_str(), v[3]);
      break;
    default: std::printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", v[0], v[1], v[2], v[3], v[4], v[5]);
  }
}

void report(testing::trial_result const& failed, std::size_t lines) {
  auto const shown = std::min(lines, failed.last.size());
  std::printf("\nseed %" PRIu64 " (%s): the last %zu events\n", failed.seed, failed.plan.c_str(), shown);
  for (auto i = failed.last.size() - shown; i < failed.last.size(); ++i) print(failed.last[i]);
  std::printf("\nseed %" PRIu64 " broke:\n", failed.seed);
  for (auto const& each : failed.violations) std::printf("  %s: %s\n", each.invariant.c_str(), each.text.c_str());
  std::printf("replay: scripts/simulate --seed %" PRIu64 "\n", failed.seed);
}

std::uint64_t running = 0;  // for the handler below, which gets no context

void check_failed(char const* what, char const* file, int line) {
  std::printf("\nseed %" PRIu64 " broke an assumption: %s (%s:%d)\nreplay: scripts/simulate --seed %" PRIu64 "\n", running, what, file, line, running);
  std::fflush(stdout);
  std::_Exit(1);
}

// A situation that is never reached is a defect of the simulation (docs/reference/faults_and_invariants.md, section 1).
void summarise(testing::situations const& reached) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(testing::situation::kinds); ++i) {
    auto const which = static_cast<testing::situation>(i);
    std::printf("  %10" PRIu64 "  %s\n", reached.of(which), std::string{testing::name_of(which)}.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  auto const asked = parse(argc, argv);
  tinykv::set_check_handler(check_failed);
  auto const begin = std::chrono::steady_clock::now();
  auto const elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  auto const first = asked.seed.value_or(asked.from);
  auto const count = asked.seed ? 1 : asked.minutes > 0 ? ~std::uint64_t{0} : asked.seeds;
  auto const progress = asked.quiet && isatty(STDOUT_FILENO) != 0;

  testing::situations reached;
  std::uint64_t done = 0;
  std::uint64_t events = 0;
  for (; done < count && (asked.minutes <= 0 || elapsed() < asked.minutes * 60); ++done) {
    running = first + done;
    auto const result = run(running);
    reached.add(result.reached);
    events += result.events;
    if (!result.violations.empty()) {
      report(result, asked.lines);
      return 1;
    }
    if (!asked.quiet) std::printf("seed %" PRIu64 " trace %016" PRIx64 "\n", running, result.trace);
    if (progress && done % 10 == 0) std::printf("\r%" PRIu64 " seeds, %.0f s", done + 1, elapsed()), std::fflush(stdout);
  }
  if (asked.seed) return 0;
  std::printf("%s%" PRIu64 " seeds passed in %.1f s, %" PRIu64 " events; reached:\n", progress ? "\r" : "", done, elapsed(), events);
  summarise(reached);
  return 0;
}
