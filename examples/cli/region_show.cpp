#include "region.hpp"

#include "json.hpp"
#include "region_reply.hpp"
#include "report.hpp"
#include "table.hpp"

#include <iostream>

namespace cli {

using namespace tinykv;
namespace json = boost::json;

namespace {

std::string text(std::uint64_t number) { return std::to_string(number); }

std::string key_text(std::string const& key, char const* none, bool hex) { return key.empty() ? none : shown(key, hex); }

void print_text(settings const& with, wire::show_region_reply const& reply) {
  for (auto const& r : reply.regions) {
    std::cout << "region " << r.id.value << ": ";
    if (r.range)
      std::cout << "keys " << key_text(r.range->start, "(first)", with.hex) << " to " << key_text(r.range->end, "(last)", with.hex)
                << ", epoch " << r.range->epoch.conf_ver << "." << r.range->epoch.version << ", ";
    else
      std::cout << "as store " << reply.store.value << " sees it, which is " << printable(r.role) << ", ";
    std::cout << name_of(r.state) << "\n";
    std::cout << "leader: " << (r.leader == store_id{} ? "none known" : "store " + text(r.leader.value)) << ", term " << r.term.value
              << ", last entry " << r.last.value << ", committed " << r.commit.value << ", applied " << r.applied.value << "\n";
    std::cout << "members: version " << r.version << (r.changing ? ", being changed" : "") << "\n";
    table rows{{"STORE", "PEER", "ROLE", "ADDRESS", "STATE", "MATCH", "LAG"}};
    for (auto const& p : r.peers) {
      auto const known = !p.state.empty();
      auto const state = !known ? "-" : p.active ? p.state : p.state + ", silent";
      rows.add({text(p.peer.store.value), text(p.peer.peer.value), std::string{name_of(p.peer.role)}, p.address.empty() ? "-" : p.address,
                state, known ? text(p.match.value) : "-", known ? text(p.lag) : "-"});
    }
    std::cout << rows.text();
  }
  for (auto const left : reply.left) std::cout << "store " << reply.store.value << " was removed from region " << left.value << "\n";
  if (reply.regions.empty() && reply.left.empty()) std::cout << "store " << reply.store.value << " has no region\n";
}

void print_json(settings const& with, wire::show_region_reply const& reply) {
  for (auto const& r : reply.regions) {
    json::object out{{"region", r.id.value}, {"store", reply.store.value}};
    if (r.range) {
      add_bytes(out, "start", r.range->start, with.hex);
      add_bytes(out, "end", r.range->end, with.hex);
      out["epoch"] = {{"conf_ver", r.range->epoch.conf_ver}, {"version", r.range->epoch.version}};
    }
    out["state"] = text_of(name_of(r.state));
    add_bytes(out, "role", r.role);
    out.insert({{"term", r.term.value}, {"leader", r.leader.value}});
    add_bytes(out, "leader_address", r.leader_address);
    out.insert({{"version", r.version}, {"changing", r.changing}, {"last", r.last.value}, {"commit", r.commit.value},
                {"applied", r.applied.value}, {"peers", json_of(r.peers)}});
    std::cout << json_line(out);
  }
  for (auto const left : reply.left)
    std::cout << json_line({{"region", left.value}, {"store", reply.store.value}, {"state", text_of(name_of(region_state::tombstone))}});
}

}  // namespace

int region_show(settings const& with, region_arguments const& what) {
  session cluster{with};
  // Without --local a leader is asked for, which can also say how far the others are.
  auto const answer = what.local ? cluster.ask_admin_one(with.endpoints.front(), wire::show_region_request{group_id{0}, true})
                                 : cluster.ask_admin(wire::show_region_request{group_id{what.region}, false}, with.timeout);
  if (!answer) return complain(with, region_problem(answer.error(), false));
  auto const& reply = std::get<wire::show_region_reply>(*answer);
  if (with.json) print_json(with, reply);
  else print_text(with, reply);
  return printed(with);
}

}  // namespace cli
