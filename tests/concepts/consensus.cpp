// The smallest class that models Consensus, and for each requirement one that misses it by a little.

#include <tinykv/policy/consensus.hpp>
#include <tinykv/raft/checked.hpp>
#include <tinykv/raft/core.hpp>
#include <tinykv/raft/solo.hpp>

#include "support/catch.hpp"

using namespace tinykv;
using policy::Consensus;

namespace near_misses {

static_assert(Consensus<raft::core>);  // they lie below policy/, so this is the place
static_assert(Consensus<raft::solo>);
static_assert(Consensus<raft::checked<raft::core>>);

/// Orders nothing.
struct fits {
  static constexpr auto kind = consensus_kind::solo;
  explicit fits(raft::options) {}
  result<done> recover(raft::start_state) { return done{}; }
  void tick() {}
  void step(raft::message) {}
  result<position> propose(bytes, term) { return position{}; }
  result<position> propose_barrier(term) { return position{}; }
  result<position> change_membership(raft::membership, std::uint64_t) { return position{}; }
  result<done> transfer_to(peer_id) { return done{}; }
  void campaign() {}
  void read_index(read_id) {}
  void persisted(ticket) {}
  void applied(log_index) {}
  void fetched(raft::fetch_answer) {}
  void compacted(log_index) {}
  raft::snapshot_verdict offered(peer_id, term, position) { return raft::snapshot_verdict::ignored; }
  void installing(raft::snapshot_meta const&) {}
  void installed(raft::snapshot_meta) {}
  void snapshot_sent(peer_id, log_index) {}
  void snapshot_failed(peer_id) {}
  void unreachable(peer_id) {}
  void abdicate() {}
  bool has_ready() const { return false; }
  raft::ready take_ready() { return {}; }
  raft::brief brief() const { return {}; }
  raft::status status() const { return {}; }
  raft::membership const& members() const { return members_; }
  raft::truncation truncation_at(log_index) const { return {}; }
  raft::membership members_;
};
static_assert(Consensus<fits>);

// --- what is not there ---
struct no_recover : fits { using fits::fits; void recover(raft::start_state) = delete; };
static_assert(!Consensus<no_recover>);
struct no_tick : fits { using fits::fits; void tick() = delete; };
static_assert(!Consensus<no_tick>);
struct no_step : fits { using fits::fits; void step(raft::message) = delete; };
static_assert(!Consensus<no_step>);
struct no_barrier : fits { using fits::fits; void propose_barrier(term) = delete; };
static_assert(!Consensus<no_barrier>);
struct no_change : fits { using fits::fits; void change_membership(raft::membership, std::uint64_t) = delete; };
static_assert(!Consensus<no_change>);
struct no_transfer : fits { using fits::fits; void transfer_to(peer_id) = delete; };
static_assert(!Consensus<no_transfer>);
struct no_campaign : fits { using fits::fits; void campaign() = delete; };
static_assert(!Consensus<no_campaign>);
struct no_reads : fits { using fits::fits; void read_index(read_id) = delete; };
static_assert(!Consensus<no_reads>);
struct no_applied : fits { using fits::fits; void applied(log_index) = delete; };
static_assert(!Consensus<no_applied>);
struct no_fetched : fits { using fits::fits; void fetched(raft::fetch_answer) = delete; };
static_assert(!Consensus<no_fetched>);
struct no_compacted : fits { using fits::fits; void compacted(log_index) = delete; };
static_assert(!Consensus<no_compacted>);
struct no_installing : fits { using fits::fits; void installing(raft::snapshot_meta const&) = delete; };
static_assert(!Consensus<no_installing>);
struct no_installed : fits { using fits::fits; void installed(raft::snapshot_meta) = delete; };
static_assert(!Consensus<no_installed>);
struct no_snapshot_sent : fits { using fits::fits; void snapshot_sent(peer_id, log_index) = delete; };
static_assert(!Consensus<no_snapshot_sent>);
struct no_snapshot_failed : fits { using fits::fits; void snapshot_failed(peer_id) = delete; };
static_assert(!Consensus<no_snapshot_failed>);
struct no_unreachable : fits { using fits::fits; void unreachable(peer_id) = delete; };
static_assert(!Consensus<no_unreachable>);
struct that_stays : fits { using fits::fits; void abdicate() = delete; };
static_assert(!Consensus<that_stays>);
struct without_kind { explicit without_kind(raft::options) {} };
static_assert(!Consensus<without_kind>);
struct without_options : fits { without_options() : fits(raft::options{}) {} };
static_assert(!Consensus<without_options>);

// --- what takes something else ---
struct in_any_term : fits { using fits::fits; result<position> propose(bytes) { return position{}; } };
static_assert(!Consensus<in_any_term>);
struct changes_any_version : fits { using fits::fits; result<position> change_membership(raft::membership) { return position{}; } };
static_assert(!Consensus<changes_any_version>);
struct completes_by_index : fits { using fits::fits; void persisted(log_index) {} };  // completions are matched by ticket
static_assert(!Consensus<completes_by_index>);
struct transfers_to_a_store : fits { using fits::fits; result<done> transfer_to(store_id) { return done{}; } };
static_assert(!Consensus<transfers_to_a_store>);
struct applied_by_count : fits { using fits::fits; void applied(std::uint64_t) {} };
static_assert(!Consensus<applied_by_count>);
struct offered_without_term : fits {
  using fits::fits;
  raft::snapshot_verdict offered(peer_id, position) { return raft::snapshot_verdict::ignored; }
};
static_assert(!Consensus<offered_without_term>);

// --- what gives something else ---
struct recovers_always : fits { using fits::fits; void recover(raft::start_state) {} };
static_assert(!Consensus<recovers_always>);
struct proposes_by_index : fits { using fits::fits; result<log_index> propose(bytes, term) { return log_index{}; } };
static_assert(!Consensus<proposes_by_index>);
struct proposes_always : fits { using fits::fits; position propose(bytes, term) { return {}; } };
static_assert(!Consensus<proposes_always>);
struct offered_yes_or_no : fits { using fits::fits; bool offered(peer_id, term, position) { return false; } };
static_assert(!Consensus<offered_yes_or_no>);
struct ready_perhaps : fits { using fits::fits; std::optional<raft::ready> take_ready() { return {}; } };
static_assert(!Consensus<ready_perhaps>);
struct brief_by_role : fits { using fits::fits; raft::role brief() const { return {}; } };
static_assert(!Consensus<brief_by_role>);
struct status_by_brief : fits { using fits::fits; raft::brief status() const { return {}; } };
static_assert(!Consensus<status_by_brief>);
struct members_by_copy : fits { using fits::fits; raft::membership members() const { return {}; } };
static_assert(!Consensus<members_by_copy>);
struct truncation_by_position : fits { using fits::fits; position truncation_at(log_index) const { return {}; } };
static_assert(!Consensus<truncation_by_position>);

// --- what changes by being looked at, or does not move ---
struct has_ready_changes : fits { using fits::fits; bool has_ready() { return false; } };
static_assert(!Consensus<has_ready_changes>);
struct brief_changes : fits { using fits::fits; raft::brief brief() { return {}; } };
static_assert(!Consensus<brief_changes>);
struct status_changes : fits { using fits::fits; raft::status status() { return {}; } };
static_assert(!Consensus<status_changes>);
struct members_change : fits { using fits::fits; raft::membership const& members() { return members_; } };
static_assert(!Consensus<members_change>);
struct pinned : fits { using fits::fits; pinned(pinned&&) = delete; };
static_assert(!Consensus<pinned>);

}  // namespace near_misses

TEST_CASE("near-misses of Consensus are refused at compile time", "[concepts][consensus]") { SUCCEED("see the static_asserts"); }
