#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/raft/log_window.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <map>

namespace tinykv::testing {

/// I-7, the other half: a leader moves its commit only to an entry of its own term. An older one on a quorum can still be
/// overwritten by a leader that never saw it (paper, 5.4.2, figure 8); what I-4 and I-5 would show only much later, and
/// rarely, shows here at once.
class commit_rule {
 public:
  /// Puts violations into `out`.
  explicit commit_rule(findings& out) : out_(out) {}

  /// `who` leads in `t`; this is its commit and its log.
  void leads(peer_id who, term t, log_index commit, raft::log_window const& log) {
    auto& before = seen_[who];
    if (before.in == t && commit > before.commit) {
      out_.expect(log.term_at(commit) == t, "I-7", [&] {
        return detail::say("peer", who) + detail::say(", leader of term", t) + detail::say(", commits index", commit) +
               detail::say(" by counting, which is of term", log.term_at(commit).value_or(term{}));
      });
    }
    before = {t, commit};
  }

 private:
  struct last_seen {
    term in;
    log_index commit;
  };
  findings& out_;
  std::map<peer_id, last_seen> seen_;
};

}  // namespace tinykv::testing
