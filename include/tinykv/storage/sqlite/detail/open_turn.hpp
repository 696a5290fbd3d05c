#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/storage/sqlite/detail/turn_directory.hpp>
#include <tinykv/storage/sqlite/detail/turn_format.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace tinykv::storage::detail {

/// The turn that is being made: what is put into its body is at once in the directory, which so is ahead of the disk
/// until the commit. Should that fail, nothing of the directory may be used again.
class open_turn {
 public:
  open_turn(turn_directory& directory, std::uint64_t seq, std::uint64_t record_bytes_max)
      : directory_(directory), seq_(seq), record_bytes_max_(record_bytes_max), body_(seq) {
    directory_.add_row(seq, 0);
  }

  std::uint64_t seq() const { return seq_; }
  std::size_t size() const { return body_.size(); }

  /// One group's part of a batch. A part that breaks the caller's promise 8 is a broken assumption.
  void take(policy::log_write const& write) {
    if (write.drop_entries) {
      body_.add(record_kind::drop, write.group, {}, {});
      directory_.drop_entries(write.group);
    }
    if (write.truncated) {
      TINYKV_CHECK(write.drop_entries || write.truncated->at.index <= last_of(write.group));
      TINYKV_CHECK(write.drop_entries || write.truncated->at.index >= truncated_of(write.group));
      put_truncation(write.group, *write.truncated);
    }
    if (!write.entries.empty()) put_entries(write.group, write.entries);
    if (write.state) put_state(write.group, *write.state);
  }
  /// What stands at the first entry's index and above is gone. In records of about `record_bytes_max`, so that a fetch
  /// need not read much more than it gives.
  void put_entries(group_id group, std::span<raft::entry const> all) {
    TINYKV_CHECK(all.front().index > truncated_of(group));
    TINYKV_CHECK(all.front().index - 1 <= last_of(group));
    std::uint64_t cost = 0;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      TINYKV_CHECK(i == 0 || all[i].index == all[i - 1].index + 1);
      auto const more = raft::cost_of(all[i]);
      if (i > begin && cost + more > record_bytes_max_) {
        directory_.append(group, put(record_kind::entries, group, all.subspan(begin, i - begin)));
        begin = i;
        cost = 0;
      }
      cost += more;
    }
    directory_.append(group, put(record_kind::entries, group, all.subspan(begin)));
  }
  /// Entries that are in force already, at a new place.
  void move_entries(group_id group, std::span<raft::entry const> same) {
    directory_.move(group, put(record_kind::moved, group, same));
  }
  void put_truncation(group_id group, raft::truncation t) {
    std::string payload;
    codec::writer out{payload};
    raft::encode(out, t);
    auto const at = place_of(body_.add(record_kind::truncation, group, t.at.index, payload));
    directory_.truncate(group, std::move(t), at);
  }
  void put_state(group_id group, raft::hard_state state) {
    std::string payload;
    codec::writer out{payload};
    raft::encode(out, state);
    directory_.set_state(group, state, place_of(body_.add(record_kind::hard_state, group, state.commit, payload)));
  }
  void put_store_record(bytes const& record) {
    auto const at = place_of(body_.add(record_kind::store, {}, {}, record.view()));
    directory_.set_store_record(bytes::copy_of(record.view()), at);
  }

  /// The body to be stored.
  std::string finish() && {
    auto body = std::move(body_).finish(directory_.front());
    directory_.resize_last_row(body.size());
    return body;
  }

 private:
  log_index last_of(group_id group) const {
    auto const* places = directory_.find(group);
    return places == nullptr ? log_index{} : places->last();
  }
  log_index truncated_of(group_id group) const {
    auto const* places = directory_.find(group);
    return places == nullptr ? log_index{} : places->truncated.at.index;
  }
  place place_of(record const& r) const { return {seq_, r.offset, r.size}; }
  extent put(record_kind kind, group_id group, std::span<raft::entry const> piece) {
    auto const r = body_.add(kind, group, piece.front().index, encode_entries(piece));
    return {piece.front().index, piece.back().index, place_of(r), piece.size()};
  }

  turn_directory& directory_;
  std::uint64_t seq_;
  std::uint64_t record_bytes_max_;
  turn_writer body_;
};

}  // namespace tinykv::storage::detail
