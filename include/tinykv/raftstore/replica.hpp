#pragma once

#include <tinykv/core/task.hpp>
#include <tinykv/policy/consensus.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/raft/quorum.hpp>
#include <tinykv/raftstore/changes.hpp>
#include <tinykv/raftstore/compaction.hpp>
#include <tinykv/raftstore/lanes.hpp>
#include <tinykv/raftstore/options.hpp>
#include <tinykv/raftstore/proposals.hpp>
#include <tinykv/raftstore/read_view.hpp>
#include <tinykv/raftstore/reads.hpp>
#include <tinykv/raftstore/snapshot_receiver.hpp>
#include <tinykv/raftstore/snapshot_sender.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace tinykv::raftstore {

/// A snapshot that was accepted and is being put in place (SAFETY.md §5).
struct installation {
  raft::snapshot_meta meta;            ///< What it holds.
  std::optional<std::uint64_t> batch;  ///< The log batch that begins the log anew; nothing before it is in the open batch.
  bool filling = false;                ///< The machine takes it in.
};

/// How far log and machine of a peer are cared for.
struct upkeep {
  log_index truncated;                 ///< The last entry that has left the log.
  log_index durable;                   ///< What the machine would have after a crash, by its last `sync` or snapshot file.
  bool syncing = false;                ///< A sync is under way.
  std::optional<instant> unsynced_since;  ///< When the machine was changed first since the last sync.
  log_size size;                       ///< Of the log.
};

/// One peer of one group on this store: its consensus, its machine, and what clients wait for. Belongs to the home lane;
/// the machine itself belongs to the apply lane.
template <policy::Consensus Consensus, policy::StateMachine Machine>
class replica {
 public:
  /// What the machine answers.
  using reply = typename Machine::reply;
  /// A read: uses a view, or is told why there is none.
  using reader = typename reads<read_view<Machine>>::reader;

  /// A peer of `group` that recovers next. `incarnation` differs from that of every other replica of this process.
  replica(group_id group, std::uint64_t incarnation, raft::options const& raft, options const& numbers, std::shared_ptr<Machine> machine)
      : sender(numbers.snapshots), receiver(numbers.snapshots), group_(group), incarnation_(incarnation), self_(raft.self),
        core_(raft), machine_(std::move(machine)) {}

  /// Takes up what log and machine hold.
  result<done> recover(raft::start_state start) {
    auto recovered = core_.recover(std::move(start));
    if (recovered) learn_members();
    return recovered;
  }
  /// Where the members of the configuration in force are.
  void learn_members() {
    for (auto const& m : raft::all_members(core_.members())) stores_[m.peer] = m.store;
  }

  /// True iff the configuration in force has a peer on that store.
  bool has_member_on(store_id store) const {
    auto const all = raft::all_members(core_.members());
    return std::any_of(all.begin(), all.end(), [&](raft::member const& m) { return m.store == store; });
  }

  group_id group() const { return group_; }                          ///< Which group.
  std::uint64_t incarnation() const { return incarnation_; }         ///< Which replica of it.
  peer_id self() const { return self_; }                             ///< Which peer.
  Consensus& consensus() { return core_; }                           ///< Inputs go there.
  Consensus const& consensus() const { return core_; }               ///< For status.
  std::shared_ptr<Machine> const& machine() const { return machine_; }  ///< Of the apply lane.
  std::shared_ptr<machine_state> const& machine_seen() const { return machine_state_; }  ///< Of the apply lane.
  log_index applied() const { return applied_; }                     ///< The machine has taken everything up to here.
  std::optional<failure> const& fenced() const { return fenced_; }   ///< Set once the replica has stopped for good.

  /// A message from a peer on `from`. Dropped when that peer is known to be elsewhere.
  void step(store_id from, raft::message m) {
    if (!fenced_ && !retiring && learn(m.from, from)) core_.step(std::move(m));
  }
  /// `peer` speaks from the store `from`: false if it is known to be elsewhere.
  bool learn(peer_id peer, store_id from) {
    auto const known = stores_.find(peer);
    if (known != stores_.end()) return known->second == from;
    if (stores_.size() >= peers_known_max) return false;
    stores_.emplace(peer, from);
    return true;
  }
  /// Where a peer is; 0 if it has never been heard of.
  store_id store_of(peer_id peer) const {
    auto const it = stores_.find(peer);
    return it == stores_.end() ? store_id{} : it->second;
  }

  /// From now on `who` is told of each answer to a proposal.
  void tell_answers(typename proposals<reply>::listener who) { proposals_.tell(std::move(who)); }
  /// Proposes a command in the current term; gives its entry, or the reason that `done` has been told.
  result<position> propose(bytes command, instant deadline, typename proposals<reply>::answer done, std::size_t proposals_max) {
    auto at = admit(std::move(command), proposals_max);
    if (!at) {
      done(failure{at.error()});
      return at;
    }
    led_ = at->term;  // perhaps this leadership ends before the next Ready is taken
    proposals_.add(*at, deadline, std::move(done));
    return at;
  }
  /// Asks for a view that holds everything acknowledged by now.
  void read(instant deadline, reader use, std::size_t reads_max) {
    if (fenced_) return use(failure{*fenced_});
    if (reads_.size() >= reads_max) return use(rejected(error_code::busy, "too many reads are open"));
    core_.read_index(reads_.add(deadline, std::move(use)));
  }
  /// The same through the log: waits for an entry of its own. Only the leader can.
  void read_through_log(instant deadline, reader use, std::size_t reads_max) {
    if (fenced_) return use(failure{*fenced_});
    if (reads_.size() >= reads_max) return use(rejected(error_code::busy, "too many reads are open"));
    auto const at = core_.propose_barrier(core_.brief().term);
    if (!at) return use(at.error());
    led_ = at->term;
    barriers_.push_back({at->index, reads_.add(deadline, std::move(use))});
  }
  /// Other members. `done` is told when they are in force, or why not.
  void change_membership(raft::membership target, instant deadline, changes::answer done, std::size_t changes_max) {
    if (fenced_) return done(failure{*fenced_});
    if (changes_.size() >= changes_max) return done(rejected(error_code::busy, "too many changes of members wait"));
    changes_.add(std::move(target), deadline, std::move(done));
    drive();
  }
  /// Another leader. `done` is told how it went.
  void transfer(peer_id to, instant deadline, handovers::answer done, std::size_t changes_max) {
    if (fenced_) return done(failure{*fenced_});
    if (handovers_.size() >= changes_max) return done(rejected(error_code::busy, "too many handovers wait"));
    if (auto const begun = core_.transfer_to(to); !begun) return done(begun.error());
    if (to == self_) return done(tinykv::done{});
    handovers_.add(to, deadline, std::move(done));
  }
  /// Something has happened: changes of members and handovers go on.
  void drive() {
    auto const now = core_.brief();
    auto const leader = store_of(now.leader);
    if (!changes_.empty()) changes_.drive(core_, self_, leader);
    if (handovers_.size() > 0) handovers_.look(now, leader.value);
  }

  /// Looks whether this peer still leads; answers the proposals that a lost leadership leaves open.
  void look_at_role() {
    auto const now = core_.brief();
    if (led_ && (now.role != raft::role::leader || now.term != *led_)) {
      proposals_.lose_all(error_code::leadership_lost);
      for (auto const& b : std::exchange(barriers_, {}))
        reads_.refuse(b.read, rejected(error_code::leadership_lost, "this peer leads no longer; read again"));
      sender.forget_all();
    }
    led_ = now.role == raft::role::leader ? std::optional{now.term} : std::nullopt;
  }
  /// Takes the next Ready; deals with reads that have their index, or get none.
  raft::ready take_ready() {
    auto out = core_.take_ready();
    for (auto const& r : out.reads) reads_.grant(r.read, r.index);
    for (auto& r : out.refused) reads_.refuse(r.read, std::move(r.reason));
    return out;
  }
  /// Reads whose index the machine has reached.
  std::vector<reader> ready_reads() { return reads_.ready(applied_); }

  /// The machine has taken everything up to `last`.
  void applied(log_index last, std::vector<std::pair<position, reply>> replies) {
    applied_ = last;
    core_.applied(last);
    for (auto& [at, answer] : replies) proposals_.applied(at, std::move(answer));
    for (; !barriers_.empty() && barriers_.front().at <= last; barriers_.pop_front()) reads_.grant(barriers_.front().read, last);
  }
  /// Where the machine stands after the start.
  void applied_at_start(position last) {
    applied_ = last.index;
    machine_state_->applied = last;
  }
  /// The snapshot that was accepted is in place.
  void installed(raft::snapshot_meta meta) {
    applied_ = meta.at.index;
    proposals_.passed_by(applied_);
    core_.installed(std::move(meta));
    learn_members();
  }

  /// One tick: deadlines, then the consensus.
  void tick(instant now) {
    proposals_.expire(now);
    reads_.expire(now);
    changes_.expire(now);
    handovers_.expire(now);
    if (!fenced_ && !retiring) core_.tick();
  }
  /// Stops for good: everything open is answered, nothing is taken in any more.
  void fence(failure const& why) {
    if (!fenced_) fenced_ = why;
    answer_all(why);
  }
  /// Answers everything that is open: proposals `unknown`, reads with `why`.
  void answer_all(failure const& why) {
    proposals_.lose_all(why.code);
    reads_.refuse_all(why);
    changes_.lose_all(why.code);
    handovers_.lose_all(why.code);
  }

  /// Messages that leave when a Ready is durable.
  struct held_messages {
    ticket number;                    ///< Of the Ready.
    std::uint64_t batch = 0;          ///< The log batch after which it is durable.
    std::vector<raft::message> late;  ///< What leaves then.
  };
  std::deque<held_messages> held;    ///< In the order of their tickets.
  std::uint64_t last_batch = 0;      ///< The newest log batch with writes of this replica.
  bool awake = false;                ///< To be looked at in this turn.
  raft::brief told;                  ///< What the observer was told last.
  snapshot_sender sender;            ///< To other peers.
  snapshot_receiver receiver;        ///< From a leader.
  std::optional<raft::snapshot_meta> verified;  ///< Of a file that is whole and waits to be judged again.
  std::optional<installation> install;  ///< Under way.
  upkeep care;                       ///< Of log and machine.
  bool retiring = false;             ///< No member any more: what is here is being cleared away.
  std::optional<std::uint64_t> left_by;    ///< The log batch after which that is certain, whatever comes.
  std::optional<std::uint64_t> buried_by;  ///< The log batch after which nothing of it is left.

 private:
  static constexpr std::size_t peers_known_max = 1024;

  result<position> admit(bytes command, std::size_t proposals_max) {
    if (fenced_) return failure{*fenced_};
    if (proposals_.size() >= proposals_max) return rejected(error_code::busy, "too many proposals are open");
    return core_.propose(std::move(command), core_.brief().term);
  }

  struct barrier {
    log_index at;
    read_id read;
  };

  group_id group_;
  std::uint64_t incarnation_;
  peer_id self_;
  Consensus core_;
  std::shared_ptr<Machine> machine_;
  std::shared_ptr<machine_state> machine_state_ = std::make_shared<machine_state>();
  proposals<reply> proposals_;
  reads<read_view<Machine>> reads_;
  std::list<barrier> barriers_;         // reads through the log, rising; of the leadership `led_`
  changes changes_;
  handovers handovers_;
  std::map<peer_id, store_id> stores_;  // of the configuration, and of whoever has written
  std::optional<term> led_;             // the term in which this replica led when last looked at
  log_index applied_;
  std::optional<failure> fenced_;
};

}  // namespace tinykv::raftstore
