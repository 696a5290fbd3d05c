#pragma once

#include <tinykv/raft/values/entry.hpp>
#include <tinykv/testing/checkers/finding.hpp>

#include <map>

namespace tinykv::testing {

/// I-3: two logs that hold an entry of the same index and term hold the same entry there, and the same before it (paper,
/// 5.3). Because every entry is seen together with the term of the one before, comparing neighbours is enough.
class log_matching {
 public:
  /// Puts violations into `out`.
  explicit log_matching(findings& out) : out_(out) {}

  /// A log or a message holds `e` right after an entry of term `before`.
  void holds(raft::entry const& e, term before) {
    auto const [known, fresh] = entries_.try_emplace({e.index, e.term}, seen{e, before});
    if (fresh) return;
    out_.expect(known->second.entry == e, "I-3", [&] { return "two different entries stand at " + at(e); });
    out_.expect(known->second.before == before, "I-3", [&] {
      return "before " + at(e) + detail::say(" stands term", known->second.before) + detail::say(" in one log, term", before) +
             " in another";
    });
  }
  /// The entry that is known at a place; null if there is none.
  raft::entry const* find(position where) const {
    auto const found = entries_.find(where);
    return found == entries_.end() ? nullptr : &found->second.entry;
  }

 private:
  struct seen {
    raft::entry entry;
    term before;
  };
  static std::string at(raft::entry const& e) { return detail::say("index", e.index) + detail::say(" of term", e.term); }

  findings& out_;
  std::map<position, seen> entries_;
};

}  // namespace tinykv::testing
