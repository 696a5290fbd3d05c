#include "report.hpp"

#include "json.hpp"
#include "text.hpp"

#include <cstdio>
#include <iostream>

namespace cli {

using namespace tinykv;

namespace {

problem unwritable(outcome what, std::string before) {
  return {
      exit_refused, {what, error_code::io, 0, before + "cannot write to stdout"}, "is it closed, or its disk full?"};
}

}  // namespace

problem usage(std::string detail, std::string next) {
  return {exit_usage, rejected(error_code::invalid_argument, std::move(detail)), std::move(next)};
}

problem problem_of(wire::kv_refusal const& refusal, bool writes) {
  using enum error_code;
  auto why = refusal.reason;
  if (why.detail.empty()) why.detail = name_of(why.code);
  if (writes && (why.outcome == outcome::unknown || why.outcome == outcome::fatal)) {
    why.detail = "outcome unknown, the write may have been done or may still be: " + why.detail;
    return {exit_unknown, why, "look (tinykv get) before repeating it"};
  }
  if (why.code == not_leader) {
    why.detail = "the servers have no leader";
    return {exit_unreachable, why, "are more than half of them running? (tinykv status)"};
  }
  if (why.code == unreachable || why.outcome == outcome::unknown) {
    why.detail = "no answer: " + why.detail;
    return {exit_unreachable, why, "are the servers running, and named by --endpoints or TINYKV_ENDPOINTS?"};
  }
  why.detail = "refused: " + why.detail;
  if (why.code == busy) return {exit_unreachable, why, "try again later, with less at once"};
  if (why.code == stopped) return {exit_unreachable, why, "ask another server (--endpoints)"};
  if (why.code == foreign) return {exit_refused, why, "see --cluster-id and --endpoints"};
  if (why.code == version_mismatch)
    return {exit_refused, why, "use the tinykv of the servers' version (tinykv doctor)"};
  return {exit_refused, why, {}};
}

int complain(settings const& with, problem const& what) {
  auto const& why = what.why;
  if (with.json) {
    boost::json::object out{{"ok", false},
                            {"exit", static_cast<int>(what.exit)},
                            {"outcome", text_of(name_of(why.outcome))},
                            {"code", text_of(name_of(why.code))},
                            {"hint", why.hint}};
    add_bytes(out, "detail", why.detail);
    if (!what.next.empty()) add_bytes(out, "next", what.next);
    std::fputs(json_line(out).c_str(), stderr);
  } else {
    auto const line = why.detail + (what.next.empty() ? "" : "; " + what.next);
    std::fprintf(stderr, "tinykv: %s\n", printable(line).c_str());
  }
  return what.exit;
}

int complain(settings const& with, wire::kv_refusal const& why, bool writes) {
  return complain(with, problem_of(why, writes));
}

int printed(settings const& with) {
  if (std::cout.flush()) return exit_done;
  std::cout.clear();
  return complain(with, unwritable(outcome::rejected, ""));
}

int print_ok(settings const& with) {
  std::cout << (with.json ? "{\"ok\":true}\n" : "OK\n");
  if (std::cout.flush()) return exit_done;
  std::cout.clear();
  return complain(with, unwritable(outcome::conflict, "the write was done; "));
}

}  // namespace cli
