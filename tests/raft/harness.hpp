#pragma once

#include <tinykv/raft/checked.hpp>
#include <tinykv/raft/core.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// A group of Raft cores in memory, under the test's control: nothing is delivered, written or applied but by a call.
namespace raft_tests {

namespace raft = tinykv::raft;
using raft::message_kind;
using raft::role;
using tinykv::log_index;
using tinykv::peer_id;
using tinykv::position;
using tinykv::read_id;
using tinykv::term;
using tinykv::ticket;

inline raft::membership voters(std::vector<std::uint64_t> const& ids) {
  raft::membership out;
  for (auto const id : ids) out.voters.push_back({peer_id{id}, tinykv::store_id{id}});
  return out;
}

inline std::vector<raft::member> members(std::vector<std::uint64_t> const& ids) { return voters(ids).voters; }

/// A configuration; `outgoing` makes it joint.
inline raft::membership group(std::initializer_list<std::uint64_t> voting, std::initializer_list<std::uint64_t> learning = {},
                              std::initializer_list<std::uint64_t> outgoing = {}, std::uint64_t version = 0) {
  return {version, members(voting), members(outgoing), members(learning)};
}

/// The same of a group that once had a peer with this higher id.
inline raft::membership once_with(std::uint64_t id, raft::membership now) {
  now.highest_peer = peer_id{id};
  return now;
}

inline tinykv::bytes text(std::string_view s) { return tinykv::bytes::copy_of(s); }

inline raft::entry entry(std::uint64_t index, std::uint64_t of_term, std::string_view data = "x") {
  return {log_index{index}, term{of_term}, raft::entry_kind::command, text(data)};
}

/// An entry that would put `target` in force.
inline raft::entry change(std::uint64_t index, std::uint64_t of_term, raft::membership target) {
  return {log_index{index}, term{of_term}, raft::entry_kind::configuration, raft::encode_change({std::move(target)})};
}

/// Entries from `first` on, one per term given.
inline std::vector<raft::entry> entries(std::uint64_t first, std::initializer_list<std::uint64_t> terms) {
  std::vector<raft::entry> out;
  for (auto const t : terms) out.push_back(entry(first++, t));
  return out;
}

/// What a disk holds of one peer.
struct disk {
  raft::hard_state state;
  raft::truncation truncated;
  std::vector<raft::entry> log;  // above the truncation
  log_index applied;             // of a machine that keeps its state

  log_index last() const { return log.empty() ? truncated.at.index : log.back().index; }
  void write(raft::ready const& r) {
    if (r.state) state = *r.state;
    if (r.entries.empty()) return;
    auto const from = r.entries.front().index;
    while (!log.empty() && log.back().index >= from) log.pop_back();
    REQUIRE(from == last() + 1);
    log.insert(log.end(), r.entries.begin(), r.entries.end());
  }
  raft::start_state load() const {
    raft::start_state out{state, truncated, {}, last(), {}, {}, applied};
    for (auto const& e : log) {
      if (out.runs.empty() || out.runs.back().term != e.term) out.runs.push_back({e.index, e.term});
      if (e.index > state.commit) out.tail.push_back(e);
      if (e.kind == raft::entry_kind::configuration) out.configurations.push_back(e);
    }
    return out;
  }
  std::vector<raft::entry> read(raft::fetch_request const& r) const {
    std::vector<raft::entry> out;
    std::uint64_t cost = 0;
    for (auto const& e : log) {
      if (e.index < r.from || e.index > r.to) continue;
      cost += raft::cost_of(e);
      if (!out.empty() && cost > r.bytes_max) break;
      out.push_back(e);
    }
    return out;
  }
};

/// A disk as it stands after `terms` were appended from index 1 on.
inline disk disk_of(raft::membership group, std::initializer_list<std::uint64_t> terms, raft::hard_state state = {}) {
  disk out;
  out.truncated.configuration = std::move(group);
  out.log = entries(1, terms);
  out.state = state;
  if (!out.log.empty()) out.state.term = std::max(out.state.term, out.log.back().term);
  return out;
}

/// One peer with its disk and its machine. Switches say what happens by itself when `pump` is called.
class peer {
 public:
  peer(raft::options options, disk from) : on_disk(std::move(from)), options_(options), core_(std::make_unique<raft::checked<raft::core>>(options)) {
    REQUIRE(core_->recover(on_disk.load()));
    pump();
  }

  raft::checked<raft::core>& core() { return *core_; }
  raft::status see() const { return core_->status(); }
  bool leads() const { return see().role == role::leader; }

  /// Takes every Ready there is.
  void pump() {
    while (core_->has_ready()) {
      auto r = core_->take_ready();
      if (r.number <= newest_) FAIL("tickets rise");
      newest_ = r.number;
      std::move(r.early.begin(), r.early.end(), std::back_inserter(out));
      r.early.clear();
      for (auto const& e : r.committed) {
        if (e.index != handed + 1) FAIL("every index is handed out once, in order");
        if (e.index > std::min(see().commit, see().durable)) FAIL("applied before it is committed and durable");
        handed = e.index;
        machine.push_back(e);
        if (e.kind == raft::entry_kind::configuration && e.index != r.committed.back().index) FAIL("handed out behind a configuration");
      }
      if (r.configuration) put_in_force.push_back(*r.configuration);
      removed |= r.removed;
      std::move(r.snapshots.begin(), r.snapshots.end(), std::back_inserter(snapshots));
      for (auto const& g : r.reads) granted[g.read] = g.index;
      for (auto const& g : r.refused) refused[g.read] = g.reason;
      std::move(r.fetches.begin(), r.fetches.end(), std::back_inserter(fetches));
      writes += r.has_writes();
      writing.push_back(std::move(r));
      release();
      while (disk_works && complete()) {}
      if (machine_works && handed > see().applied) core_->applied(handed);
      if (fetch_works) answer_fetches();
    }
  }
  /// The next write completes, and with it what hangs on it. False iff none is under way.
  bool persist() {
    auto const wrote = complete();
    pump();
    return wrote;
  }
  void persist_all() {
    while (persist()) {}
  }
  void answer_fetches() {
    for (auto const& f : std::exchange(fetches, {})) core_->fetched({f, on_disk.read(f)});
  }
  void step(raft::message m) {
    core_->step(std::move(m));
    pump();
  }
  void tick(std::uint32_t times = 1) {
    for (; times > 0; --times) {
      core_->tick();
      pump();
    }
  }
  tinykv::result<position> propose(std::string_view command) {
    auto const at = core_->propose(text(command), see().term);
    pump();
    return at;
  }
  /// The process dies; what was not persisted is gone. Starts again from the disk, over a machine that is as durable.
  void restart() {
    snapshots.clear();
    removed = false;
    writing.clear();
    out.clear();
    fetches.clear();
    granted.clear();
    refused.clear();
    newest_ = {};
    core_ = std::make_unique<raft::checked<raft::core>>(options_);
    on_disk.applied = std::min(handed, on_disk.last());
    REQUIRE(core_->recover(on_disk.load()));
    std::erase_if(machine, [&](auto const& e) { return e.index > on_disk.applied; });
    handed = on_disk.applied;
    pump();
  }
  /// The log loses everything up to `index`, as a host does it: the record first.
  void compact(std::uint64_t index) {
    on_disk.truncated = core_->truncation_at(log_index{index});
    std::erase_if(on_disk.log, [&](auto const& e) { return e.index <= log_index{index}; });
    core_->compacted(log_index{index});
    pump();
  }
  /// What a snapshot of its machine would hold.
  raft::snapshot_meta snapshot() const {
    auto const at = core_->truncation_at(see().applied);
    return {at.at, at.configuration};
  }
  void begin_install(raft::snapshot_meta const& meta) {
    core_->installing(meta);
    pump();
  }
  /// The snapshot is in place: log, machine, core.
  void end_install(raft::snapshot_meta const& meta) {
    persist_all();
    on_disk.log.clear();
    on_disk.truncated = {meta.at, meta.configuration};
    on_disk.applied = handed = meta.at.index;
    machine.clear();
    core_->installed(meta);
    pump();
  }
  /// What it has sent and nobody has taken yet.
  std::vector<raft::message> sent() { return std::exchange(out, {}); }
  std::vector<raft::message> sent(message_kind kind) {
    auto all = sent();
    std::erase_if(all, [&](auto const& m) { return m.kind != kind; });
    return all;
  }
  /// The only message of a kind among what was sent.
  raft::message only(message_kind kind) {
    auto const all = sent(kind);
    REQUIRE(all.size() == 1);
    return all.front();
  }

  bool disk_works = true;     // writes complete at once
  bool machine_works = true;  // entries are applied at once
  bool fetch_works = true;    // fetches are answered at once
  disk on_disk;
  std::deque<raft::ready> writing;
  std::vector<raft::message> out;
  std::vector<raft::fetch_request> fetches;
  std::vector<raft::entry> machine;  // handed out to be applied
  log_index handed;
  std::vector<raft::membership> put_in_force;    // as told with the entries
  std::vector<raft::snapshot_request> snapshots;  // asked for and not served
  bool removed = false;                          // told that it is no member any more
  std::map<read_id, log_index> granted;
  std::map<read_id, tinykv::failure> refused;
  int writes = 0;  // Readies that needed a log batch

 private:
  bool complete() {
    release();
    if (writing.empty()) return false;
    make_durable();
    release();
    return true;
  }
  // A Ready without writes is durable as soon as those before it are; its ticket stands for theirs.
  void release() {
    std::optional<ticket> durable;
    while (!writing.empty() && !writing.front().has_writes()) {
      durable = writing.front().number;
      std::move(writing.front().late.begin(), writing.front().late.end(), std::back_inserter(out));
      writing.pop_front();
    }
    if (durable) core_->persisted(*durable);
  }
  void make_durable() {
    auto r = std::move(writing.front());
    writing.pop_front();
    on_disk.write(r);
    auto number = r.number;
    std::move(r.late.begin(), r.late.end(), std::back_inserter(out));
    while (!writing.empty() && !writing.front().has_writes()) {
      number = writing.front().number;
      std::move(writing.front().late.begin(), writing.front().late.end(), std::back_inserter(out));
      writing.pop_front();
    }
    core_->persisted(number);
  }

  raft::options options_;
  std::unique_ptr<raft::checked<raft::core>> core_;  // every step of every test is held against the invariants
  ticket newest_;
};

inline raft::options options_of(std::uint64_t self, std::uint64_t seed = 1) {
  raft::options out;
  out.self = peer_id{self};
  out.seed = seed * 100 + self;
  return out;
}

/// Peer 1 of a group, alone with hand-made messages.
inline peer lonely(disk from, raft::options options = options_of(1)) { return peer{options, std::move(from)}; }

/// A group, and the mail between its peers.
class cluster {
 public:
  using setup = std::function<void(raft::options&)>;

  explicit cluster(std::initializer_list<std::uint64_t> ids, setup const& with = {}, std::uint64_t seed = 1)
      : cluster(std::vector<std::uint64_t>(ids), with, seed) {}
  explicit cluster(std::vector<std::uint64_t> const& ids, setup const& with = {}, std::uint64_t seed = 1) {
    for (auto const id : ids) {
      auto o = options_of(id, seed);
      if (with) with(o);
      disk d;
      d.truncated.configuration = voters(ids);
      peers_.emplace(id, std::make_unique<peer>(o, std::move(d)));
    }
  }

  peer& operator[](std::uint64_t id) { return *peers_.at(id); }

  /// A peer that knows nothing, and is spoken to by whoever leads.
  peer& join(std::uint64_t id, setup const& with = {}, std::uint64_t seed = 1) {
    auto o = options_of(id, seed);
    if (with) with(o);
    return *peers_.insert_or_assign(id, std::make_unique<peer>(o, disk{})).first->second;
  }
  /// The leader changes the members to the voters and learners of `target` and the group goes on until it is done.
  tinykv::result<position> change(std::uint64_t leader, raft::membership target) {
    auto& p = (*this)[leader];
    auto const got = p.core().change_membership(std::move(target), p.see().configuration.version);
    p.pump();
    deliver();
    return got;
  }
  /// Serves every snapshot that is asked for, at once.
  void serve_snapshots() {
    for (auto& [id, p] : peers_)
      for (auto const& r : std::exchange(p->snapshots, {})) {
        auto const meta = p->snapshot();
        auto const to = peers_.find(r.peer.value);
        if (to == peers_.end()) continue;
        auto& receiver = *to->second;
        auto const verdict = receiver.core().offered(peer_id{id}, r.term, meta.at);
        receiver.pump();
        if (verdict == raft::snapshot_verdict::ignored) {
          p->core().snapshot_failed(r.peer);
        } else {
          if (verdict == raft::snapshot_verdict::wanted) {
            receiver.begin_install(meta);
            receiver.end_install(meta);
          }
          p->core().snapshot_sent(r.peer, meta.at.index);
        }
      }
    deliver();
  }

  /// Delivers until nothing is under way. What `blocked` names is lost.
  void deliver() {
    for (auto quiet = false; !quiet;) {
      quiet = true;
      for (auto& [id, p] : peers_) {
        p->pump();
        for (auto& m : p->sent()) {
          quiet = false;
          auto const to = peers_.find(m.to.value);
          if (blocked && blocked(m)) continue;
          if (seen) seen(m);
          if (to != peers_.end()) to->second->step(std::move(m));
        }
      }
    }
  }
  /// Time passes for all, with delivery after each tick.
  void tick(std::uint32_t times = 1) {
    for (; times > 0; --times) {
      for (auto& [id, p] : peers_) p->tick();
      deliver();
    }
  }
  /// Time passes for all until one of `ids` leads in the newest term; which.
  std::uint64_t elect_any(std::initializer_list<std::uint64_t> ids) {
    for (int i = 0; i < 200; ++i) {
      tick();
      auto newest = term{};
      for (auto const& [id, p] : peers_) newest = std::max(newest, p->see().term);
      for (auto const id : ids)
        if ((*this)[id].leads() && (*this)[id].see().term == newest) return id;
    }
    FAIL("nobody was elected");
    return 0;
  }
  /// Time passes for one peer only until it has won.
  void elect(std::uint64_t id) {
    for (int i = 0; i < 100 && !(*this)[id].leads(); ++i) {
      (*this)[id].tick();
      deliver();
    }
    REQUIRE((*this)[id].leads());
    (*this)[id].tick(2);
    deliver();
  }
  void cut_off(std::uint64_t id) {
    blocked = [id](raft::message const& m) { return m.from.value == id || m.to.value == id; };
  }
  void heal() { blocked = {}; }

  std::function<bool(raft::message const&)> blocked;
  std::function<void(raft::message const&)> seen;

 private:
  std::map<std::uint64_t, std::unique_ptr<peer>> peers_;
};

// --- messages to peer 1 by hand ---

inline raft::message mail(message_kind kind, std::uint64_t from, std::uint64_t of_term, std::uint64_t to = 1) {
  raft::message m;
  m.kind = kind;
  m.from = peer_id{from};
  m.to = peer_id{to};
  m.term = term{of_term};
  return m;
}
inline raft::message append(std::uint64_t from, std::uint64_t of_term, position before, std::vector<raft::entry> what,
                            std::uint64_t commit = 0) {
  auto m = mail(message_kind::append, from, of_term);
  m.index = before.index;
  m.log_term = before.term;
  m.entries = std::move(what);
  m.commit = log_index{commit};
  return m;
}
inline raft::message vote_request(std::uint64_t from, std::uint64_t of_term, position last,
                                  message_kind kind = message_kind::vote_request) {
  auto m = mail(kind, from, of_term);
  m.index = last.index;
  m.log_term = last.term;
  return m;
}
inline raft::message reply(message_kind kind, std::uint64_t from, std::uint64_t of_term, bool refused = false) {
  auto m = mail(kind, from, of_term);
  m.refused = refused;
  return m;
}
inline raft::message accepted(std::uint64_t from, std::uint64_t of_term, std::uint64_t index) {
  auto m = mail(message_kind::append_reply, from, of_term);
  m.index = log_index{index};
  return m;
}
inline position at(std::uint64_t index, std::uint64_t of_term) { return {log_index{index}, term{of_term}}; }

/// Peer 1 of {1,2,3} leads alone with hand-made votes of peer 2; its first messages are thrown away.
inline void make_leader(peer& p) {
  for (int i = 0; i < 100 && p.see().role != role::pre_candidate && p.see().role != role::candidate; ++i) p.tick();
  if (p.see().role == role::pre_candidate) p.step(reply(message_kind::pre_vote_reply, 2, p.see().term.value + 1));
  p.step(reply(message_kind::vote_reply, 2, p.see().term.value));
  REQUIRE(p.leads());
}

}  // namespace raft_tests
