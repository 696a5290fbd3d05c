#include <tinykv/testing/conformance/consensus.hpp>

#include <tinykv/raft/core.hpp>
#include <tinykv/raft/solo.hpp>

#include "support/catch.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace tinykv;

TEST_CASE("raft::core keeps the promises of Consensus", "[conformance][consensus][raft]") {
  for (auto const& each : testing::consensus_suite<raft::core>()) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

TEST_CASE("a group of one of raft::core keeps the promises of Consensus", "[conformance][consensus][raft]") {
  for (auto const& each : testing::consensus_suite<raft::core>({.group_size = 1, .seeds = 5})) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

TEST_CASE("raft::solo keeps the promises of Consensus", "[conformance][consensus][solo]") {
  for (auto const& each : testing::consensus_suite<raft::solo>()) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

// --- models that break one promise each -------------------------------------------------------------------------------

namespace {

enum class fault {
  none,
  repeats_a_committed_entry,
  skips_a_committed_entry,
  changes_a_committed_entry,
  hands_out_what_is_not_durable,
  vote_in_early,
  request_in_early,
  acknowledges_at_once,
  gives_a_ready_twice,
  never_done,
  skips_a_ticket,
  forgets_the_vote,
  commit_falls_in_the_state,
  ticket_stands_for_itself,
  proposes_in_any_term,
  loses_a_proposal,
  takes_any_size,
  takes_any_number,
  applies_without_bound,
  sends_without_bound,
  grants_reads_at_once,
  answers_a_read_twice,
  waits_with_reads_without_bound,
  believes_any_start,
  forgets_its_log,
  draws_by_chance,
  stays_leader,
  throws,
};

raft::options with(fault what, raft::options o) {
  static std::uint64_t chance = 0;
  if (what == fault::takes_any_size) o.command_bytes_max *= 16;
  if (what == fault::takes_any_number) o.window_bytes_max *= 1024, o.window_entries_max *= 1024, o.uncommitted_bytes_max *= 1024;
  if (what == fault::applies_without_bound) o.apply_bytes_max *= 1024;
  if (what == fault::sends_without_bound) o.append_bytes_max *= 1024;
  if (what == fault::waits_with_reads_without_bound) o.pending_reads_max *= 1024;
  if (what == fault::draws_by_chance) o.seed += ++chance;
  return o;
}

fault planted = fault::none;  // in every model made from now on

/// raft::core with the planted fault.
class wrong : public raft::core {
 public:
  explicit wrong(raft::options o) : raft::core(with(planted, o)), what_(planted), self_(o.self) {}

  result<done> recover(raft::start_state start) {
    if (what_ == fault::believes_any_start) {
      if (!raft::core::recover(std::move(start))) return done{};
      return done{};
    }
    if (what_ == fault::forgets_its_log) {
      start.last = start.truncated.at.index;
      start.runs.clear();
      start.tail.clear();
      start.state.commit = start.applied = start.last;
    }
    return raft::core::recover(std::move(start));
  }
  result<position> propose(bytes command, term expected) {
    if (what_ == fault::throws && ++proposals_ == 3) throw std::runtime_error{"no more"};
    if (what_ == fault::proposes_in_any_term) expected = brief().term;
    if (what_ == fault::loses_a_proposal && ++proposals_ % 3 == 0 && brief().role == raft::role::leader)
      return position{status().last + 1, brief().term};
    return raft::core::propose(std::move(command), expected);
  }
  void read_index(read_id read) {
    if (what_ == fault::grants_reads_at_once) granted_.push_back({read, status().commit});
    else raft::core::read_index(read);
  }
  void persisted(ticket number) {
    if (what_ == fault::ticket_stands_for_itself && number != last_told_ + 1 && last_told_ != ticket{}) {
      last_told_ = number;
      return;  // waits for the others by themselves
    }
    last_told_ = number;
    raft::core::persisted(number);
  }
  void abdicate() {
    if (what_ != fault::stays_leader) raft::core::abdicate();
  }
  bool has_ready() const { return what_ == fault::never_done || !granted_.empty() || raft::core::has_ready(); }
  raft::ready take_ready() {
    auto out = raft::core::take_ready();
    switch (what_) {
      case fault::repeats_a_committed_entry:
        if (out.committed.size() > 1) out.committed.insert(out.committed.begin() + 1, out.committed.front());
        break;
      case fault::skips_a_committed_entry:
        if (out.committed.size() > 1) out.committed.erase(out.committed.begin());
        break;
      case fault::changes_a_committed_entry:
        if (self_ == peer_id{2} && !out.committed.empty()) out.committed.back().data = bytes::copy_of("another");
        break;
      case fault::hands_out_what_is_not_durable:
        if (brief().role == raft::role::leader) out.committed = out.entries;
        break;
      case fault::vote_in_early: hurry(out, raft::message_kind::vote_reply); break;
      case fault::request_in_early: hurry(out, raft::message_kind::vote_request); break;
      case fault::acknowledges_at_once:
        if (out.has_writes() && !out.entries.empty() && brief().leader != peer_id{} && brief().role == raft::role::follower) {
          raft::message m;
          m.kind = raft::message_kind::append_reply;
          m.from = self_;
          m.to = brief().leader;
          m.term = brief().term;
          m.index = out.entries.back().index;
          out.early.push_back(m);
        }
        break;
      case fault::gives_a_ready_twice:
        if (!out.early.empty() || !out.late.empty() || out.has_writes()) last_ = out;
        else if (last_) out.early = std::exchange(last_, std::nullopt)->early;
        break;
      case fault::skips_a_ticket:
        out.number = ticket{out.number.value * 2};
        break;
      case fault::forgets_the_vote:
        if (out.state) out.state->vote = {};
        break;
      case fault::commit_falls_in_the_state:
        if (out.state && out.state->commit > log_index{3}) out.state->commit = log_index{1};
        break;
      case fault::answers_a_read_twice:
        if (!out.reads.empty()) out.reads.push_back(out.reads.back());
        break;
      default: break;
    }
    for (auto const& g : std::exchange(granted_, {})) out.reads.push_back(g);
    return out;
  }

 private:
  static void hurry(raft::ready& out, raft::message_kind kind) {
    for (auto it = out.late.begin(); it != out.late.end();) {
      if (it->kind != kind) {
        ++it;
        continue;
      }
      out.early.push_back(std::move(*it));
      it = out.late.erase(it);
    }
  }
  fault what_;
  peer_id self_;
  std::uint64_t proposals_ = 0;
  ticket last_told_;
  std::vector<raft::read_grant> granted_;
  std::optional<raft::ready> last_;
};

/// The complaints about a model with this fault, up to the first that contains `wanted`.
std::string complaints(fault what, std::string const& wanted = "no such complaint") {
  planted = what;
  std::string out;
  for (auto const& each : testing::consensus_suite<wrong>({.group_size = 3, .seeds = 3, .steps = 2000})) {
    out += each.run().text();
    if (out.find(wanted) != out.npos) break;
  }
  planted = fault::none;
  return out;
}

}  // namespace

TEST_CASE("raft::core with no fault in it passes", "[conformance][consensus]") { CHECK(complaints(fault::none) == ""); }

TEST_CASE("the suite of Consensus finds each broken promise, and says which", "[conformance][consensus]") {
  struct found {
    fault what;
    std::string complaint;
  };
  auto const each = GENERATE(values<found>({
      {fault::repeats_a_committed_entry, "each index is handed out once, in order"},
      {fault::skips_a_committed_entry, "each index is handed out once, in order"},
      {fault::changes_a_committed_entry, "an entry is handed out when it is durable here"},
      {fault::hands_out_what_is_not_durable, "an entry is handed out when it is durable here"},
      {fault::vote_in_early, "requests for votes, their answers and refusals are not early"},
      {fault::request_in_early, "requests for votes, their answers and refusals are not early"},
      {fault::acknowledges_at_once, "an append is acknowledged when its entries are durable"},
      {fault::gives_a_ready_twice, "a call of take_ready() after which nothing happened gives an empty Ready"},
      {fault::never_done, "has_ready() becomes false when all Readies are taken"},
      {fault::skips_a_ticket, "tickets rise by one"},
      {fault::forgets_the_vote, "own vote on its disk"},
      {fault::commit_falls_in_the_state, "the commit never falls"},
      {fault::ticket_stands_for_itself, "persisted(t) stands for all tickets up to t"},
      {fault::proposes_in_any_term, "a proposal for a later term is refused"},
      {fault::loses_a_proposal, "no two proposals become the same entry"},
      {fault::takes_any_size, "command_bytes_max bounds a command"},
      {fault::takes_any_number, "window_bytes_max bounds what is accepted and not durable"},
      {fault::applies_without_bound, "apply_bytes_max bounds what is handed out"},
      {fault::sends_without_bound, "append_bytes_max bounds an append of several entries"},
      {fault::grants_reads_at_once, "the index of a read holds everything that was handed out before it"},
      {fault::answers_a_read_twice, "each read is answered once"},
      {fault::waits_with_reads_without_bound, "pending_reads_max bounds the reads that wait"},
      {fault::believes_any_start, "a machine that is ahead of its log is fatal"},
      {fault::forgets_its_log, "the log is as it was stored"},
      {fault::draws_by_chance, "outputs depend on inputs, options and seed only"},
      {fault::stays_leader, "who abdicates does not lead"},
      {fault::throws, "nothing is thrown: no more"},
  }));
  auto const said = complaints(each.what, each.complaint);
  CAPTURE(static_cast<int>(each.what), each.complaint, said);
  CHECK(said.find(each.complaint) != said.npos);
}
