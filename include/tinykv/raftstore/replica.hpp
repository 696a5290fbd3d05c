#pragma once

#include <tinykv/core/task.hpp>
#include <tinykv/policy/consensus.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/raft/quorum.hpp>
#include <tinykv/raftstore/proposals.hpp>
#include <tinykv/raftstore/read_view.hpp>
#include <tinykv/raftstore/reads.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace tinykv::raftstore {

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
  replica(group_id group, std::uint64_t incarnation, raft::options const& options, std::shared_ptr<Machine> machine)
      : group_(group), incarnation_(incarnation), core_(options), machine_(std::move(machine)) {}

  /// Takes up what log and machine hold.
  result<done> recover(raft::start_state start) {
    for (auto const& m : raft::all_members(start.truncated.configuration)) stores_[m.peer] = m.store;
    return core_.recover(std::move(start));
  }

  group_id group() const { return group_; }                          ///< Which group.
  std::uint64_t incarnation() const { return incarnation_; }         ///< Which replica of it.
  Consensus& consensus() { return core_; }                           ///< Inputs go there.
  Consensus const& consensus() const { return core_; }               ///< For status.
  std::shared_ptr<Machine> const& machine() const { return machine_; }  ///< Of the apply lane.
  std::shared_ptr<bool> const& broken() const { return broken_; }    ///< Apply lane: the machine has given up.
  std::optional<failure> const& fenced() const { return fenced_; }   ///< Set once the replica has stopped for good.

  /// A message from a peer on `sender`. Dropped when that peer is known to be elsewhere.
  void step(store_id sender, raft::message m) {
    if (fenced_) return;
    auto const known = stores_.find(m.from);
    if (known == stores_.end()) {
      if (stores_.size() >= peers_known_max) return;
      stores_.emplace(m.from, sender);
    } else if (known->second != sender) {
      return;
    }
    core_.step(std::move(m));
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

  /// Looks whether this peer still leads; answers the proposals that a lost leadership leaves open.
  void look_at_role() {
    auto const now = core_.brief();
    if (led_ && (now.role != raft::role::leader || now.term != *led_)) proposals_.lose_all(error_code::leadership_lost);
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
  }
  /// Where the machine stands after the start.
  void applied_at_start(log_index last) { applied_ = last; }

  /// One tick: deadlines, then the consensus.
  void tick(instant now) {
    proposals_.expire(now);
    reads_.expire(now);
    if (!fenced_) core_.tick();
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

 private:
  static constexpr std::size_t peers_known_max = 1024;

  result<position> admit(bytes command, std::size_t proposals_max) {
    if (fenced_) return failure{*fenced_};
    if (proposals_.size() >= proposals_max) return rejected(error_code::busy, "too many proposals are open");
    return core_.propose(std::move(command), core_.brief().term);
  }

  group_id group_;
  std::uint64_t incarnation_;
  Consensus core_;
  std::shared_ptr<Machine> machine_;
  std::shared_ptr<bool> broken_ = std::make_shared<bool>(false);
  proposals<reply> proposals_;
  reads<read_view<Machine>> reads_;
  std::map<peer_id, store_id> stores_;  // of the configuration, and of whoever has written
  std::optional<term> led_;             // the term in which this replica led when last looked at
  log_index applied_;
  std::optional<failure> fenced_;
};

}  // namespace tinykv::raftstore
