#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <map>

namespace tinykv::testing {

/// I-1: at most one leader per group and term, over all restarts (paper, figure 3). One checker per group.
class election_safety {
 public:
  /// Puts violations into `out`.
  explicit election_safety(findings& out) : out_(out) {}

  /// `who` is seen to lead in `t`: by its own state or by a message that only a leader sends. True the first time.
  bool leads(peer_id who, term t) {
    auto const [known, fresh] = leaders_.try_emplace(t, who);
    out_.expect(known->second == who, "I-1", [&] {
      return detail::say("peers", known->second) + detail::say(" and", who) + detail::say(" both lead in term", t);
    });
    return fresh;
  }
  /// How many terms had a leader.
  std::size_t terms() const noexcept { return leaders_.size(); }

 private:
  findings& out_;
  std::map<term, peer_id> leaders_;
};

}  // namespace tinykv::testing
