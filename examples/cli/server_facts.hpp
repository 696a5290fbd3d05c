#pragma once

#include <tinykv/core/result.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace cli {

/// What a server's GET /metrics says beside its counters. What it does not say is empty.
struct server_facts {
  std::optional<double> uptime_seconds;
  std::optional<double> log_batches;            ///< Written since it was started.
  std::map<std::string, std::string> versions;  ///< "version", "boost", "sqlite", "protobuf".
  std::optional<double> clock_seconds;          ///< Its wall clock when it made the page, since the Unix epoch.
  double asked_seconds = 0;                     ///< The wall clock of this machine before that,
  double answered_seconds = 0;                  ///< and behind it.
};

/// Reads the text format of Prometheus.
server_facts facts_of(std::string_view metrics);
/// Asks `endpoint`; else, in one line, why not.
tinykv::result<server_facts, std::string> ask_facts(std::string const& endpoint, std::chrono::nanoseconds timeout);

}  // namespace cli
