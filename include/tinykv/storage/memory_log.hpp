#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/policy/log_storage.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace tinykv::storage {

/// A `LogStorage` in memory: for tests, examples and stores that are rebuilt from others. It never fails and never
/// blocks, and it is volatile: what it held is gone with the object, so a store over it joins under a new uuid at each
/// start (SAFETY.md §6).
///
/// Entries share their data with the batch that brought them. One thread at a time.
class memory_log {
 public:
  static constexpr bool durable = false;  ///< Nothing outlives the object.
  static constexpr bool blocks = false;   ///< May be called from the home lane.

  /// Everything that was committed to this object.
  result<policy::log_contents> load() {
    policy::log_contents out{store_record_, {}};
    for (auto const& [id, log] : groups_) out.groups.push_back(describe(id, log));
    return out;
  }

  /// Takes the batch in. A batch that breaks the caller's promise 8 is a broken assumption.
  result<done> commit(policy::log_batch const& batch) {
    for (auto const& write : batch.groups) take(groups_[write.group], write);
    if (batch.store_record) store_record_ = batch.store_record;
    return done{};
  }

  /// Entries `[from, to]`, cut at the end of the log and at `bytes_max`; at least one, or `rejected` (not_found).
  result<std::vector<raft::entry>> fetch(group_id group, log_index from, log_index to, std::uint64_t bytes_max) {
    auto const found = groups_.find(group);
    if (found == groups_.end()) return missing();
    auto const& entries = found->second.entries;
    if (entries.empty() || from < entries.front().index || from > entries.back().index || to < from) return missing();

    std::vector<raft::entry> out;
    std::uint64_t cost = 0;
    for (auto at = from - entries.front().index; at < entries.size() && entries[at].index <= to; ++at) {
      cost += raft::cost_of(entries[at]);
      if (!out.empty() && cost > bytes_max) break;
      out.push_back(entries[at]);
    }
    return out;
  }

 private:
  struct stored {
    raft::hard_state state;
    raft::truncation truncated;
    std::deque<raft::entry> entries;  // consecutive, the first one just above the truncation

    log_index last() const { return entries.empty() ? truncated.at.index : entries.back().index; }
  };

  static failure missing() { return rejected(error_code::not_found, "the log does not hold these entries"); }

  static void take(stored& log, policy::log_write const& write) {
    if (write.drop_entries) log.entries.clear();
    if (write.truncated) {
      TINYKV_CHECK(write.drop_entries || write.truncated->at.index <= log.last());
      TINYKV_CHECK(write.drop_entries || log.truncated.at.index <= write.truncated->at.index);
      log.truncated = *write.truncated;
      while (!log.entries.empty() && log.entries.front().index <= log.truncated.at.index) log.entries.pop_front();
    }
    if (!write.entries.empty()) {
      auto const first = write.entries.front().index;
      TINYKV_CHECK(first > log.truncated.at.index);
      TINYKV_CHECK(first <= log.last() + 1);
      while (!log.entries.empty() && log.entries.back().index >= first) log.entries.pop_back();
      for (auto const& entry : write.entries) {
        TINYKV_CHECK(entry.index == log.last() + 1);
        log.entries.push_back(entry);
      }
    }
    if (write.state) log.state = *write.state;
  }

  static policy::group_log describe(group_id id, stored const& log) {
    policy::group_log out{id, log.state, log.truncated, {}, log.last(), {}, {}, 0};
    for (auto const& entry : log.entries) {
      out.bytes += raft::cost_of(entry);
      if (out.runs.empty() || out.runs.back().term != entry.term) out.runs.push_back({entry.index, entry.term});
      if (entry.index > log.state.commit) out.tail.push_back(entry);
      if (entry.kind == raft::entry_kind::configuration) out.configurations.push_back(entry);
    }
    return out;
  }

  std::map<group_id, stored> groups_;
  std::optional<bytes> store_record_;
};

static_assert(policy::LogStorage<memory_log>);

}  // namespace tinykv::storage
