#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/failure.hpp>
#include <tinykv/raft/values/entry.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace tinykv::testing {

/// I-16: every proposal is answered exactly once: ok only for the very entry that was proposed, `rejected` only if it is in
/// no log that counts, ever; `unknown` leaves all open. Commands must differ from each other.
class proposal_answers {
 public:
  /// Puts violations into `out`.
  explicit proposal_answers(findings& out) : out_(out) {}

  /// A client proposes; gives the number of the call.
  std::uint64_t proposed(bytes command) {
    calls_.push_back({std::move(command), false});
    return calls_.size() - 1;
  }
  /// The call came back with success, for the entry at `index`.
  void succeeded(std::uint64_t call, log_index index) {
    if (!answer(call)) return;
    claims_.emplace_back(index, call);
  }
  /// The call came back with a failure.
  void failed(std::uint64_t call, outcome how) {
    if (!answer(call)) return;
    if (how != outcome::rejected) return;
    auto const [known, fresh] = refused_.emplace(calls_[static_cast<std::size_t>(call)].command.str());
    out_.expect(fresh, "I-16", [&] { return "a command was proposed twice, after it had been refused: " + *known; });
    out_.expect(committed_.count(*known) == 0, "I-16", [&] { return "refused, but it is committed: " + quoted(*known); });
  }
  /// The store of the call died, or the client does not wait any more: no answer is due.
  void abandoned(std::uint64_t call) { calls_[static_cast<std::size_t>(call)].closed = true; }
  /// Calls that wait for their answer.
  std::size_t open() const {
    std::size_t count = 0;
    for (auto const& each : calls_) count += !each.closed;
    return count;
  }

  /// An entry became committed.
  void committed(raft::entry const& e) {
    if (e.data.empty() || e.kind != raft::entry_kind::command) return;
    auto const [place, fresh] = committed_.emplace(e.data.str(), e.index);
    out_.expect(fresh, "I-16", [&] {
      return detail::say("one proposal is committed twice, at index", place->second) + detail::say(" and", e.index);
    });
    out_.expect(refused_.count(place->first) == 0, "I-16", [&] { return "refused, but it is committed: " + quoted(place->first); });
  }
  /// Compares the successes since the last call of this function with what is committed.
  void settle() {
    for (auto const& [index, call] : claims_) {
      auto const& command = calls_[static_cast<std::size_t>(call)].command;
      auto const place = committed_.find(command.str());
      out_.expect(place != committed_.end() && place->second == index, "I-16", [&, at = index] {
        return detail::say("a client was told that its command is at index", at) + ", where it is not: " + quoted(command.str());
      });
    }
    claims_.clear();
  }

 private:
  struct call_state {
    bytes command;
    bool closed;
  };
  static std::string quoted(std::string const& command) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (auto const c : command) {
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
  }
  bool answer(std::uint64_t call) {
    auto& state = calls_[static_cast<std::size_t>(call)];
    out_.expect(!state.closed, "I-16", [&] { return detail::say("a second answer came to call", call); });
    return !std::exchange(state.closed, true);
  }

  findings& out_;
  std::vector<call_state> calls_;
  std::set<std::string> refused_;
  std::map<std::string, log_index> committed_;
  std::vector<std::pair<log_index, std::uint64_t>> claims_;
};

}  // namespace tinykv::testing
