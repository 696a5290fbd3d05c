#include "region.hpp"

#include "json.hpp"
#include "region_reply.hpp"
#include "report.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>

// A change of members takes as long as a store needs to catch up; what it is at is told on stderr meanwhile.

namespace cli {

using namespace tinykv;
namespace json = boost::json;

namespace {

std::string members_text(std::vector<wire::peer_report> const& peers) {
  std::string out;
  for (auto const& p : peers)
    out += (out.empty() ? "" : ", ") + std::string{"store "} + std::to_string(p.peer.store.value) + " " + std::string{name_of(p.peer.role)};
  return out;
}

/// What the leader says of the store whose peer comes or goes.
std::string stage_of(wire::region_report const& region, store_id store) {
  for (auto const& p : region.peers) {
    if (p.peer.store != store) continue;
    auto out = "store " + std::to_string(store.value) + " is " + std::string{name_of(p.peer.role)};
    if (p.state == "snapshot") out += ", receives a snapshot";
    else if (p.state == "leader") out += ", leads";
    else if (!p.active) out += ", does not answer";
    else if (p.lag > 0) out += ", catches up";
    return out + (region.changing ? "; members are being changed" : "");
  }
  return "store " + std::to_string(store.value) + " is no member";
}

/// Looks at the region from time to time while a change is made, and says on stderr when it looks otherwise.
class watcher {
 public:
  watcher(settings const& with, session& cluster, region_arguments const& what) : with_(with), cluster_(cluster), what_(what) {}

  void look() {
    auto const now = std::chrono::steady_clock::now();
    if (asking_ || with_.json || now < next_) return;
    next_ = now + std::chrono::milliseconds{300};
    asking_ = true;
    cluster_.start_admin(wire::show_region_request{group_id{what_.region}, false}, std::chrono::milliseconds{500},
                         [this](wire::admin_answer answer) {
                           asking_ = false;
                           if (answer) say(stage_of(std::get<wire::show_region_reply>(*answer).regions.at(0), store_id{what_.store}));
                         });
  }
  bool asking() const { return asking_; }

 private:
  void say(std::string stage) {
    if (stage == said_) return;
    said_ = std::move(stage);
    std::fprintf(stderr, "%s\n", printable(said_).c_str());
  }

  settings const& with_;
  session& cluster_;
  region_arguments const& what_;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::milliseconds{300};
  bool asking_ = false;
  std::string said_;
};

int change(settings const& with, region_arguments const& what, wire::admin_request const& request) {
  session cluster{with};
  watcher eyes{with, cluster, what};
  std::optional<wire::admin_answer> got;
  auto const patience = std::chrono::nanoseconds{static_cast<std::int64_t>(what.wait_seconds * 1e9)};
  cluster.start_admin(request, patience, [&](wire::admin_answer answer) { got = std::move(answer); });
  // An own timer wakes it, since a change may be silent for long.
  cluster.run_while(std::chrono::milliseconds{100}, [&] {
    if (!got) eyes.look();
    return !got || eyes.asking();
  });
  if (!*got) return complain(with, region_problem(got->error(), true));
  auto const& reply = std::get<wire::members_reply>(**got);
  if (with.json)
    std::cout << json_line({{"ok", true}, {"region", what.region}, {"version", reply.version}, {"peers", json_of(reply.peers)}});
  else
    std::cout << "OK, members of region " << what.region << ": " << members_text(reply.peers) << "\n";
  return printed(with);
}

}  // namespace

int region_add_peer(settings const& with, region_arguments const& what) {
  auto const colon = what.address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == what.address.size())
    return complain(with, usage("the address is '" + what.address + "'", "it must be like host4:20160"));
  return change(with, what, wire::add_peer_request{group_id{what.region}, peer_id{what.peer}, store_id{what.store}, what.address, what.learner});
}

int region_remove_peer(settings const& with, region_arguments const& what) {
  return change(with, what, wire::remove_peer_request{group_id{what.region}, {{}, store_id{what.store}}});
}

int region_transfer(settings const& with, region_arguments const& what) {
  session cluster{with};
  auto const answer = cluster.ask_admin(wire::transfer_request{group_id{what.region}, {{}, store_id{what.store}}}, with.timeout);
  if (!answer) return complain(with, region_problem(answer.error(), true));
  auto const leader = std::get<wire::transfer_reply>(*answer).leader.value;
  if (with.json) std::cout << json_line({{"ok", true}, {"region", what.region}, {"leader", leader}});
  else std::cout << "OK, store " << leader << " leads region " << what.region << "\n";
  return printed(with);
}

}  // namespace cli
