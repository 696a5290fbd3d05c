#pragma once

#include <tinykv/raft/values/membership.hpp>
#include <tinykv/sim/disk.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <algorithm>
#include <map>
#include <vector>

namespace tinykv::testing {

/// I-7: an entry is committed only when a quorum of the voters holds it durably; both quorums while joint. Also keeps the
/// committed log, which never changes again.
class quorum_commit {
 public:
  /// Puts violations into `out`.
  explicit quorum_commit(findings& out) : out_(out) {}

  /// A peer takes `e` for committed, under `voters` or under the configuration that was in force `before` it was last looked
  /// at. `disk_of(store)` gives what that store holds durably of the group, or null. True iff nobody has taken this index
  /// for committed before.
  template <class DiskOf>
  bool committed(raft::entry const& e, raft::membership const& before, raft::membership const& voters, DiskOf&& disk_of) {
    auto const [known, fresh] = log_.try_emplace(e.index, e);
    out_.expect(known->second == e, "I-7", [&] { return detail::say("two different entries are committed at index", e.index); });
    if (!fresh) return false;
    auto const held = quorum(e, voters, disk_of) || (before != voters && quorum(e, before, disk_of));
    out_.expect(held, "I-7", [&] {
      return detail::say("index", e.index) + detail::say(" of term", e.term) + " is committed without a quorum of durable copies";
    });
    return true;
  }
  /// The same where the configuration has not changed.
  template <class DiskOf>
  bool committed(raft::entry const& e, raft::membership const& voters, DiskOf&& disk_of) {
    return committed(e, voters, voters, disk_of);
  }
  /// The committed entry at an index; null if it is not known.
  raft::entry const* find(log_index index) const {
    auto const found = log_.find(index);
    return found == log_.end() ? nullptr : &found->second;
  }
  /// Up to where entries are known to be committed.
  log_index last() const { return log_.empty() ? log_index{} : log_.rbegin()->first; }
  /// All of them.
  std::map<log_index, raft::entry> const& log() const noexcept { return log_; }

 private:
  template <class DiskOf>
  static bool quorum(raft::entry const& e, raft::membership const& group, DiskOf& disk_of) {
    return quorum(e, group.voters, disk_of) && (group.outgoing.empty() || quorum(e, group.outgoing, disk_of));
  }
  template <class DiskOf>
  static bool quorum(raft::entry const& e, std::vector<raft::member> const& voters, DiskOf& disk_of) {
    auto const copies = std::count_if(voters.begin(), voters.end(), [&](raft::member const& m) {
      sim::disk_group const* const disk = disk_of(m.store);
      if (disk == nullptr) return false;
      if (e.index <= disk->truncated.at.index) return true;
      auto const* const held = disk->find(e.index);
      return held != nullptr && *held == e;
    });
    return 2 * static_cast<std::size_t>(copies) > voters.size();
  }

  findings& out_;
  std::map<log_index, raft::entry> log_;
};

}  // namespace tinykv::testing
