#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/core/failure.hpp>
#include <tinykv/raft/values/ready.hpp>
#include <tinykv/server/metrics.hpp>

#include <array>
#include <cstdint>
#include <map>

namespace tinykv::server {

struct prometheus::counts {
  struct group {
    raft::role role = raft::role::follower;
    std::uint64_t leader = 0;
    std::uint64_t term = 0;
    std::uint64_t applied = 0;
    std::uint64_t leader_changes = 0;
    std::uint64_t commands_applied = 0;
    std::uint64_t members_version = 0;
  };

  std::map<group_id, group> groups;
  std::map<std::uint64_t, std::uint64_t> refused;  // by error_code
  std::array<std::uint64_t, 5> answered{};         // by outcome; 0 = done
  std::map<std::string, duration_histogram, std::less<>> requests;
  duration_histogram log_commit;
  std::uint64_t start_epoch = 0;
  std::uint64_t accepted = 0;
  std::uint64_t reads = 0;
  std::uint64_t dropped = 0;
  std::uint64_t greetings_refused = 0;
  std::uint64_t refused_by = 0;
  std::uint64_t disk_stalls = 0;
  std::uint64_t peers_added = 0;
  std::uint64_t peers_removed = 0;
  std::uint64_t fenced = 0;

  void role_changed(policy::event const& what) {
    auto& g = groups[what.group];
    if (what.who != 0 && what.who != g.leader) ++g.leader_changes;
    g.leader = what.who;
    g.role = static_cast<raft::role>(what.value);
    g.term = what.term.value;
  }

  void count(policy::event const& what) {
    using enum policy::event_kind;
    switch (what.kind) {
      case started: start_epoch = what.value; break;
      case stopped: break;
      case role_changed: this->role_changed(what); break;
      case log_batch_written: log_commit.add(what.value); break;
      case applied:
        groups[what.group].applied = what.index.value;
        groups[what.group].commands_applied += what.value;
        break;
      case proposal_accepted: ++accepted; break;
      case proposal_refused: ++refused[what.value]; break;
      case proposal_answered: ++answered[what.value < answered.size() ? what.value : 0]; break;
      case read_answered: ++reads; break;
      case mail_dropped: dropped += what.value; break;
      case greeting_refused: ++greetings_refused; break;
      case policy::event_kind::refused_by: ++this->refused_by; break;
      case disk_stalled: ++disk_stalls; break;
      case members_changed: groups[what.group].members_version = what.value; break;
      case peer_added: ++peers_added; break;
      case peer_removed:
        ++peers_removed;
        groups.erase(what.group);  // its last figures would be taken for those of a member
        break;
      case policy::event_kind::fenced: ++this->fenced; break;
    }
  }

  std::uint64_t pending() const {
    std::uint64_t done = 0;
    for (auto const n : answered) done += n;
    return accepted > done ? accepted - done : 0;
  }

  template <class Value>
  void per_group(exposition& out, Value value) const {
    for (auto const& [id, g] : groups)
      out.sample("group=\"" + std::to_string(id.value) + "\"", static_cast<std::uint64_t>(value(g)));
  }

  void write_groups(exposition& out) const {
    out.gauge("tinykv_has_leader", "1 if the group knows a leader.");
    per_group(out, [](group const& g) { return g.leader != 0; });
    out.gauge("tinykv_is_leader", "1 if this store leads the group.");
    per_group(out, [](group const& g) { return g.role == raft::role::leader; });
    out.gauge("tinykv_raft_term", "Raft term of the group.");
    per_group(out, [](group const& g) { return g.term; });
    out.counter("tinykv_leader_changes_seen_total", "Leaders that this store has seen come.");
    per_group(out, [](group const& g) { return g.leader_changes; });
    out.gauge("tinykv_members_version", "Version of the configuration in force, since it last changed here.");
    per_group(out, [](group const& g) { return g.members_version; });
    out.gauge("tinykv_applied_index", "Index up to which the log is in the state machine.");
    per_group(out, [](group const& g) { return g.applied; });
    out.counter("tinykv_commands_applied_total", "Commands applied to the state machine.");
    per_group(out, [](group const& g) { return g.commands_applied; });
  }

  void write_proposals(exposition& out) const {
    out.counter("tinykv_proposals_accepted_total", "Commands that entered the log of this leader.");
    out.sample({}, accepted);
    out.counter("tinykv_proposals_refused_total", "Commands refused before they entered a log.");
    for (auto const& [code, n] : refused)
      out.sample("code=\"" + std::string{name_of(static_cast<error_code>(code))} + "\"", n);
    out.counter("tinykv_proposals_applied_total", "Commands accepted here and answered after they were applied.");
    out.sample({}, answered[0]);
    out.counter("tinykv_proposals_failed_total", "Commands accepted here and answered otherwise.");
    for (std::size_t i = 1; i < answered.size(); ++i)
      out.sample("outcome=\"" + std::string{name_of(static_cast<outcome>(i))} + "\"", answered[i]);
    out.gauge("tinykv_proposals_pending", "Commands accepted here and not answered yet.");
    out.sample({}, pending());
  }

};

TINYKV_DECL prometheus::prometheus() : counts_(std::make_shared<counts>()) {}

TINYKV_DECL void prometheus::on(policy::event const& what) noexcept { counts_->count(what); }

TINYKV_DECL void prometheus::request_answered(std::string_view method, std::uint64_t nanoseconds) noexcept {
  auto place = counts_->requests.find(method);
  if (place == counts_->requests.end()) place = counts_->requests.emplace(method, duration_histogram{}).first;
  place->second.add(nanoseconds);
}

TINYKV_DECL void prometheus::write(exposition& out) const {
  auto const& c = *counts_;
  out.gauge("tinykv_start_epoch", "How often this store was started.");
  out.sample({}, c.start_epoch);
  c.write_groups(out);
  c.write_proposals(out);
  out.histogram("tinykv_log_commit_duration_seconds", "From handing a log batch to the disk lane to its completion.");
  c.log_commit.write(out);
  out.histogram("tinykv_request_duration_seconds", "From the arrival of a client's request to its answer.");
  for (auto const& [method, times] : c.requests) times.write(out, "method=\"" + method + "\"");
  auto const counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.counter(name, help);
    out.sample({}, value);
  };
  counter("tinykv_reads_total", "Reads answered from a confirmed view.", c.reads);
  counter("tinykv_raft_dropped_message_total", "Messages of stores dropped at a bound.", c.dropped);
  counter("tinykv_greetings_refused_total", "Connections of stores refused by this one.", c.greetings_refused);
  counter("tinykv_refused_by_total", "Refusals of this store by others.", c.refused_by);
  counter("tinykv_disk_stalls_total", "Log writes so slow that leaderships were given up.", c.disk_stalls);
  counter("tinykv_peers_added_total", "Peers of groups that this store was given.", c.peers_added);
  counter("tinykv_peers_removed_total", "Peers of groups that left this store.", c.peers_removed);
  out.gauge("tinykv_fenced", "Groups (or the store) that stopped for good.");
  out.sample({}, c.fenced);
}

}  // namespace tinykv::server
