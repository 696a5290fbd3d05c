#pragma once

#include <tinykv/core/random.hpp>
#include <tinykv/policy/consensus.hpp>
#include <tinykv/testing/conformance/detail/case_is_over.hpp>
#include <tinykv/testing/conformance/detail/consensus_disk.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::testing::detail {

/// A group of peers of one model with disks, machines and mail between them. Nothing happens but by a call. Keeps the
/// caller's promises, and ends the case at the first promise that the model breaks.
template <policy::Consensus Model>
class consensus_group {
 public:
  struct peer {
    raft::options options;
    consensus_disk disk;
    std::optional<Model> model;
    std::deque<raft::ready> writing;         // taken and not durable
    std::vector<raft::fetch_request> fetches;
    std::map<read_id, log_index> reads;      // open: what the answer must hold
    ticket newest;
    read_id last_read;
    log_index handed;
    log_index applied;
    std::uint64_t applying = 0;              // bytes handed out and not applied
    bool cut_off = false;
  };

  /// Peers 1 to `size` with empty disks, started.
  consensus_group(std::uint64_t size, raft::options const& options, report& out) : out_(out) {
    raft::membership all;
    for (std::uint64_t id = 1; id <= size; ++id) {
      raft::member m;
      m.peer = peer_id{id};
      m.store = store_id{id};
      all.voters.push_back(std::move(m));
    }
    for (std::uint64_t id = 1; id <= size; ++id) {
      auto& p = peers_[id];
      p.options = options;
      p.options.self = peer_id{id};
      p.options.seed = options.seed * 1000 + id;
      p.disk.begin.configuration = all;
      start(p, log_index{});
    }
  }

  std::uint64_t size() const { return peers_.size(); }
  peer& operator[](std::uint64_t id) { return peers_.at(id); }
  std::size_t mail() const { return mail_.size(); }
  /// A number made of everything that the models gave.
  std::uint64_t trace() const { return trace_; }
  log_index newest_handed_out() const { return history_.empty() ? log_index{} : history_.rbegin()->first; }

  /// Complains and ends the case, unless `fact`.
  void must(bool fact, std::string const& promise) {
    if (out_.expect(fact, promise)) return;
    throw case_is_over{};
  }

  /// The process ends and starts again: the disk has what was durable and `extra` of the writes under way; the machine is
  /// where it was, or at its beginning.
  void restart(peer& p, std::size_t extra, bool machine_remembers) {
    for (; extra > 0 && !p.writing.empty(); --extra) {
      p.disk.write(p.writing.front());
      p.writing.pop_front();
    }
    auto const applied = machine_remembers ? p.applied : log_index{};
    must(applied <= p.disk.last(), "what was applied is in the log after a crash");
    if (Model::kind == consensus_kind::solo)  // goes on in its term, so that what was not durable is proposed anew
      std::erase_if(proposed_, [&](auto const& each) { return each.first.index > p.disk.last(); });
    start(p, applied);
  }

  /// Takes every Ready there is; then one more, which must be empty.
  void take(peer& p) {
    for (int i = 0; p.model->has_ready(); ++i) {
      must(i < 1000, "has_ready() becomes false when all Readies are taken");
      accept(p, p.model->take_ready());
      look(p);
    }
    auto const nothing = p.model->take_ready();
    auto const empty = !nothing.has_writes() && nothing.early.empty() && nothing.late.empty() && nothing.committed.empty() &&
                       nothing.fetches.empty() && nothing.reads.empty() && nothing.refused.empty();
    must(empty, "a call of take_ready() after which nothing happened gives an empty Ready");
    accept(p, nothing);
  }
  /// The oldest `count` Readies with writes become durable, and are told with one ticket.
  void persist(peer& p, std::size_t count) {
    std::optional<ticket> durable;
    for (; count > 0 && !p.writing.empty(); --count) {
      durable = p.writing.front().number;
      leave_disk(p);
    }
    if (durable) tell_durable(p, *durable);
  }
  /// The machine takes what was handed out, up to `through`.
  void apply(peer& p, log_index through) {
    through = std::min(through, p.handed);
    if (through <= p.applied) return;
    for (auto i = p.applied + 1; i <= through; ++i) p.applying -= raft::cost_of(history_.at(i));
    p.applied = through;
    p.model->applied(through);
  }
  void answer_fetches(peer& p, bool with_entries) {
    for (auto const& f : std::exchange(p.fetches, {}))
      p.model->fetched({f, with_entries ? p.disk.read(f) : std::vector<raft::entry>{}});
  }
  /// Takes message number `i` out of the mail, and delivers it unless it is lost.
  void deliver(std::size_t i, bool lost, bool again) {
    auto m = mail_[i];
    if (!again) mail_.erase(mail_.begin() + static_cast<std::ptrdiff_t>(i));
    auto const to = peers_.find(m.to.value);
    auto const from = peers_.find(m.from.value);
    if (lost || to == peers_.end() || to->second.cut_off || from->second.cut_off) return;
    to->second.model->step(std::move(m));
    look(to->second);
  }
  result<position> propose(peer& p, bytes command) {
    auto const at = p.model->propose(command, p.model->brief().term);
    if (at) {
      must(p.model->brief().role == raft::role::leader, "only a leader takes proposals");
      must(at->term == p.model->brief().term, "a proposal becomes an entry of the term that it was made in");
      must(proposed_.emplace(*at, std::move(command)).second, "no two proposals become the same entry");
    }
    return at;
  }
  void read(peer& p) {
    auto const id = ++p.last_read;
    p.reads[id] = newest_handed_out();
    p.model->read_index(id);
  }

  /// Everything works until nothing is left to do.
  void run() {
    for (int i = 0; i < 10000; ++i) {
      auto busy = false;
      for (auto& [id, p] : peers_) {
        if (p.model->has_ready()) busy = true, take(p);
        if (!p.writing.empty() || !p.fetches.empty() || p.applied < p.handed) busy = true;
        persist(p, p.writing.size());
        answer_fetches(p, true);
        apply(p, p.handed);
      }
      for (auto n = mail_.size(); n > 0; --n) busy = true, deliver(0, false, false);
      if (!busy) return;
    }
    must(false, "a group without new inputs comes to rest");
  }
  /// Time passes for all, with everything working, until `fact`.
  template <class Fact>
  bool run_until(std::uint32_t ticks_max, Fact fact) {
    for (run(); ticks_max > 0 && !fact(); --ticks_max) {
      for (auto& [id, p] : peers_) p.model->tick();
      run();
    }
    return fact();
  }
  /// The leader that the most recent term has, if it is known; 0 = none.
  std::uint64_t leader() {
    std::uint64_t found = 0;
    for (auto& [id, p] : peers_)
      if (!p.cut_off && p.model->brief().role == raft::role::leader &&
          (found == 0 || peers_.at(found).model->brief().term < p.model->brief().term))
        found = id;
    return found;
  }
  /// A leader of the peers that are not cut off; ends the case when none comes.
  peer& elect() {
    must(run_until(400, [&] { return leader() != 0; }), "a group whose quorum works elects a leader");
    return peers_.at(leader());
  }

 private:
  void start(peer& p, log_index applied) {
    p.writing.clear();
    p.fetches.clear();
    p.reads.clear();
    p.newest = {};
    p.applying = 0;
    p.handed = p.applied = applied;
    p.model.reset();
    p.model.emplace(p.options);
    auto const recovered = p.model->recover(p.disk.load(applied));
    must(recovered.has_value(), "a peer starts from what it has stored: " + (recovered ? std::string{} : recovered.error().detail));
    look(p);
  }

  void accept(peer& p, raft::ready r) {
    note(r);
    must(r.number == p.newest + 1, "tickets rise by one");
    p.newest = r.number;
    check_writes(p, r);
    hand_out(p, r.committed);
    for (auto const& f : r.fetches) {
      must(f.from <= f.to && f.to <= p.disk.last(), "what is fetched is in the log");
      p.fetches.push_back(f);
    }
    for (auto const& g : r.reads) answer_read(p, g.read, g.index);
    for (auto const& g : r.refused) answer_read(p, g.read, std::nullopt);
    for (auto& m : r.early) {
      using enum raft::message_kind;
      auto const waits = m.kind == vote_request || m.kind == vote_reply || m.kind == pre_vote_request || m.kind == pre_vote_reply ||
                         (m.kind == append_reply && m.refused);
      must(!waits, "requests for votes, their answers and refusals are not early");
      post(p, std::move(m));
    }
    p.writing.push_back(std::move(r));
    release(p);
  }

  void check_writes(peer& p, raft::ready const& r) {
    auto const before = [&] {  // the newest state that was given to be stored
      for (auto it = p.writing.rbegin(); it != p.writing.rend(); ++it)
        if (it->state) return *it->state;
      return p.disk.state;
    }();
    if (r.state) {
      must(r.state->term >= before.term, "the term never falls");
      must(r.state->term > before.term || before.vote == peer_id{} || r.state->vote == before.vote, "a vote is given once in a term");
      must(r.state->commit >= before.commit, "the commit never falls");
    }
    auto expected = r.entries.empty() ? log_index{} : r.entries.front().index;
    if (!r.entries.empty()) {
      auto last = p.disk.last();
      for (auto const& each : p.writing)
        if (!each.entries.empty()) last = each.entries.back().index;
      must(expected >= log_index{1} && expected <= last + 1, "entries to be stored follow on the log");
    }
    for (auto const& e : r.entries) {
      must(e.index == expected, "entries to be stored are consecutive");
      ++expected;
      auto const applied = history_.find(e.index);
      must(applied == history_.end() || applied->second == e, "an entry that was handed out is never replaced");
    }
  }

  void hand_out(peer& p, std::vector<raft::entry> const& committed) {
    for (auto const& e : committed) {
      must(e.index == p.handed + 1, "each index is handed out once, in order");
      must(p.disk.holds(e), "an entry is handed out when it is durable here");
      std::size_t copies = 0;
      for (auto const& [id, other] : peers_) copies += other.disk.holds(e);
      must(2 * copies > peers_.size(), "an entry is handed out when it is committed: on the disks of a majority");
      auto const [known, fresh] = history_.emplace(e.index, e);
      must(fresh || known->second == e, "no peer is ever handed another entry at an index");
      auto const proposal = proposed_.find(raft::position_of(e));
      must(proposal == proposed_.end() || proposal->second == e.data, "a committed entry holds the command that was proposed");
      p.handed = e.index;
      p.applying += raft::cost_of(e);
    }
    // A piece that was being fetched may come on top.
    must(p.applying <= 2 * p.options.apply_bytes_max + p.options.command_bytes_max + 64, "apply_bytes_max bounds what is handed out");
  }

  void answer_read(peer& p, read_id id, std::optional<log_index> index) {
    auto const open = p.reads.find(id);
    must(open != p.reads.end(), "each read is answered once");
    must(!index || *index >= open->second, "the index of a read holds everything that was handed out before it");
    p.reads.erase(open);
  }

  // What may be said when the disk is as it is now (SAFETY.md §1, §2).
  void post(peer& p, raft::message m) {
    using enum raft::message_kind;
    auto const& durable = p.disk.state;
    auto const in_term = durable.term == m.term;
    auto const about_later_term = m.kind == pre_vote_request || (m.kind == pre_vote_reply && !m.refused);
    must(m.from == p.options.self, "a message names its sender");
    must(about_later_term || m.term <= durable.term, "a message carries a durable term");
    if (m.kind == vote_request || m.kind == append || m.kind == heartbeat || m.kind == timeout_now)
      must(in_term && durable.vote == m.from, "who asks for votes or leads has its own vote on its disk");
    if (m.kind == vote_request) must(m.index <= p.disk.last(), "who asks for votes has its log on its disk");
    if (m.kind == vote_reply && !m.refused) must(in_term && durable.vote == m.to, "a grant leaves when the vote is durable");
    if (m.kind == append_reply && !m.refused)
      must(in_term && m.index <= p.disk.last(), "an append is acknowledged when its entries are durable");
    if (m.kind == append && m.entries.size() > 1) {
      std::uint64_t cost = 0;
      for (auto const& e : m.entries) cost += raft::cost_of(e);
      must(cost <= p.options.append_bytes_max, "append_bytes_max bounds an append of several entries");
    }
    mail_.push_back(std::move(m));
    if (mail_.size() > 4096) mail_.erase(mail_.begin(), mail_.begin() + 2048);
  }

  // A Ready without writes is durable when those before it are.
  void release(peer& p) {
    std::optional<ticket> durable;
    while (!p.writing.empty() && !p.writing.front().has_writes()) {
      durable = p.writing.front().number;
      leave_disk(p);
    }
    if (durable) tell_durable(p, *durable);
  }
  void leave_disk(peer& p) {
    auto r = std::move(p.writing.front());
    p.writing.pop_front();
    p.disk.write(r);
    for (auto& m : r.late) post(p, std::move(m));
  }
  void tell_durable(peer& p, ticket number) {
    p.model->persisted(number);
    look(p);
    release(p);
  }

  void look(peer& p) {
    auto const now = p.model->brief();
    if (now.role != raft::role::leader) return;
    auto const [known, fresh] = leaders_.emplace(now.term, p.options.self);
    must(fresh || known->second == p.options.self, "at most one peer leads in a term");
    if (Model::kind == consensus_kind::solo) return;  // leads without having been elected
    must(p.disk.state.term == now.term && p.disk.state.vote == p.options.self, "a leader has its own vote on its disk");
  }

  void note(raft::ready const& r) {
    auto const mix = [this](std::uint64_t v) { trace_ = (trace_ ^ v) * 0x100000001b3ULL; };
    mix(r.entries.size());
    mix(r.committed.size());
    if (r.state) mix(r.state->term.value * 31 + r.state->vote.value);
    for (auto const* list : {&r.early, &r.late})
      for (auto const& m : *list) mix(static_cast<std::uint64_t>(m.kind) * 131 + m.to.value + m.index.value * 7 + m.term.value * 1009);
  }

  report& out_;
  std::map<std::uint64_t, peer> peers_;
  std::vector<raft::message> mail_;
  std::map<log_index, raft::entry> history_;    // handed out anywhere
  std::map<position, bytes> proposed_;
  std::map<term, peer_id> leaders_;
  std::uint64_t trace_ = 0;
};

}  // namespace tinykv::testing::detail
