#include "json.hpp"
#include "server_facts.hpp"
#include "table.hpp"
#include "text.hpp"
#include "verbs.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <iostream>
#include <set>

namespace cli {

using namespace tinykv;
namespace json = boost::json;

namespace {

/// What one endpoint answered.
struct endpoint_status {
  std::string endpoint;
  std::optional<wire::status_reply> status;  ///< Nothing: unreachable.
  std::string why_not;
  server_facts facts;
};

std::string text(std::uint64_t number) { return std::to_string(number); }
std::string text(std::optional<double> number) { return number ? text(static_cast<std::uint64_t>(*number)) : "-"; }

std::string duration_text(std::optional<double> seconds) {
  if (!seconds || *seconds < 0) return "-";
  auto const s = static_cast<std::uint64_t>(*seconds);
  if (s < 60) return text(s) + "s";
  if (s < 3600) return text(s / 60) + "m" + text(s % 60) + "s";
  if (s < 86400) return text(s / 3600) + "h" + text(s % 3600 / 60) + "m";
  return text(s / 86400) + "d" + text(s % 86400 / 3600) + "h";
}

/// One line for each thing that is wrong.
std::vector<std::string> problems_of(endpoint_status const& one) {
  if (!one.status) return {one.why_not};
  std::vector<std::string> out;
  if (one.status->failed) out.push_back("stopped: " + one.status->failed->detail);
  for (auto const& group : one.status->groups)
    if (group.fenced) out.push_back("group " + text(group.group.value) + " stopped: " + group.fenced->detail);
  for (auto const& refused : one.status->refused_by)
    out.push_back("refused by store " + text(refused.store.value) + ": " + refused.failure.detail);
  return out;
}

std::string leader_of(wire::group_status const& group) {
  return group.leader == store_id{} ? "none" : text(group.leader.value);
}

std::string_view name_of(peer_role role) {
  switch (role) {
    case peer_role::voter:
      return "voter";
    case peer_role::learner:
      return "learner";
    case peer_role::incoming:
      return "incoming";
    case peer_role::demoting:
      return "demoting";
  }
  return "unlisted";
}

/// "voters 1,2,3 learner 4", by store.
std::string members_of(wire::group_status const& group) {
  std::map<std::string, std::string> by_role;
  for (auto const& peer : group.peers) {
    auto& stores = by_role[std::string{name_of(peer.role)}];
    stores += (stores.empty() ? "" : ",") + text(peer.store.value);
  }
  std::string out;
  for (auto const& [role, stores] : by_role) out += (out.empty() ? "" : ", ") + role + " " + stores;
  return out;
}

void print_summary(std::vector<endpoint_status> const& all) {
  std::set<std::string> clusters;
  std::set<std::string> leaders;
  std::size_t answered = 0;
  for (auto const& one : all) {
    if (!one.status) continue;
    ++answered;
    clusters.insert(text(one.status->cluster.value));
    for (auto const& group : one.status->groups) leaders.insert(leader_of(group));
  }
  auto const only = [](std::set<std::string> const& of) {
    return of.empty() ? "unknown" : of.size() == 1 ? *of.begin() : std::string{"not agreed on"};
  };
  std::cout << "tinykv " TINYKV_VERSION ", cluster " << only(clusters) << ", " << answered << " of " << all.size()
            << " servers answer, leader store: " << only(leaders) << "\n";
}

void add_rows(table& out, endpoint_status const& one) {
  if (!one.status) return out.add({one.endpoint, "-", "unreachable", "-", "-", "-", "-", "-", "-", "-", "-"});
  auto const& s = *one.status;
  auto const add = [&](std::vector<std::string> of_group) {
    std::vector<std::string> row{one.endpoint, text(s.store.value)};
    row.insert(row.end(), of_group.begin(), of_group.end());
    row.insert(row.end(), {text(one.facts.log_batches), duration_text(one.facts.uptime_seconds), s.version});
    out.add(std::move(row));
  };
  if (s.groups.empty()) add({"no group", "-", "-", "-", "-", "-"});
  for (auto const& g : s.groups)
    add({g.role, leader_of(g), text(g.term.value), text(g.last.value), text(g.commit.value), text(g.applied.value)});
}

void print_text(std::vector<endpoint_status> const& all) {
  print_summary(all);
  table rows{
      {"ENDPOINT", "STORE", "ROLE", "LEADER", "TERM", "LAST", "COMMIT", "APPLIED", "BATCHES", "UPTIME", "VERSION"}};
  for (auto const& one : all) add_rows(rows, one);
  std::cout << rows.text();
  std::set<std::string> members;
  for (auto const& one : all)
    if (one.status)
      for (auto const& group : one.status->groups)
        members.insert("group " + text(group.group.value) + ": " + members_of(group));
  for (auto const& line : members) std::cout << line << "\n";
  for (auto const& one : all)
    for (auto const& line : problems_of(one)) std::cout << one.endpoint << ": " << printable(line) << "\n";
}

json::object json_of(wire::group_status const& g) {
  json::array peers;
  for (auto const& peer : g.peers)
    peers.push_back({{"peer", peer.peer.value}, {"store", peer.store.value}, {"role", text_of(name_of(peer.role))}});
  json::object out{{"group", g.group.value}};
  add_bytes(out, "role", g.role);
  out.insert({{"term", g.term.value},
              {"leader", g.leader.value},
              {"first", g.first.value},
              {"last", g.last.value},
              {"durable", g.durable.value},
              {"commit", g.commit.value},
              {"applied", g.applied.value},
              {"peers", peers}});
  return out;
}

json::object json_of(endpoint_status const& one) {
  json::object out{{"endpoint", one.endpoint}, {"reachable", one.status.has_value()}};
  if (one.status) {
    auto const& s = *one.status;
    out.insert({{"cluster", s.cluster.value}, {"store", s.store.value}, {"start_epoch", s.start_epoch}});
    add_bytes(out, "uuid", s.uuid);
    add_bytes(out, "address", s.address);
    add_bytes(out, "version", s.version);
    if (one.facts.log_batches) out["log_batches"] = static_cast<std::uint64_t>(*one.facts.log_batches);
    if (one.facts.uptime_seconds) out["uptime_seconds"] = static_cast<std::int64_t>(*one.facts.uptime_seconds);
    json::array groups;
    for (auto const& group : s.groups) groups.push_back(json_of(group));
    out["groups"] = groups;
  }
  json::array problems;
  for (auto const& line : problems_of(one)) problems.push_back(text_of(printable(line)));
  out["problems"] = problems;
  return out;
}

/// Asks all at once: one that is silent costs its time once.
std::vector<endpoint_status> ask_all(settings const& with) {
  session cluster{with};
  std::vector<endpoint_status> all;
  for (auto const& endpoint : with.endpoints) all.push_back({endpoint, {}, {}, {}});
  auto waiting = all.size();
  for (auto& one : all)
    cluster.start_one(one.endpoint, wire::status_request{}, [&](wire::kv_answer answer) {
      --waiting;
      if (answer)
        one.status = std::get<wire::status_reply>(std::move(*answer));
      else
        one.why_not = answer.error().reason.detail;
    });
  cluster.run_while([&] { return waiting > 0; });
  for (auto& one : all) {
    if (!one.status) continue;
    if (auto facts = ask_facts(one.endpoint, with.timeout)) one.facts = std::move(*facts);
  }
  return all;
}

}  // namespace

int status(settings const& with) {
  auto const all = ask_all(with);
  if (with.json)
    for (auto const& one : all) std::cout << json_line(json_of(one));
  else
    print_text(all);
  if (auto const code = printed(with); code != exit_done) return code;
  int code = exit_done;
  for (auto const& one : all)
    code = std::max<int>(code, !one.status ? exit_unreachable : one.status->failed ? exit_refused : exit_done);
  return code;
}

}  // namespace cli
