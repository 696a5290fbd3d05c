#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/core/task.hpp>
#include <tinykv/core/time.hpp>
#include <tinykv/policy/consensus.hpp>
#include <tinykv/raft/quorum.hpp>

#include <algorithm>
#include <list>
#include <optional>
#include <utility>

namespace tinykv::raftstore {

/// The next configuration on the way from `now` to `target`; nullopt when nothing is left to do (SAFETY.md §6): new members
/// come as learners, then one change promotes and demotes, then those who are out are dropped.
inline std::optional<raft::membership> next_step(raft::membership const& now, raft::membership const& target) {
  using raft::contains;
  auto const add = [](std::vector<raft::member>& list, raft::member const& m) {
    list.insert(std::upper_bound(list.begin(), list.end(), m, [](auto const& a, auto const& b) { return a.peer < b.peer; }), m);
  };
  auto step = raft::membership{0, now.voters, {}, now.learners};
  auto fresh = false;
  for (auto const* list : {&target.voters, &target.learners})
    for (auto const& m : *list)
      if (!raft::is_member(now, m.peer)) {
        add(step.learners, m);
        fresh = true;
      }
  if (fresh) return step;
  auto const same_voters = std::equal(now.voters.begin(), now.voters.end(), target.voters.begin(), target.voters.end(),
                                      [](auto const& a, auto const& b) { return a.peer == b.peer; });
  if (!same_voters) {
    step.voters = target.voters;
    step.learners.clear();
    for (auto const& m : now.learners)
      if (!contains(target.voters, m.peer)) add(step.learners, m);
    for (auto const& m : now.voters)
      if (!contains(target.voters, m.peer)) add(step.learners, m);
    return step;
  }
  if (now.voters == target.voters && now.learners == target.learners) return std::nullopt;
  return raft::membership{0, target.voters, {}, target.learners};
}

/// `target` with the peers that its stores have, or will have: who is a member keeps its peer, a new one gets an id that was
/// never used. A member that names its peer keeps that; an address that is left out is the one that is known.
inline raft::membership resolve(raft::membership target, raft::membership const& now) {
  auto highest = raft::highest_peer(now);
  auto const known = raft::all_members(now);
  for (auto* list : {&target.voters, &target.learners})
    for (auto& m : *list) {
      auto const same = std::find_if(known.begin(), known.end(), [&](auto const& k) { return k.store == m.store; });
      if (m.peer == peer_id{}) m.peer = same != known.end() ? same->peer : ++highest;
      if (m.address.empty() && same != known.end() && same->peer == m.peer) m.address = same->address;
    }
  for (auto* list : {&target.voters, &target.learners})
    std::sort(list->begin(), list->end(), [](auto const& a, auto const& b) { return a.peer < b.peer; });
  return target;
}

/// Changes of members that clients wait for, one group. Each is driven step by step as long as this peer leads; it is done
/// when the final configuration is in force, and doing it again does nothing.
class changes {
 public:
  /// Takes the configuration that was asked for, in force.
  using answer = unique_function<void(result<raft::membership>)>;

  std::size_t size() const { return open_.size(); }  ///< How many wait.
  bool empty() const { return open_.empty(); }       ///< True iff none does.

  /// A client asks for the voters and learners of `target`, named by their stores (`resolve`). Driven one after another.
  void add(raft::membership target, instant deadline, answer done) {
    target.version = 0;
    target.outgoing.clear();
    open_.push_back({std::move(target), deadline, std::move(done), false, false});
  }
  /// Something has happened to `core`: the next step, if it can be taken. `leader_store` is where the leader is, 0 = not
  /// known.
  template <policy::Consensus C>
  void drive(C& core, peer_id self, store_id leader_store) {
    while (!open_.empty() && drive_front(core, self, leader_store)) {}
  }
  /// Those whose time is over.
  void expire(instant now) {
    for (auto it = open_.begin(); it != open_.end();) {
      if (it->deadline > now) ++it;
      else it = answer_lost(it, error_code::deadline, "the members have not changed in time");
    }
  }
  /// All end.
  void lose_all(error_code why) {
    while (!open_.empty()) answer_lost(open_.begin(), why, "the members may or may not change; look, then ask again");
  }

 private:
  struct change {
    raft::membership target;
    instant deadline;
    answer done;
    bool begun;   // an entry of it may be in a log
    bool handed;  // this leader, who is to leave, has tried to hand over first
  };
  using place = std::list<change>::iterator;

  place answer_with(place it, result<raft::membership> what) {
    auto done = std::move(it->done);
    auto const next = open_.erase(it);
    done(std::move(what));
    return next;
  }
  place answer_lost(place it, error_code why, char const* text) {
    return answer_with(it, it->begun ? unknown(why, text) : rejected(why, text));
  }

  // True iff the front one was answered.
  template <class C>
  bool drive_front(C& core, peer_id self, store_id leader_store) {
    auto& front = open_.front();
    auto const now = core.brief();
    if (now.role != raft::role::leader) {
      if (front.handed && !front.begun && leader_store == store_id{}) return false;  // who comes next is known soon
      auto const hint = leader_store.value;
      answer_with(open_.begin(), front.begun ? unknown(error_code::leadership_lost, "another peer leads; ask it to finish the change", hint)
                                             : rejected(error_code::not_leader, "this peer does not lead the group", hint));
      return true;
    }
    auto const& members = core.members();
    if (now.transferee != peer_id{} || core.status().change_pending || raft::is_joint(members)) return false;
    auto const target = resolve(front.target, members);
    if (auto const fault = raft::fault_of(target)) {
      answer_with(open_.begin(), rejected(error_code::invalid_argument, std::string{*fault}));
      return true;
    }
    auto step = next_step(members, target);
    if (!step) {
      answer_with(open_.begin(), raft::membership{members});
      return true;
    }
    // A leader that leaves hands over first, and the next one makes the change: then nobody waits for a peer that is gone.
    if (!raft::contains(step->voters, self) && !std::exchange(front.handed, true))
      for (auto const& m : step->voters)
        if (raft::is_voter(members, m.peer) && core.transfer_to(m.peer)) return false;
    auto const at = core.change_membership(std::move(*step), members.version);
    if (at) front.begun = true;
    if (at || at.error().code == error_code::busy) return false;
    answer_with(open_.begin(), front.begun ? unknown(at.error().code, at.error().detail) : at.error());
    return true;
  }

  std::list<change> open_;
};

/// Handovers of the leadership that clients wait for, one group.
class handovers {
 public:
  /// Told how it went.
  using answer = unique_function<void(result<done>)>;

  std::size_t size() const { return open_.size(); }  ///< How many wait.

  /// `to` has begun to take over.
  void add(peer_id to, instant deadline, answer done) { open_.push_back({to, deadline, std::move(done)}); }
  /// The role of this peer, looked at after something happened.
  void look(raft::brief const& now, std::uint64_t leader_store) {
    answer_if([&](handover const& h) -> std::optional<result<done>> {
      if (now.role == raft::role::leader && now.transferee == h.to) return std::nullopt;
      if (now.role == raft::role::leader) return result<done>{rejected(error_code::busy, "the successor did not take over in time; this peer leads on")};
      if (now.leader == h.to) return result<done>{done{}};
      if (now.leader == peer_id{}) return std::nullopt;
      return result<done>{rejected(error_code::not_leader, "another peer leads now", leader_store)};
    });
  }
  /// Those whose time is over.
  void expire(instant now) {
    answer_if([&](handover const& h) -> std::optional<result<done>> {
      if (h.deadline > now) return std::nullopt;
      return result<done>{unknown(error_code::deadline, "the successor has not been seen to lead in time")};
    });
  }
  /// All end.
  void lose_all(error_code why) {
    answer_if([&](handover const&) { return std::optional<result<done>>{unknown(why, "the handover may or may not succeed")}; });
  }

 private:
  struct handover {
    peer_id to;
    instant deadline;
    answer done;
  };
  template <class F>
  void answer_if(F judge) {
    for (auto it = open_.begin(); it != open_.end();) {
      auto verdict = judge(*it);
      if (!verdict) {
        ++it;
        continue;
      }
      auto told = std::move(it->done);
      it = open_.erase(it);
      told(std::move(*verdict));
    }
  }

  std::list<handover> open_;
};

}  // namespace tinykv::raftstore
