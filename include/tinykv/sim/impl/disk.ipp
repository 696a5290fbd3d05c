#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/sim/disk.hpp>

namespace tinykv::sim {

TINYKV_DECL void disk::apply(policy::log_write const& write) {
  // A caller that breaks its promises (LogStorage 8) would find no real disk that tells it.
  auto& group = groups_[write.group];
  if (write.drop_entries) group.entries.clear();
  if (write.truncated) {
    auto const last = group.entries.empty() ? group.truncated.at.index : group.entries.back().index;
    TINYKV_CHECK(write.drop_entries || write.truncated->at.index >= group.truncated.at.index);
    TINYKV_CHECK(write.drop_entries || write.truncated->at.index <= last || group.entries.empty());
    std::erase_if(group.entries, [&](raft::entry const& e) { return e.index <= write.truncated->at.index; });
    group.truncated = *write.truncated;
  }
  if (!write.entries.empty()) {
    auto const first = write.entries.front().index;
    TINYKV_CHECK(first > group.truncated.at.index);
    TINYKV_CHECK(first <= group.last().index + 1);
    group.entries.resize(static_cast<std::size_t>(first - group.truncated.at.index - 1));
    for (auto const& e : write.entries) {
      TINYKV_CHECK(e.index == group.last().index + 1);
      group.entries.push_back(e);
    }
  }
  if (write.state) group.state = *write.state;
}

TINYKV_DECL policy::log_contents disk::load() const {
  policy::log_contents out;
  out.store_record = store_record_;
  for (auto const& [id, group] : groups_) {
    policy::group_log log;
    log.group = id;
    log.state = group.state;
    log.truncated = group.truncated;
    log.last = group.last().index;
    for (auto const& e : group.entries) {
      log.bytes += raft::cost_of(e);
      if (log.runs.empty() || log.runs.back().term != e.term) log.runs.push_back({e.index, e.term});
      if (e.index > group.state.commit) log.tail.push_back(e);
      if (e.kind == raft::entry_kind::configuration) log.configurations.push_back(e);
    }
    out.groups.push_back(std::move(log));
  }
  return out;
}

TINYKV_DECL result<std::vector<raft::entry>> disk::fetch(group_id group, log_index from, log_index to,
                                                         std::uint64_t bytes_max) const {
  auto const* const log = find(group);
  if (log == nullptr || log->find(from) == nullptr || from > to)
    return rejected(error_code::not_found, "the simulated log does not hold these entries");
  std::vector<raft::entry> out;
  std::uint64_t cost = 0;
  for (auto index = from; index <= to && index <= log->last().index; ++index) {
    auto const& e = *log->find(index);
    cost += raft::cost_of(e);
    if (cost > bytes_max && !out.empty()) break;
    out.push_back(e);
  }
  return out;
}

TINYKV_DECL disk_group const* disk::find(group_id group) const {
  auto const found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

}  // namespace tinykv::sim
