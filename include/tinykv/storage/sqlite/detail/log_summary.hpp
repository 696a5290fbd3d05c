#pragma once

#include <tinykv/policy/log_storage.hpp>
#include <tinykv/storage/sqlite/detail/turn_directory.hpp>
#include <tinykv/storage/sqlite/detail/turn_format.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace tinykv::storage::detail {

/// Gathers what `load` tells of one group, from extents in the order of the rows, which is that of the indexes but for
/// what was moved.
class log_summary {
 public:
  /// The entries of `e`, from its record's payload, which begins at `record_first`. False when they are malformed.
  bool add(extent const& e, log_index record_first, bytes const& payload, log_index commit) {
    if (pieces_.empty() || pieces_.back().last + 1 != e.first) pieces_.push_back({e.first, e.first, {}, {}, {}});
    auto& to = pieces_.back();
    return for_entries(payload, record_first, e.first, e.last, [&](raft::entry entry) {
      to.last = entry.index;
      bytes_ += raft::cost_of(entry);
      if (to.runs.empty() || to.runs.back().term != entry.term) to.runs.push_back({entry.index, entry.term});
      if (entry.kind == raft::entry_kind::configuration) to.configurations.push_back(entry);
      if (entry.index > commit) to.tail.push_back(std::move(entry));
      return true;
    });
  }
  policy::group_log finish(group_id id, turn_directory::group_places const& places) && {
    policy::group_log out{id, places.state, places.truncated, {}, places.last(), {}, {}, bytes_};
    std::sort(pieces_.begin(), pieces_.end(), [](piece const& a, piece const& b) { return a.first < b.first; });
    for (auto& from : pieces_) {
      for (auto const& run : from.runs)
        if (out.runs.empty() || out.runs.back().term != run.term) out.runs.push_back(run);
      std::move(from.tail.begin(), from.tail.end(), std::back_inserter(out.tail));
      std::move(from.configurations.begin(), from.configurations.end(), std::back_inserter(out.configurations));
    }
    return out;
  }

 private:
  struct piece {
    log_index first;
    log_index last;
    std::vector<raft::term_run> runs;
    std::vector<raft::entry> tail;
    std::vector<raft::entry> configurations;
  };
  std::vector<piece> pieces_;
  std::uint64_t bytes_ = 0;
};

}  // namespace tinykv::storage::detail
