#include "server_facts.hpp"

#include "http_page.hpp"

#include <charconv>

namespace cli {

namespace {

std::optional<double> number(std::string_view text) {
  double out = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  return problem == std::errc{} && end == text.data() + text.size() ? std::optional{out} : std::nullopt;
}

/// `a="b",c="d"`; values of ours hold no quotes.
std::map<std::string, std::string> labels_of(std::string_view text) {
  std::map<std::string, std::string> out;
  for (;;) {
    auto const begin = text.find("=\"");
    if (begin == std::string_view::npos) return out;
    auto const end = text.find('"', begin + 2);
    if (end == std::string_view::npos) return out;
    out.emplace(text.substr(0, begin), text.substr(begin + 2, end - begin - 2));
    text.remove_prefix(end + 1);
    if (text.starts_with(',')) text.remove_prefix(1);
  }
}

double seconds_since_epoch(std::chrono::system_clock::time_point when) {
  return std::chrono::duration<double>(when.time_since_epoch()).count();
}

}  // namespace

server_facts facts_of(std::string_view metrics) {
  constexpr std::string_view build_info = "tinykv_build_info{";
  server_facts out;
  std::optional<double> started;
  while (!metrics.empty()) {
    auto const line = metrics.substr(0, metrics.find('\n'));
    metrics.remove_prefix(std::min(metrics.size(), line.size() + 1));
    auto const space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string_view::npos) continue;
    auto const name = line.substr(0, space);
    auto const value = number(line.substr(space + 1));
    if (name == "process_start_time_seconds")
      started = value;
    else if (name == "tinykv_clock_seconds")
      out.clock_seconds = value;
    else if (name == "tinykv_log_commit_duration_seconds_count")
      out.log_batches = value;
    else if (name.starts_with(build_info))
      out.versions = labels_of(name.substr(build_info.size()));
  }
  if (started && out.clock_seconds) out.uptime_seconds = *out.clock_seconds - *started;
  return out;
}

tinykv::result<server_facts, std::string> ask_facts(std::string const& endpoint, std::chrono::nanoseconds timeout) {
  auto page = get_page(endpoint, "/metrics", timeout);
  if (!page) return tinykv::unexpected{std::move(page).error()};
  auto out = facts_of(page->body);
  out.asked_seconds = seconds_since_epoch(page->asked);
  out.answered_seconds = seconds_since_epoch(page->answered);
  return out;
}

}  // namespace cli
