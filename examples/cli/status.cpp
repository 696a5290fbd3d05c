#include "text.hpp"
#include "verbs.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace cli {

using namespace tinykv;

namespace {

void print_row(std::vector<std::string> const& cells) {
  static constexpr int widths[] = {21, 5, 13, 6, 6, 10, 10, 9, 0};
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    auto const width = static_cast<std::size_t>(widths[i]);
    if (i + 1 < cells.size()) line.append(cells[i].size() < width ? width - cells[i].size() + 1 : 1, ' ');
  }
  std::puts(line.c_str());
}

std::string text(std::uint64_t number) { return std::to_string(number); }

std::string problems_of(wire::status_reply const& status) {
  std::string out;
  auto const add = [&](std::string const& line) { out += (out.empty() ? "" : "; ") + line; };
  if (status.failed) add("stopped: " + status.failed->detail);
  for (auto const& group : status.groups)
    if (group.fenced) add("group " + text(group.group.value) + " stopped: " + group.fenced->detail);
  for (auto const& refused : status.refused_by)
    add("refused by store " + text(refused.store.value) + ": " + refused.failure.detail);
  return out;
}

void print_table(std::string const& endpoint, wire::status_reply const& status) {
  auto const problems = problems_of(status);
  auto const store = text(status.store.value);
  if (status.groups.empty()) print_row({endpoint, store, "no group", "-", "-", "-", "-", status.version, problems});
  for (auto const& group : status.groups) {
    auto const leader = group.leader == store_id{} ? "none" : text(group.leader.value);
    print_row({endpoint, store, group.role, leader, text(group.term.value), text(group.commit.value),
               text(group.applied.value), status.version, problems});
  }
}

std::string member(std::string_view name, std::uint64_t number) { return json_string(name) + ":" + text(number); }

std::string json_of(wire::group_status const& g) {
  return "{" + member("group", g.group.value) + "," + json_member("role", g.role) + "," + member("term", g.term.value) + "," +
         member("leader", g.leader.value) + "," + member("first", g.first.value) + "," + member("last", g.last.value) + "," +
         member("durable", g.durable.value) + "," + member("commit", g.commit.value) + "," +
         member("applied", g.applied.value) + "}";
}

void print_json(std::string const& endpoint, wire::status_reply const& status) {
  std::string groups;
  for (auto const& group : status.groups) groups += (groups.empty() ? "" : ",") + json_of(group);
  std::cout << "{" << json_member("endpoint", endpoint) << "," << member("cluster", status.cluster.value) << ","
            << member("store", status.store.value) << "," << json_member("uuid", status.uuid) << ","
            << member("start_epoch", status.start_epoch) << "," << json_member("address", status.address) << ","
            << json_member("version", status.version) << ",\"groups\":[" << groups << "],"
            << json_member("problems", problems_of(status)) << "}\n";
}

void print_unreachable(settings const& with, std::string const& endpoint, std::string const& why) {
  if (with.json) std::cout << "{" << json_member("endpoint", endpoint) << "," << json_member("problems", why) << "}\n";
  else print_row({endpoint, "-", "unreachable", "-", "-", "-", "-", "-", why});
}

}  // namespace

int status(settings const& with) {
  session cluster{with};
  int code = exit_done;
  if (!with.json)
    print_row({"ENDPOINT", "STORE", "ROLE", "LEADER", "TERM", "COMMIT", "APPLIED", "VERSION", "PROBLEMS"});
  for (auto const& endpoint : with.endpoints) {
    auto const answer = cluster.ask_one(endpoint, wire::status_request{});
    if (answer) {
      auto const& reply = std::get<wire::status_reply>(*answer);
      if (with.json) print_json(endpoint, reply);
      else print_table(endpoint, reply);
      if (reply.failed) code = std::max(code, static_cast<int>(exit_refused));
    } else {
      print_unreachable(with, endpoint, answer.error().reason.detail);
      code = exit_unreachable;
    }
  }
  return code;
}

}  // namespace cli
