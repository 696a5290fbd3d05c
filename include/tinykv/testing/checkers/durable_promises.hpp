#pragma once

#include <tinykv/policy/log_storage.hpp>
#include <tinykv/raft/values/message.hpp>
#include <tinykv/raft/values/ready.hpp>
#include <tinykv/sim/disk.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <map>

namespace tinykv::testing {

/// I-6: promises are durable. What a peer tells others is on its disk when it is sent; term, vote and commit never fall,
/// on the disk over crashes, in memory within a life (SAFETY.md §1).
class durable_promises {
 public:
  /// Puts violations into `out`.
  explicit durable_promises(findings& out) : out_(out) {}

  /// A group is about to change on a disk.
  void persisting(store_id store, sim::disk_group const& before, policy::log_write const& write) {
    if (!write.state) return;
    auto const& now = *write.state;
    out_.expect(now.term >= before.state.term, "I-6", [&] {
      return detail::say("store", store) + detail::say(" stores term", now.term) + detail::say(" over term", before.state.term);
    });
    if (now.vote != peer_id{}) {
      auto const [cast, fresh] = votes_.try_emplace({store, now.term}, now.vote);
      out_.expect(cast->second == now.vote, "I-6", [&] {
        return detail::say("store", store) + detail::say(" votes for peers", cast->second) + detail::say(" and", now.vote) +
               detail::say(" in term", now.term);
      });
    }
    out_.expect(now.term != before.state.term || now.vote == before.state.vote || before.state.vote == peer_id{}, "I-6",
                [&] { return detail::say("store", store) + detail::say(" forgets its vote in term", now.term); });
  }

  /// The store sends `m`, and this is what its disk holds of the group.
  void sent(store_id store, sim::disk_group const& disk, raft::message const& m) {
    using kind = raft::message_kind;
    auto const expect = [&](bool fact, char const* what) {
      out_.expect(fact, "I-6", [&] { return detail::say("store", store) + " " + what + detail::say(", in term", m.term); });
    };
    if (m.kind != kind::pre_vote_request && m.kind != kind::pre_vote_reply)
      expect(disk.state.term >= m.term, "speaks in a term that its disk does not know");
    switch (m.kind) {
      case kind::vote_request:
        expect(bound(store, disk, m.term, m.from), "asks for votes before its own is durable");
        expect(gave_up(store, disk, m.term) || holds(disk, {m.index, m.log_term}), "asks for votes with a log that is not durable");
        break;
      case kind::vote_reply:
        if (m.refused) break;
        expect(bound(store, disk, m.term, m.to), "grants a vote that is not durable");
        expect(granted_.try_emplace({store, m.term}, m.to).first->second == m.to, "grants two votes");
        break;
      case kind::append_reply:
        expect(m.refused || m.index <= disk.last().index, "acknowledges entries that are not durable");
        break;
      case kind::append:
      case kind::heartbeat: expect(bound(store, disk, m.term, m.from), "leads before its own vote is durable"); break;
      default: break;
    }
  }

  /// Another peer of the group is on this store, or none: indices begin anew; the promises of votes stay.
  void peer_changed(store_id store) { seen_.erase(store); }

  /// The state in memory of a store, in its `life`.
  void observe(store_id store, std::uint64_t life, raft::status const& now) {
    auto& before = seen_[store];
    if (before.life == life) {
      auto const expect = [&](bool fact, char const* what) {
        out_.expect(fact, "I-6", [&] { return detail::say("store", store) + ": " + what + " fell"; });
      };
      expect(now.term >= before.status.term, "the term");
      expect(now.commit >= before.status.commit, "the commit index");
      expect(now.applied >= before.status.applied, "the applied index");
      out_.expect(now.term != before.status.term || before.status.vote == peer_id{} || now.vote == before.status.vote, "I-6",
                  [&] { return detail::say("store", store) + detail::say(" changed its vote in term", now.term); });
    }
    out_.expect(now.applied <= now.commit && now.commit <= now.last && now.first <= now.last + 1, "I-6", [&] {
      return detail::say("store", store) + detail::say(": not in order: applied", now.applied) + detail::say(", commit", now.commit) +
             detail::say(", last", now.last);
    });
    before = {life, now};
  }

 private:
  struct last_seen {
    std::uint64_t life = ~std::uint64_t{0};
    raft::status status;
  };
  // A later term on the disk binds as well: nothing can be won or cast in the earlier one any more.
  bool bound(store_id store, sim::disk_group const& disk, term in, peer_id candidate) const {
    if (disk.state.term > in) return true;
    auto const cast = votes_.find({store, in});
    return cast != votes_.end() && cast->second == candidate;
  }
  // A candidate that has stepped down may have taken in another log before its requests leave: it can win no more.
  bool gave_up(store_id store, sim::disk_group const& disk, term in) const {
    auto const seen = seen_.find(store);
    auto const same_term = seen != seen_.end() && seen->second.status.term == in;
    auto const stepped_down = same_term && (seen->second.status.role == raft::role::follower ||
                                            seen->second.status.role == raft::role::pre_candidate);  // and asks anew
    return disk.state.term > in || stepped_down;
  }
  static bool holds(sim::disk_group const& disk, position where) {
    if (where.index <= disk.truncated.at.index) return true;
    auto const* const e = disk.find(where.index);
    return e != nullptr && e->term == where.term;
  }

  findings& out_;
  std::map<std::pair<store_id, term>, peer_id> votes_;    // as they reached the disks
  std::map<std::pair<store_id, term>, peer_id> granted_;  // as they were told
  std::map<store_id, last_seen> seen_;
};

}  // namespace tinykv::testing
