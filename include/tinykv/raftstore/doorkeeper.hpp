#pragma once

#include <tinykv/policy/transport.hpp>
#include <tinykv/raftstore/roster.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace tinykv::raftstore {

/// Lets other stores in, or not. A start that is news is remembered durably before its first message is taken, so that
/// this store cannot forget whom it has met (SAFETY.md §6).
class doorkeeper {
 public:
  /// Keeps the door for `who`.
  explicit doorkeeper(roster who) : who_(std::move(who)) {}

  roster const& who() const { return who_; }  ///< This store and whom it has met.

  /// A greeting: a refusal is answered at once and given back; otherwise the answer waits until the log batch that
  /// remembers the start is durable. `remember(record)` puts the store record into the open batch and gives its number;
  /// `is_member(store)` says whether the configuration of some group here names a store. One greeting of each store waits:
  /// the connection of one before is refused, since the store has left it behind.
  template <class IsMember, class Remember>
  std::optional<failure> greeted(store_identity const& from, store_id to, policy::receive_sink::verdict answer, IsMember is_member,
                                 Remember remember) {
    auto verdict = who_.judge(from, to);
    // A store that no configuration here names may be a member by one that has not come here yet, and ask for a vote: it is
    // let in. But such stores never take the places of members.
    auto const strange = verdict && !who_.has_met(from.store) && !is_member(from.store);
    if (strange && who_.count_met(std::not_fn(is_member)) >= roster::strangers_max)
      verdict = rejected(error_code::identity_refused, "too many stores that are no members have been met");
    if (!verdict) {
      answer(verdict.error());
      return std::move(verdict).error();
    }
    if (*verdict == roster::verdict::news) {
      who_.remember(from);
      batch_ = remember(who_.encode());
    }
    auto before = std::exchange(waiting_[from.store], {batch_, from, std::move(answer)});
    if (before.answer) before.answer(overtaken(before.from == from));
    return std::nullopt;
  }
  /// All log batches up to `number` are durable: those who waited for one of them come in.
  void written(std::uint64_t number) {
    for (auto& [store, g] : std::exchange(waiting_, {})) {
      if (g.batch > number) waiting_.emplace(store, std::move(g));
      else g.answer(done{});
    }
  }
  /// How many greetings wait for the disk; at most one for each store that was met.
  std::size_t waiting() const { return waiting_.size(); }
  /// Nobody comes in any more.
  void close() {
    for (auto& [store, g] : std::exchange(waiting_, {})) g.answer(rejected(error_code::stopped, "this store does not serve"));
  }

 private:
  struct waiting_greeting {
    std::uint64_t batch = 0;
    store_identity from;
    policy::receive_sink::verdict answer;
  };
  static failure overtaken(bool by_the_same_start) {
    return rejected(error_code::identity_refused, by_the_same_start ? "the store has connected anew meanwhile"
                                                                    : "a later start of this store has come meanwhile");
  }

  roster who_;
  std::uint64_t batch_ = 0;  // the log batch that makes the roster durable as it is
  std::map<store_id, waiting_greeting> waiting_;
};

}  // namespace tinykv::raftstore
