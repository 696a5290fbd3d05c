#pragma once

#include <tinykv/raft/core.hpp>
#include <tinykv/sim/world.hpp>
#include <tinykv/testing/checkers/client_order.hpp>
#include <tinykv/testing/checkers/commit_rule.hpp>
#include <tinykv/testing/checkers/durable_promises.hpp>
#include <tinykv/testing/checkers/election_safety.hpp>
#include <tinykv/testing/checkers/finding.hpp>
#include <tinykv/testing/checkers/leader_append_only.hpp>
#include <tinykv/testing/checkers/leader_completeness.hpp>
#include <tinykv/testing/checkers/log_matching.hpp>
#include <tinykv/testing/checkers/proposal_answers.hpp>
#include <tinykv/testing/checkers/quorum_commit.hpp>
#include <tinykv/testing/checkers/state_machine_safety.hpp>
#include <tinykv/testing/situations.hpp>
#include <tinykv/testing/watched.hpp>

#include <cstdint>
#include <map>

namespace tinykv::testing {

/// Watches one group of a simulated cluster from outside, with every checker that needs no knowledge of the machine. It is
/// told what reaches the disks, what is sent and what is applied, looks at a store's consensus after each of its turns, and
/// keeps the committed log. It trusts nothing that a store says of itself.
class oracle final : public apply_log {
 public:
  /// Watches `group` in `in`.
  oracle(sim::world& in, group_id group) : in_(in), group_(group) {}

  /// Everything that was found.
  findings const& found() const noexcept { return found_; }
  /// For checks of the caller's own.
  findings& found() noexcept { return found_; }
  /// What was reached.
  testing::situations& reached() noexcept { return reached_; }
  /// I-16, fed by the clients.
  proposal_answers& answers() noexcept { return answers_; }
  /// I-17, fed by the clients.
  client_order& order() noexcept { return order_; }
  /// I-5, and the digests.
  state_machine_safety& states() noexcept { return states_; }
  /// I-7, and the committed log.
  quorum_commit const& commits() const noexcept { return commits_; }

  /// A write is about to reach a disk.
  void persisting(store_id store, sim::disk const& before, policy::log_write const& write);
  /// A store sends messages.
  void sent(store_id store, policy::envelope const& mail);
  /// A store has ended a turn; this is its consensus.
  void turned(store_id store, raft::core const& core);

  /// A store has crashed.
  void crashed(store_id store) {
    commit_seen_.erase(store);
    members_seen_.erase(store);
  }
  /// The peer on a store has left the group, or a new one has come: what was seen of the one before does not bind it.
  void peer_changed(store_id store) {
    crashed(store);
    promises_.peer_changed(store);
  }
  void restored(store_id store, log_index index) override {
    reached_.count(situation::machine_restored);
    states_.starts(store, index);
  }

  void applied(store_id store, log_index index, std::uint64_t digest) override {
    reached_.count(situation::command_applied);
    states_.applied(store, index, digest);
  }
  void state_after(store_id store, log_index index, std::uint64_t state) override { states_.holds(store, index, state); }
  log_index command_at(log_index index) const override { return states_.command_at(index); }
  std::uint64_t digest_at(log_index index) const override { return states_.digest_at(index).value_or(0); }

 private:
  void leads(peer_id who, term in) {
    if (elections_.leads(who, in)) reached_.count(situation::leader_elected);
  }
  sim::disk_group const* disk_of(store_id store) { return in_.host(store).log_disk.find(group_); }
  raft::entry const* entry_of(store_id store, raft::core const& core, log_index index);

  sim::world& in_;
  group_id group_;
  findings found_;
  testing::situations reached_;
  election_safety elections_{found_};
  leader_append_only appends_{found_};
  log_matching logs_{found_};
  leader_completeness completeness_{found_};
  state_machine_safety states_{found_};
  durable_promises promises_{found_};
  quorum_commit commits_{found_};
  commit_rule rule_{found_};
  proposal_answers answers_{found_};
  client_order order_{found_};
  std::map<store_id, log_index> commit_seen_;  // up to where each store's commit has been looked at
  std::map<store_id, raft::membership> members_seen_;  // in force at each store when last looked at
  std::map<store_id, term> led_seen_;          // the last term in which each was seen to lead
};

}  // namespace tinykv::testing

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/testing/impl/oracle.ipp>
#endif
