#pragma once

#include <tinykv/raft/values/ready.hpp>
#include <tinykv/raft/values/state.hpp>

#include <algorithm>
#include <vector>

namespace tinykv::testing::detail {

/// What the disk of one peer holds. Its log begins with entry 1.
struct consensus_disk {
  raft::hard_state state;
  raft::truncation begin;
  std::vector<raft::entry> log;

  log_index last() const { return log_index{log.size()}; }
  bool holds(raft::entry const& e) const {
    return e.index <= last() && log[static_cast<std::size_t>(e.index.value) - 1] == e;
  }
  void write(raft::ready const& r) {
    if (r.state) state = *r.state;
    if (!r.entries.empty()) log.resize(static_cast<std::size_t>(r.entries.front().index.value) - 1);
    log.insert(log.end(), r.entries.begin(), r.entries.end());
  }
  raft::start_state load(log_index applied) const {
    raft::start_state out;
    out.state = state;
    out.truncated = begin;
    out.last = last();
    out.applied = applied;
    for (auto const& e : log) {
      if (out.runs.empty() || out.runs.back().term != e.term) out.runs.push_back({e.index, e.term});
      if (e.index > state.commit) out.tail.push_back(e);
      if (e.kind == raft::entry_kind::configuration) out.configurations.push_back(e);
    }
    return out;
  }
  std::vector<raft::entry> read(raft::fetch_request const& r) const {
    std::vector<raft::entry> out;
    std::uint64_t cost = 0;
    for (auto i = r.from; i <= std::min(r.to, last()); ++i) {
      auto const& e = log[static_cast<std::size_t>(i.value) - 1];
      cost += raft::cost_of(e);
      if (!out.empty() && cost > r.bytes_max) break;
      out.push_back(e);
    }
    return out;
  }
};

}  // namespace tinykv::testing::detail
