#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/storage/sqlite/detail/turn_format.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace tinykv::storage::detail {

/// Where a record lies.
struct place {
  std::uint64_t seq = 0;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;  // header and payload

  friend bool operator==(place const&, place const&) = default;
};

/// The entries of one record that are still in force: [first, last] of the `count` that it holds.
struct extent {
  log_index first;
  log_index last;
  place at;
  std::uint64_t count = 0;

  /// Its part of the record's bytes.
  std::uint64_t bytes() const { return (last - first + 1 == count) ? at.size : at.size * (last - first + 1) / count; }
};

/// Where everything that is alive lies, and how much of each row that is. Built by folding the records of all rows in
/// order; a later record wins, so a conflict deletes nothing on disk. A row in front that nothing points to can go.
class turn_directory {
 public:
  struct group_places {
    std::map<log_index, extent> extents;  // by first index; disjoint
    raft::hard_state state;
    std::optional<place> state_at;
    raft::truncation truncated;
    std::optional<place> truncated_at;

    log_index last() const { return extents.empty() ? truncated.at.index : extents.rbegin()->second.last; }
    /// Nothing is missing between the truncation and the last entry.
    bool whole() const {
      auto last = truncated.at.index;
      for (auto const& [first, e] : extents) {
        if (last == log_index{~std::uint64_t{0}} || first != last + 1) return false;
        last = e.last;
      }
      return true;
    }
  };

  /// Opens row `seq`, of `size` bytes. Rows rise by one.
  void add_row(std::uint64_t seq, std::uint64_t size) {
    TINYKV_CHECK(rows_.empty() || seq == front_ + rows_.size());
    if (rows_.empty()) front_ = seq;
    rows_.push_back({size, 0, 0});
    bytes_total_ += size;
  }
  /// Tells the size of the last row, when it was not known before.
  void resize_last_row(std::uint64_t size) {
    bytes_total_ += size - rows_.back().size;
    rows_.back().size = size;
  }
  void drop_front() {
    TINYKV_CHECK(rows_.front().pins == 0);
    bytes_total_ -= rows_.front().size;
    rows_.pop_front();
    ++front_;
  }

  void drop_entries(group_id group) { carve(groups_[group], log_index{}, log_index{~std::uint64_t{0}}); }
  void truncate(group_id group, raft::truncation t, place at) {
    auto& g = groups_[group];
    g.truncated = std::move(t);
    repin(g.truncated_at, at);
    carve(g, log_index{}, g.truncated.at.index);
  }
  void append(group_id group, extent e) {
    auto& g = groups_[group];
    carve(g, e.first, log_index{~std::uint64_t{0}});
    insert(g, e);
  }
  void move(group_id group, extent e) {
    auto& g = groups_[group];
    carve(g, e.first, e.last);
    insert(g, e);
  }
  void set_state(group_id group, raft::hard_state state, place at) {
    auto& g = groups_[group];
    g.state = state;
    repin(g.state_at, at);
  }
  void set_store_record(bytes record, place at) {
    store_record_ = std::move(record);
    repin(store_record_at_, at);
  }

  std::map<group_id, group_places> const& groups() const { return groups_; }
  group_places const* find(group_id group) const {
    auto const found = groups_.find(group);
    return found == groups_.end() ? nullptr : &found->second;
  }
  std::optional<bytes> const& store_record() const { return store_record_; }
  std::optional<place> const& store_record_at() const { return store_record_at_; }

  std::uint64_t front() const { return front_; }
  std::size_t rows() const { return rows_.size(); }
  bool front_dead() const { return rows_.front().pins == 0; }
  std::uint64_t front_bytes() const { return rows_.front().size; }
  std::uint64_t bytes_total() const { return bytes_total_; }
  std::uint64_t bytes_live() const { return bytes_live_; }

 private:
  struct row {
    std::uint64_t size;
    std::uint64_t pins;
    std::uint64_t live;
  };

  void pin(std::uint64_t seq, std::uint64_t size) {
    auto& r = rows_[static_cast<std::size_t>(seq - front_)];
    ++r.pins;
    r.live += size;
    bytes_live_ += size;
  }
  void unpin(std::uint64_t seq, std::uint64_t size) {
    auto& r = rows_[static_cast<std::size_t>(seq - front_)];
    --r.pins;
    r.live -= size;
    bytes_live_ -= size;
  }
  void repin(std::optional<place>& slot, place at) {
    if (slot) unpin(slot->seq, slot->size);
    slot = at;
    pin(at.seq, at.size);
  }
  void insert(group_places& g, extent const& e) {
    g.extents.emplace(e.first, e);
    pin(e.at.seq, e.bytes());
  }
  /// Nothing in [from, to] is in force any more.
  void carve(group_places& g, log_index from, log_index to) {
    auto it = g.extents.upper_bound(from);
    if (it != g.extents.begin() && std::prev(it)->second.last >= from) --it;
    while (it != g.extents.end() && it->second.first <= to) {
      auto const e = it->second;
      it = g.extents.erase(it);
      unpin(e.at.seq, e.bytes());
      if (e.first < from) insert(g, {e.first, from - 1, e.at, e.count});
      if (e.last > to) insert(g, {to + 1, e.last, e.at, e.count});
    }
  }

  std::map<group_id, group_places> groups_;
  std::optional<bytes> store_record_;
  std::optional<place> store_record_at_;
  std::deque<row> rows_;  // from front_ on
  std::uint64_t front_ = 0;
  std::uint64_t bytes_total_ = 0;
  std::uint64_t bytes_live_ = 0;
};

/// Folds a record of row `seq` in. False when it is well summed but malformed.
inline bool fold(turn_directory& directory, std::uint64_t seq, record const& r) {
  place const at{seq, r.offset, r.size};
  codec::reader in{r.payload};
  switch (r.kind) {
    case record_kind::drop: directory.drop_entries(r.group); return r.payload.empty();
    case record_kind::truncation: {
      auto t = raft::decode_truncation(in);
      if (!in.finished()) return false;
      directory.truncate(r.group, std::move(t), at);
      return true;
    }
    case record_kind::entries:
    case record_kind::moved: {
      auto const count = count_entries(r.payload, r.index);
      if (!count) return false;
      extent const e{r.index, r.index + (*count - 1), at, *count};
      r.kind == record_kind::entries ? directory.append(r.group, e) : directory.move(r.group, e);
      return true;
    }
    case record_kind::hard_state: {
      auto const state = raft::decode_hard_state(in);
      if (!in.finished()) return false;
      directory.set_state(r.group, state, at);
      return true;
    }
    case record_kind::store: directory.set_store_record(bytes::copy_of(r.payload), at); return true;
  }
  return false;
}

}  // namespace tinykv::storage::detail
