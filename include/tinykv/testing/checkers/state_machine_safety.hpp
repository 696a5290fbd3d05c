#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <cstdint>
#include <map>
#include <optional>

namespace tinykv::testing {

/// I-5: whoever has applied an index is in the same state after it; indices are applied once, in order.
class state_machine_safety {
 public:
  /// Puts violations into `out`.
  explicit state_machine_safety(findings& out) : out_(out) {}

  /// The store begins a new life with a machine that holds everything up to `applied`.
  void starts(store_id store, log_index applied) { last_[store] = applied; }
  /// The machine of `store` is in the state `digest` after the command at `index`.
  void applied(store_id store, log_index index, std::uint64_t digest) {
    auto& last = last_[store];
    out_.expect(index > last, "I-5", [&] {
      return detail::say("store", store) + detail::say(" applied index", index) + detail::say(" after", last);
    });
    last = index;
    auto const [known, fresh] = digests_.try_emplace(index, digest);
    out_.expect(known->second == digest, "I-5", [&] {
      return detail::say("store", store) + detail::say(" is in another state than others after index", index);
    });
    if (fresh && index == digests_.rbegin()->first) return;
    // A command that another replica never saw, between two that it did see.
    out_.expect(!fresh, "I-5", [&] {
      return detail::say("store", store) + detail::say(" applied a command at index", index) + " that others passed over";
    });
  }
  /// The state after the last command at or below `index`; nothing before the first.
  std::optional<std::uint64_t> digest_at(log_index index) const {
    auto const after = digests_.upper_bound(index);
    if (after == digests_.begin()) return std::nullopt;
    return std::prev(after)->second;
  }
  /// After the command at `index` the state itself, where it can be seen, is `state`. Not told for every index.
  void holds(store_id store, log_index index, std::uint64_t state) {
    auto const known = states_.try_emplace(index, state).first;
    out_.expect(known->second == state, "I-5", [&] {
      return detail::say("the data of store", store) + detail::say(" differ from others' after index", index);
    });
  }
  /// Where the last command at or below `index` stands; 0 if there is none.
  log_index command_at(log_index index) const {
    auto const after = digests_.upper_bound(index);
    return after == digests_.begin() ? log_index{} : std::prev(after)->first;
  }
  /// The last command that anyone has applied; 0 = none.
  log_index newest() const { return digests_.empty() ? log_index{} : digests_.rbegin()->first; }

 private:
  findings& out_;
  std::map<log_index, std::uint64_t> digests_;
  std::map<log_index, std::uint64_t> states_;
  std::map<store_id, log_index> last_;
};

}  // namespace tinykv::testing
