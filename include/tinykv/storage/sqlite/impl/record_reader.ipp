#pragma once

#include <tinykv/storage/sqlite/detail/turn_directory.hpp>
#include <tinykv/storage/sqlite/detail/turn_format.hpp>
#include <tinykv/storage/sqlite/impl/database.ipp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::storage::detail {

/// Reads records in place; holds a read transaction while it lives.
class record_reader {
 public:
  explicit record_reader(connection const& db) : db_(db) {}
  record_reader(record_reader const&) = delete;
  record_reader& operator=(record_reader const&) = delete;
  ~record_reader() { sqlite3_blob_close(blob_); }

  /// The payload of the record at `at`, which must belong to `group`.
  result<bytes> payload(group_id group, place const& at) {
    auto const seq = static_cast<sqlite3_int64>(at.seq);
    auto const opened = blob_ == nullptr ? sqlite3_blob_open(db_.get(), "main", "turn", "body", seq, 0, &blob_)
                                         : sqlite3_blob_reopen(blob_, seq);
    if (opened != SQLITE_OK) return failed(at);
    if (std::uint64_t{at.offset} + at.size > static_cast<std::uint64_t>(sqlite3_blob_bytes(blob_))) return damaged(at);
    std::string raw(at.size, '\0');
    if (sqlite3_blob_read(blob_, raw.data(), static_cast<int>(at.size), static_cast<int>(at.offset)) != SQLITE_OK)
      return failed(at);
    codec::reader in{raw};
    auto const r = read_record(at.seq, at.offset, in);
    if (!r || !in.finished() || r->group != group) return damaged(at);
    first_ = r->index;
    return bytes::adopt(std::move(raw)).slice(record_header_size);
  }
  /// Appends the entries [from, to] of `e` until their cost passes `budget`, but at least one when `out` is empty. True
  /// iff all of them fitted.
  result<bool> entries(group_id group, extent const& e, log_index from, log_index to, std::uint64_t& budget,
                       std::vector<raft::entry>& out) {
    auto const block = payload(group, e.at);
    if (!block) return block.error();
    auto all = true;
    auto const sound = for_entries(*block, first_, from, to, [&](raft::entry entry) {
      auto const cost = raft::cost_of(entry);
      all = out.empty() || cost <= budget;
      if (all) out.push_back(std::move(entry));
      budget -= std::min(budget, cost);
      return all;
    });
    if (!sound) return damaged(e.at);
    return all;
  }

 private:
  failure failed(place const& at) const { return sqlite_failure(db_.get(), db_.path(), "read turn " + std::to_string(at.seq)); }
  failure damaged(place const& at) const {
    return corrupt_failure(db_.path(), "a record of turn " + std::to_string(at.seq) + " is not what was written");
  }

  connection const& db_;
  sqlite3_blob* blob_ = nullptr;
  log_index first_;  // of the record read last
};

}  // namespace tinykv::storage::detail
