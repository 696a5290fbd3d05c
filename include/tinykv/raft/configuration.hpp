#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/raft/quorum.hpp>
#include <tinykv/raft/values/encoding.hpp>
#include <tinykv/raft/values/state.hpp>

#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace tinykv::raft {

/// Who is in the group: the configuration in force, those before it that a compaction may still ask for, and the entries
/// of the log that will change it.
///
/// An entry takes effect when it is applied, iff it was made against the configuration then in force (SAFETY.md §6).
class configuration {
 public:
  /// `group` is in force after the entry `at`; nothing is known of later entries.
  void restore(log_index at, membership group) {
    in_force_.clear();
    in_force_.push_back({at, std::move(group)});
    pending_.clear();
  }

  membership const& now() const { return in_force_.back().group; }  ///< In force.
  log_index since() const { return in_force_.back().at; }           ///< The entry that made it so.
  /// In force after the entry `at`. Precondition: at is not before the last `forget`.
  membership const& after(log_index at) const {
    auto found = in_force_.begin();
    while (std::next(found) != in_force_.end() && std::next(found)->at <= at) ++found;
    return found->group;
  }
  /// True iff the log holds a configuration entry that is not applied.
  bool pending() const { return !pending_.empty(); }
  /// The first of them; nothing if there is none.
  std::optional<log_index> first_pending() const {
    return pending_.empty() ? std::nullopt : std::optional{pending_.front().at};
  }
  /// Where they are, rising.
  std::vector<log_index> pending_at() const {
    std::vector<log_index> out;
    for (auto const& p : pending_) out.push_back(p.at);
    return out;
  }
  /// The newest configuration of the log, whether it takes effect or not; the one in force if none is pending.
  membership const& newest() const { return pending_.empty() ? now() : pending_.back().group; }
  /// What will be in force when the first pending entry is applied; nullopt if that changes nothing.
  std::optional<membership> next() const {
    if (pending_.empty() || pending_.front().group.version != now().version + 1) return std::nullopt;
    return pending_.front().group;
  }

  /// `e` has been added to the log. `fatal` when it is a configuration entry that cannot be read.
  result<done> appended(entry const& e) {
    if (e.kind != entry_kind::configuration) return done{};
    auto change = decode_change(e.data);
    if (!change) return std::move(change).error();
    pending_.push_back({e.index, std::move(change->target)});
    return done{};
  }
  /// The entries from `from` on are no longer in the log.
  void cut(log_index from) {
    while (!pending_.empty() && pending_.back().at >= from) pending_.pop_back();
  }
  /// Everything up to `index` is applied. True iff another configuration is in force now.
  bool applied(log_index index) {
    auto changed = false;
    while (!pending_.empty() && pending_.front().at <= index) {
      if (next()) {
        in_force_.push_back(std::move(pending_.front()));
        changed = true;
      }
      pending_.pop_front();
    }
    return changed;
  }
  /// Nobody will ask what was in force before `index`.
  void forget(log_index index) {
    while (in_force_.size() > 1 && in_force_[1].at <= index) in_force_.pop_front();
  }

 private:
  struct step {
    log_index at;
    membership group;
  };
  std::deque<step> in_force_{{log_index{}, membership{}}};  // rising; never empty; versions rise by one
  std::deque<step> pending_;                                // rising
};

}  // namespace tinykv::raft
