#pragma once

#include "json.hpp"
#include "report.hpp"
#include "text.hpp"

#include <tinykv/wire/admin_values.hpp>

#include <boost/json/array.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace cli {

constexpr std::string_view name_of(tinykv::peer_role role) {
  switch (role) {
    case tinykv::peer_role::voter: return "voter";
    case tinykv::peer_role::learner: return "learner";
    case tinykv::peer_role::incoming: return "incoming";
    case tinykv::peer_role::demoting: return "demoting";
  }
  return "unlisted";
}
constexpr std::string_view name_of(tinykv::region_state state) {
  switch (state) {
    case tinykv::region_state::normal: return "normal";
    case tinykv::region_state::applying: return "applying a snapshot";
    case tinykv::region_state::tombstone: return "removed";
    case tinykv::region_state::merging: return "merging";
  }
  return "unlisted";
}

inline boost::json::array json_of(std::vector<tinykv::wire::peer_report> const& peers) {
  boost::json::array out;
  for (auto const& p : peers) {
    boost::json::object one{{"store", p.peer.store.value}, {"peer", p.peer.peer.value}, {"role", text_of(name_of(p.peer.role))}};
    add_bytes(one, "address", p.address);
    if (!p.state.empty()) {
      add_bytes(one, "state", p.state);
      one.insert({{"match", p.match.value}, {"lag", p.lag}, {"active", p.active}});
    }
    out.push_back(std::move(one));
  }
  return out;
}

/// What a refusal means to one who runs a cluster. `changes`: something may have been changed all the same.
inline problem region_problem(tinykv::wire::kv_refusal const& refusal, bool changes) {
  auto out = problem_of(refusal, changes);
  if (out.exit == exit_unknown) {
    out.why.detail = "outcome unknown, the change may have been made or may go on: " + refusal.reason.detail;
    out.next = "look (tinykv region show), then repeat it: that does no harm";
  }
  if (refusal.reason.code == tinykv::error_code::not_leader && !changes) out.next += "; what one server sees: tinykv region show --local";
  return out;
}

}  // namespace cli
