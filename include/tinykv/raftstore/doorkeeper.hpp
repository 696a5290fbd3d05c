#pragma once

#include <tinykv/policy/transport.hpp>
#include <tinykv/raftstore/roster.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace tinykv::raftstore {

/// Lets other stores in, or not. A start that is news is remembered durably before its first message is taken, so that
/// this store cannot forget whom it has met (SAFETY.md §6).
class doorkeeper {
 public:
  /// Keeps the door for `who`.
  explicit doorkeeper(roster who) : who_(std::move(who)) {}

  roster const& who() const { return who_; }  ///< This store and whom it has met.

  /// A greeting: a refusal is answered at once and given back; otherwise the answer waits until the log batch that
  /// remembers the start is durable. `remember(record)` puts the store record into the open batch and gives its number.
  template <class F>
  std::optional<failure> greeted(store_identity const& from, store_id to, policy::receive_sink::verdict answer, F remember) {
    auto verdict = who_.judge(from, to);
    if (!verdict) {
      answer(verdict.error());
      return std::move(verdict).error();
    }
    if (*verdict == roster::verdict::news) {
      who_.remember(from);
      batch_ = remember(who_.encode());
    }
    waiting_.push_back({batch_, from, std::move(answer)});
    return std::nullopt;
  }
  /// All log batches up to `number` are durable: those who waited for one of them come in.
  void written(std::uint64_t number) {
    for (auto& g : std::exchange(waiting_, {})) {
      if (g.batch > number) waiting_.push_back(std::move(g));
      else if (who_.is_latest(g.from)) g.answer(done{});
      else g.answer(rejected(error_code::identity_refused, "a later start of this store has come meanwhile"));
    }
  }
  /// Nobody comes in any more.
  void close() {
    for (auto& g : std::exchange(waiting_, {})) g.answer(rejected(error_code::stopped, "this store does not serve"));
  }

 private:
  struct waiting_greeting {
    std::uint64_t batch;
    store_identity from;
    policy::receive_sink::verdict answer;
  };
  roster who_;
  std::uint64_t batch_ = 0;  // the log batch that makes the roster durable as it is
  std::vector<waiting_greeting> waiting_;
};

}  // namespace tinykv::raftstore
