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
  if (status.groups.empty()) print_row({endpoint, text(status.store.value), "no group", "-", "-", "-", "-", status.version, problems});
  for (auto const& group : status.groups)
    print_row({endpoint, text(status.store.value), group.role, group.leader == store_id{} ? "none" : text(group.leader.value),
               text(group.term.value), text(group.commit.value), text(group.applied.value), status.version, problems});
}

void print_json(std::string const& endpoint, wire::status_reply const& status) {
  std::cout << "{" << json_member("endpoint", endpoint) << ",\"cluster\":" << status.cluster.value << ",\"store\":" << status.store.value
            << "," << json_member("uuid", status.uuid) << ",\"start_epoch\":" << status.start_epoch << "," << json_member("address", status.address)
            << "," << json_member("version", status.version) << ",\"groups\":[";
  for (char const* comma = ""; auto const& g : status.groups) {
    std::cout << comma << "{\"group\":" << g.group.value << "," << json_member("role", g.role) << ",\"term\":" << g.term.value
              << ",\"leader\":" << g.leader.value << ",\"first\":" << g.first.value << ",\"last\":" << g.last.value << ",\"durable\":"
              << g.durable.value << ",\"commit\":" << g.commit.value << ",\"applied\":" << g.applied.value << "}";
    comma = ",";
  }
  std::cout << "]," << json_member("problems", problems_of(status)) << "}" << std::endl;
}

}  // namespace

int status(settings const& with) {
  session cluster{with};
  int code = exit_done;
  if (!with.json) print_row({"ENDPOINT", "STORE", "ROLE", "LEADER", "TERM", "COMMIT", "APPLIED", "VERSION", "PROBLEMS"});
  for (auto const& endpoint : with.endpoints) {
    auto const answer = cluster.ask_one(endpoint, wire::status_request{});
    if (answer) {
      auto const& reply = std::get<wire::status_reply>(*answer);
      if (with.json) print_json(endpoint, reply);
      else print_table(endpoint, reply);
      if (reply.failed) code = std::max(code, static_cast<int>(exit_refused));
    } else {
      auto const& why = answer.error().reason.detail;
      if (with.json) std::cout << "{" << json_member("endpoint", endpoint) << "," << json_member("problems", why) << "}" << std::endl;
      else print_row({endpoint, "-", "unreachable", "-", "-", "-", "-", "-", why});
      code = exit_unreachable;
    }
  }
  return code;
}

}  // namespace cli
