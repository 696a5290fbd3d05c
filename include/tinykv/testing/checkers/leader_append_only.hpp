#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/raft/log_window.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <map>

namespace tinykv::testing {

/// I-2: a leader never changes or removes entries of its own log (paper, 5.3). Entries are told apart by their place; that
/// the same place means the same entry is I-3.
class leader_append_only {
 public:
  /// Puts violations into `out`.
  explicit leader_append_only(findings& out) : out_(out) {}

  /// The log of `who`, which leads in `t`.
  void leads(peer_id who, term t, raft::log_window const& log) {
    auto& seen = seen_[who];
    if (seen.in == t) {
      auto const now = log.term_at(seen.last.index);
      auto const compacted = seen.last.index < log.truncated().index;
      out_.expect(compacted || now == seen.last.term, "I-2", [&] {
        return detail::say("peer", who) + detail::say(", leader of term", t) + detail::say(", gave up its entry", seen.last.index);
      });
    }
    seen = {t, {log.last(), log.last_term()}};
  }

 private:
  struct last_seen {
    term in;
    position last;
  };
  findings& out_;
  std::map<peer_id, last_seen> seen_;
};

}  // namespace tinykv::testing
