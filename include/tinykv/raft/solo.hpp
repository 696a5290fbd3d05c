#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/core/identity.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/raft/applying.hpp>
#include <tinykv/raft/options.hpp>
#include <tinykv/raft/values/ready.hpp>
#include <tinykv/raft/values/snapshot.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace tinykv::raft {

/// Consensus of one: the same contract as `core`, no peers. Commits what its own log holds. A directory made by it is
/// refused by `core`, and the reverse, because nobody else has seen its commits.
class solo {
 public:
  /// What directories are marked with.
  static constexpr consensus_kind kind = consensus_kind::solo;

  /// Knows nothing yet.
  explicit solo(raft::options options) : options_(options) {}

  /// Takes up what log and machine hold. `fatal` (corrupt) when they contradict each other.
  result<done> recover(start_state start) {
    if (start.last < start.truncated.at.index || start.applied > start.last || start.applied < start.truncated.at.index)
      return fatal(error_code::corrupt, "log and machine contradict each other");
    if (!start.configurations.empty())
      return fatal(error_code::version_mismatch, "the log holds configuration entries, which a consensus of one does not know");
    truncated_ = start.truncated.at;
    runs_ = std::move(start.runs);
    last_ = durable_ = released_ = start.last;
    applying_.restore(start.applied);
    configuration_ = std::move(start.truncated.configuration);
    state_ = start.state;
    state_.term = std::max({state_.term, start.truncated.at.term, term{1}});
    if (!runs_.empty()) state_.term = std::max(state_.term, runs_.back().term);
    state_.vote = options_.self;
    return done{};
  }

  void tick() {}                ///< Nothing waits for time.
  void step(message) {}         ///< There is nobody to hear from.
  void unreachable(peer_id) {}  ///< There is nobody to reach.
  void abdicate() {}            ///< There is nobody to leave it to; proposals wait for the disk.
  void campaign() {}            ///< It leads.
  void snapshot_sent(peer_id, log_index) {}  ///< Nobody is sent one.
  void snapshot_failed(peer_id) {}           ///< Nobody is sent one.
  void installing(snapshot_meta const&) {}   ///< Nobody offers one.
  void installed(snapshot_meta) {}           ///< Nobody offers one.
  /// Nobody else's snapshot is of use.
  snapshot_verdict offered(peer_id, term, position) { return snapshot_verdict::ignored; }
  /// `rejected` (not_supported): a consensus of one has no other members.
  result<position> change_membership(membership, std::uint64_t) { return no_others(); }
  /// `rejected` (not_supported).
  result<done> transfer_to(peer_id) { return no_others(); }

  /// Orders a command. `rejected`: stale_term, busy, too_large.
  result<position> propose(bytes command, term expected) {
    if (expected != state_.term) return rejected(error_code::stale_term, "the term in which the command was checked is over");
    if (command.empty()) return rejected(error_code::invalid_argument, "a command must not be empty");
    if (command.size() > options_.command_bytes_max)
      return rejected(error_code::too_large, "the command is larger than command_bytes_max", options_.command_bytes_max);
    return order({last_ + 1, state_.term, entry_kind::command, std::move(command)});
  }
  /// Orders an entry with nothing to apply.
  result<position> propose_barrier(term expected) {
    if (expected != state_.term) return rejected(error_code::stale_term, "the term in which the command was checked is over");
    return order({last_ + 1, state_.term, entry_kind::barrier, {}});
  }
  /// Granted at once: nobody else could have committed more.
  void read_index(read_id read) { grants_.push_back({read, durable_}); }
  /// The Ready of this number, and all before it, are durable: its entries are committed.
  void persisted(ticket number) {
    while (!open_.empty() && open_.front().first <= number) {
      durable_ = open_.front().second;
      open_.pop_front();
    }
    state_.commit = durable_;
  }
  /// The machine has taken everything up to `index`.
  void applied(log_index index) { applying_.finish(index); }
  /// The log has answered a fetch.
  void fetched(fetch_answer answer) {
    fetch_open_ = false;
    if (answer.request.from == applying_.handed() + 1) fetched_ = std::move(answer.entries);
  }

  /// The log begins after `index` from now on. Precondition: truncated <= index <= applied.
  void compacted(log_index index) {
    truncated_ = truncation_at(index).at;
    while (runs_.size() > 1 && runs_[1].first <= index + 1) runs_.erase(runs_.begin());
  }
  /// The truncation record of a log that begins after `index`.
  truncation truncation_at(log_index index) const {
    TINYKV_CHECK(index >= truncated_.index && index <= applying_.applied());
    auto at = truncated_;
    for (auto const& run : runs_)
      if (run.first <= index && index > truncated_.index) at = {index, run.term};
    return {at, configuration_};
  }

  /// True iff `take_ready` would give something.
  bool has_ready() const {
    if (released_ < last_ || !grants_.empty() || !fetched_.empty()) return true;
    return may_apply() && (in_window(applying_.handed() + 1) || !fetch_open_);
  }
  /// Everything that is new, once.
  ready take_ready() {
    ready out;
    for (auto const& e : window_)
      if (e.index > released_) out.entries.push_back(e);
    released_ = last_;
    if (!out.entries.empty()) out.state = state_;
    ++newest_;
    out.number = newest_;
    open_.emplace_back(newest_, released_);
    collect_committed(out);
    out.reads = std::exchange(grants_, {});
    return out;
  }

  /// Role, term and leader.
  raft::brief brief() const { return {role::leader, state_.term, options_.self, {}}; }
  /// Everything that can be seen.
  raft::status status() const {
    raft::status out;
    out.self = out.vote = out.leader = options_.self;
    out.role = role::leader;
    out.term = state_.term;
    out.first = truncated_.index + 1;
    out.last = last_;
    out.durable = out.commit = durable_;
    out.applied = applying_.applied();
    out.configuration = configuration_;
    return out;
  }
  /// Itself.
  membership const& members() const { return configuration_; }

 private:
  static failure no_others() { return rejected(error_code::not_supported, "a consensus of one has no other members"); }

  result<position> order(entry e) {
    if (bytes_ + cost_of(e) > options_.window_bytes_max / 2 || window_.size() >= options_.window_entries_max / 2)
      return rejected(error_code::busy, "the log window is full; repeat later");
    if (runs_.empty() || runs_.back().term != e.term) runs_.push_back({e.index, e.term});
    last_ = e.index;
    bytes_ += cost_of(e);
    window_.push_back(e);
    return position_of(e);
  }

  bool may_apply() const { return applying_.handed() < durable_ && applying_.bytes() < options_.apply_bytes_max; }
  bool in_window(log_index i) const { return !window_.empty() && window_.front().index <= i && i <= last_; }

  void collect_committed(ready& out) {
    auto const hand_out = [&](entry e) {
      applying_.hand_out(e.index, cost_of(e));
      out.committed.push_back(std::move(e));
    };
    for (auto& e : std::exchange(fetched_, {})) hand_out(std::move(e));
    while (may_apply() && in_window(applying_.handed() + 1)) {
      bytes_ -= cost_of(window_.front());
      hand_out(std::move(window_.front()));
      window_.pop_front();
    }
    if (!may_apply() || fetch_open_ || in_window(applying_.handed() + 1)) return;
    fetch_open_ = true;  // only after a start: what was committed then and is not in the machine
    // Not what the window holds, or it would be handed out twice.
    auto const to = window_.empty() ? durable_ : std::min(durable_, window_.front().index - 1);
    out.fetches.push_back({fetch_purpose::apply, {}, state_.term, applying_.handed() + 1, to, options_.apply_bytes_max / 4});
  }

  raft::options options_;
  membership configuration_;
  hard_state state_;
  std::deque<entry> window_;  // not yet handed out, new since the start
  std::uint64_t bytes_ = 0;
  std::deque<std::pair<ticket, log_index>> open_;
  ticket newest_;
  position truncated_;
  std::vector<term_run> runs_;  // of the entries above truncated_
  log_index last_, durable_, released_;
  applying applying_;
  std::vector<entry> fetched_;
  bool fetch_open_ = false;
  std::vector<read_grant> grants_;
};

}  // namespace tinykv::raft
