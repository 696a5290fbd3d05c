#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/raft/log_window.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <vector>

namespace tinykv::testing {

/// I-4: an entry that was committed in some term is in the log of every leader of a later term (paper, 5.4.3).
class leader_completeness {
 public:
  /// Puts violations into `out`.
  explicit leader_completeness(findings& out) : out_(out) {}

  /// `where` became committed, in term `in` or before. Indices rise.
  void committed(position where, term in) { committed_.push_back({where, in}); }

  /// `who` begins to lead in `t` with this log.
  void elected(peer_id who, term t, raft::log_window const& log) {
    for (auto const& c : committed_) {
      if (c.in >= t || c.where.index <= log.truncated().index) continue;
      auto const held = log.term_at(c.where.index);
      out_.expect(held == c.where.term, "I-4", [&] {
        return detail::say("peer", who) + detail::say(" leads in term", t) + detail::say(" without index", c.where.index) +
               detail::say(" of term", c.where.term) + detail::say(", committed in term", c.in);
      });
      if (held != c.where.term) return;
    }
  }

 private:
  struct fact {
    position where;
    term in;
  };
  findings& out_;
  std::vector<fact> committed_;
};

}  // namespace tinykv::testing
