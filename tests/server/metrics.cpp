#include <tinykv/server/metrics.hpp>

#include "support/catch.hpp"

#include <set>
#include <sstream>

using namespace tinykv;
using policy::event_kind;

namespace {

std::string text_of(server::prometheus const& metrics) {
  server::exposition out;
  metrics.write(out);
  return out.text();
}
bool has_line(std::string const& text, std::string const& line) { return ("\n" + text).find("\n" + line + "\n") != std::string::npos; }

policy::event about(event_kind kind, std::uint64_t value = 0, std::uint64_t who = 0) {
  return {kind, group_id{1}, term{7}, log_index{9}, who, value};
}

}  // namespace

TEST_CASE("events become counters, gauges and histograms", "[server][metrics]") {
  server::prometheus metrics;
  auto told = metrics;  // what the store is given
  told.on(about(event_kind::started, 3));
  told.on(about(event_kind::role_changed, 0, 2));
  told.on(about(event_kind::role_changed, 3, 1));
  told.on(about(event_kind::role_changed, 3, 1));  // the same leader again is no change
  for (int i = 0; i < 5; ++i) told.on(about(event_kind::proposal_accepted));
  told.on(about(event_kind::proposal_answered, 0));
  told.on(about(event_kind::proposal_answered, 2));
  told.on(about(event_kind::proposal_refused, 3));
  told.on(about(event_kind::applied, 4));
  told.on(about(event_kind::log_batch_written, 100'000));
  told.on(about(event_kind::log_batch_written, 100'001));
  metrics.request_answered("raw_put", 60'000'000'000);
  auto const text = text_of(metrics);
  for (auto const* line :
       {"tinykv_start_epoch 3", "tinykv_has_leader{group=\"1\"} 1", "tinykv_is_leader{group=\"1\"} 1", "tinykv_raft_term{group=\"1\"} 7",
        "tinykv_leader_changes_seen_total{group=\"1\"} 2", "tinykv_applied_index{group=\"1\"} 9",
        "tinykv_commands_applied_total{group=\"1\"} 4", "tinykv_proposals_accepted_total 5", "tinykv_proposals_applied_total 1",
        "tinykv_proposals_failed_total{outcome=\"unknown\"} 1", "tinykv_proposals_refused_total{code=\"busy\"} 1",
        "tinykv_proposals_pending 3", "tinykv_log_commit_duration_seconds_bucket{le=\"0.00005\"} 0",
        "tinykv_log_commit_duration_seconds_bucket{le=\"0.0001\"} 1", "tinykv_log_commit_duration_seconds_bucket{le=\"0.00025\"} 2",
        "tinykv_log_commit_duration_seconds_bucket{le=\"+Inf\"} 2", "tinykv_log_commit_duration_seconds_sum 0.000200001",
        "tinykv_log_commit_duration_seconds_count 2", "tinykv_request_duration_seconds_bucket{method=\"raw_put\",le=\"10\"} 0",
        "tinykv_request_duration_seconds_bucket{method=\"raw_put\",le=\"+Inf\"} 1",
        "tinykv_request_duration_seconds_sum{method=\"raw_put\"} 60"}) {
    INFO(line);
    CHECK(has_line(text, line));
  }
}

TEST_CASE("each family is announced once, has the prefix, and counters end in _total", "[server][metrics]") {
  server::prometheus metrics;
  metrics.on(about(event_kind::role_changed, 3, 1));
  std::istringstream lines{text_of(metrics)};
  std::set<std::string> announced;
  std::string line;
  std::string helped;
  while (std::getline(lines, line)) {
    std::istringstream words{line};
    std::string hash, what, name, type;
    if (line.starts_with("# HELP ")) {
      words >> hash >> what >> helped;
    } else if (line.starts_with("# TYPE ")) {
      words >> hash >> what >> name >> type;
      CHECK(name == helped);
      CHECK(announced.insert(name).second);
      CHECK(name.starts_with("tinykv_"));
      CHECK((type == "counter") == name.ends_with("_total"));
    } else {
      CHECK(line.starts_with(helped));
    }
  }
  CHECK(announced.size() > 10);
}

TEST_CASE("seconds are written without exponent and without loss", "[server][metrics]") {
  CHECK(server::seconds_text(0) == "0");
  CHECK(server::seconds_text(1) == "0.000000001");
  CHECK(server::seconds_text(1'500'000'000) == "1.5");
  CHECK(server::seconds_text(18'446'744'073'709'551'615ULL) == "18446744073.709551615");
}
