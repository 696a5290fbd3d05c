#include "doctor.hpp"

#include "server_facts.hpp"

#include <google/protobuf/stubs/common.h>
#include <boost/version.hpp>

#include <cstdio>

namespace cli {

using namespace tinykv;

namespace {

constexpr double clock_apart_seconds = 0.5;

std::string milliseconds(double seconds) {
  char out[32];
  std::snprintf(out, sizeof out, "%.3f ms", seconds * 1000);
  return out;
}

std::string boost_version() {
  return std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." +
         std::to_string(BOOST_VERSION % 100);
}

/// The server's clock was read between asking and its answer: more cannot be known.
finding clock_of(std::string const& endpoint, server_facts const& facts) {
  auto const low = *facts.clock_seconds - facts.answered_seconds;
  auto const high = *facts.clock_seconds - facts.asked_seconds;
  auto const text = "the clock of " + endpoint + " is between " + milliseconds(low) + " and " + milliseconds(high) +
                    " ahead of this one";
  auto const certainly = low > 0 ? low : high < 0 ? -high : 0;
  if (certainly > clock_apart_seconds)
    return {health::warn, "clock", text, "set both by NTP: log files will not fit together"};
  return {health::ok, "clock", text};
}

void look_at_pages(settings const& with, std::string const& endpoint, findings& out) {
  auto const facts = ask_facts(endpoint, with.timeout);
  if (!facts) {
    out.push_back(
        {health::warn, "version", endpoint + " gives no page /metrics: " + facts.error(), "is a proxy in between?"});
    return;
  }
  std::string made_of;
  for (auto const& name : {"boost", "sqlite", "protobuf"})
    if (auto const found = facts->versions.find(name); found != facts->versions.end())
      made_of += (made_of.empty() ? "" : ", ") + std::string{name} + " " + found->second;
  if (!made_of.empty()) out.push_back({health::ok, "version", endpoint + " has " + made_of});
  if (facts->clock_seconds) out.push_back(clock_of(endpoint, *facts));
}

finding version_of(std::string const& endpoint, std::string const& version) {
  if (version == TINYKV_VERSION) return {health::ok, "version", endpoint + " is tinykv " + version};
  return {health::warn, "version", endpoint + " is tinykv " + version + ", this is " TINYKV_VERSION,
          "use one version, servers first, one at a time"};
}

void look_at(settings const& with, session& cluster, std::string const& endpoint, findings& out) {
  auto const answer = cluster.ask_one(endpoint, wire::status_request{});
  if (!answer) {
    // Nobody named it: on a machine where no server runs yet, that is no fault.
    auto const level = with.endpoints_given ? health::fail : health::warn;
    out.push_back({level, "port", endpoint + " does not answer: " + answer.error().reason.detail,
                   "start the server, or name others by --endpoints or TINYKV_ENDPOINTS"});
    return;
  }
  auto const& status = std::get<wire::status_reply>(*answer);
  out.push_back({health::ok, "port",
                 endpoint + " answers: store " + std::to_string(status.store.value) + " of cluster " +
                     std::to_string(status.cluster.value)});
  if (status.failed)
    out.push_back({health::fail, "port", endpoint + " has stopped serving: " + status.failed->detail, "see its log"});
  for (auto const& refused : status.refused_by)
    out.push_back(
        {health::fail, "port",
         endpoint + " is refused by store " + std::to_string(refused.store.value) + ": " + refused.failure.detail,
         "start it with its own directory, or as a new store under a new id"});
  out.push_back(version_of(endpoint, status.version));
  look_at_pages(with, endpoint, out);
}

}  // namespace

findings look_at_servers(settings const& with) {
  findings out;
  out.push_back({health::ok, "version",
                 "this is tinykv " TINYKV_VERSION " with boost " + boost_version() + ", protobuf " +
                     google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION)});
  session cluster{with};
  for (auto const& endpoint : with.endpoints) look_at(with, cluster, endpoint, out);
  return out;
}

}  // namespace cli
