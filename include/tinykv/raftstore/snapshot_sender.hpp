#pragma once

#include <tinykv/raft/values/ready.hpp>
#include <tinykv/raft/values/snapshot.hpp>
#include <tinykv/raftstore/options.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace tinykv::raftstore {

/// The snapshots that one peer sends to others: one file, made when somebody needs it, sent to each in pieces that are
/// answered (SAFETY.md §5). Does no I/O: says what to make, read and send. Home lane.
class snapshot_sender {
 public:
  /// The file that is sent.
  struct file {
    std::uint64_t id = 0;       ///< Differs from that of every other one.
    raft::snapshot_meta meta;   ///< What it holds.
    std::uint64_t size = 0;     ///< Of the file.
  };
  /// A piece that is to be read from the file.
  struct piece {
    peer_id to;                 ///< For whom.
    std::uint64_t id = 0;       ///< Of the file.
    std::uint64_t offset = 0;   ///< Where it begins.
    std::size_t count = 0;      ///< How long it is.
  };
  /// What a transfer came to.
  struct ending {
    peer_id to;                 ///< To whom.
    std::optional<log_index> sent;  ///< Everything has arrived, up to this entry; nothing = given up.
  };

  /// With the numbers of the store.
  explicit snapshot_sender(snapshot_options const& numbers) : numbers_(numbers) {}

  /// A follower needs one.
  void want(raft::snapshot_request const& request) {
    auto& t = transfers_[request.peer];
    t = {};
    t.term = request.term;
    t.at_least = request.at_least;
  }
  /// True iff a new file is to be made: somebody waits for a later one than there is, and nobody reads this one.
  bool file_due() const {
    if (making_) return false;
    auto waits = false;
    for (auto const& [peer, t] : transfers_) {
      if (t.begun && !t.arrived) return false;
      waits = waits || (!t.begun && !serves(t));
    }
    return waits;
  }
  /// The file is being made from a state that holds everything up to `applied` at least; nobody reads the one before.
  void making(log_index applied) {
    making_ = true;
    file_.reset();
    from_ = applied;
  }
  /// The file is there.
  void made(file what) {
    making_ = false;
    file_ = std::move(what);
  }
  /// It could not be made: everybody who waits for it is told so.
  std::vector<ending> make_failed() {
    making_ = false;
    file_.reset();
    std::vector<ending> out;
    for (auto it = transfers_.begin(); it != transfers_.end();) {
      if (it->second.arrived) {
        ++it;
        continue;
      }
      out.push_back({it->first, std::nullopt});
      it = transfers_.erase(it);
    }
    return out;
  }
  /// The file is gone.
  void drop() { file_.reset(); }
  /// The file that there is.
  std::optional<file> const& current() const { return file_; }
  /// True iff a file is being made.
  bool is_making() const { return making_; }
  /// True iff a file is being made or read.
  bool busy() const {
    return making_ || std::any_of(transfers_.begin(), transfers_.end(), [](auto const& t) { return t.second.begun && !t.second.arrived; });
  }
  /// True iff there is nothing to do at all.
  bool idle() const { return transfers_.empty() && !making_; }

  /// The pieces to read now; takes their bytes off `budget`.
  std::vector<piece> take_pieces(std::uint64_t& budget) {
    std::vector<piece> out;
    if (!file_ || making_) return out;
    for (auto& [peer, t] : transfers_) {
      if (!t.begun && !serves(t)) continue;
      if (t.reading || t.arrived || t.next >= file_->size || budget == 0) continue;
      if (t.next - t.acked >= numbers_.window_bytes_max) continue;
      auto const count = std::min({raft::snapshot_message::chunk_bytes_max, file_->size - t.next, budget});
      t.begun = true;
      t.reading = true;
      budget -= count;
      out.push_back({peer, file_->id, t.next, static_cast<std::size_t>(count)});
    }
    return out;
  }
  /// A piece was read: the message to send; nothing if it is not wanted any more.
  std::optional<raft::snapshot_message> read(piece const& what, bytes data, peer_id self) {
    auto const found = transfers_.find(what.to);
    if (found == transfers_.end() || !file_ || file_->id != what.id) return std::nullopt;
    auto& t = found->second;
    t.reading = false;
    if (t.next != what.offset || data.size() != what.count) return std::nullopt;  // begun again meanwhile
    t.next += what.count;
    raft::snapshot_message m;
    m.from = self;
    m.to = what.to;
    m.term = t.term;
    m.id = file_->id;
    m.at = file_->meta.at;
    m.size = file_->size;
    m.offset = what.offset;
    m.data = std::move(data);
    return m;
  }
  /// The receiver has answered. Gives the end of the transfer when everything has arrived.
  std::optional<ending> answered(raft::snapshot_message const& m) {
    auto const found = transfers_.find(m.from);
    if (found == transfers_.end() || !file_ || m.id != file_->id || m.offset > file_->size) return std::nullopt;
    auto& t = found->second;
    if (!t.begun || t.arrived) return std::nullopt;
    if (m.offset > t.acked || m.refused) t.idle_ticks = 0;
    if (m.refused) t.next = t.acked = m.offset;  // a piece is missing, or the receiver has begun anew
    else t.acked = std::max(t.acked, std::min(m.offset, t.next));
    if (t.acked < file_->size) return std::nullopt;
    t.arrived = true;
    t.idle_ticks = 0;
    return ending{m.from, file_->meta.at.index};
  }
  /// `peer` has what it needs, or is not sent to any more.
  void forget(peer_id peer) { transfers_.erase(peer); }
  /// Nobody is sent anything any more: this peer does not lead.
  void forget_all() { transfers_.clear(); }
  /// A tick has passed: sends again from the last answer where none came, and gives up in the end.
  std::vector<ending> tick() {
    std::vector<ending> out;
    for (auto it = transfers_.begin(); it != transfers_.end();) {
      auto& t = it->second;
      // Not while the file is being made, which takes as long as it takes, nor while others use up what may be sent.
      auto const waits = (t.begun || !making_) && !has_turn_to_come(t);
      if (waits && ++t.idle_ticks >= numbers_.patience_ticks) {
        if (!t.arrived) out.push_back({it->first, std::nullopt});
        it = transfers_.erase(it);
        continue;
      }
      if (t.begun && !t.arrived && !t.reading && t.idle_ticks % numbers_.resend_ticks == 0 && t.idle_ticks > 0) t.next = t.acked;
      ++it;
    }
    return out;
  }
  /// The log is needed from behind this entry: who installs the file goes on there.
  std::optional<log_index> hold() const {
    if (making_) return from_;
    if (transfers_.empty() || !file_) return std::nullopt;
    return file_->meta.at.index;
  }

 private:
  struct transfer {
    tinykv::term term;
    log_index at_least;
    std::uint64_t next = 0;   // the next byte to read
    std::uint64_t acked = 0;  // the receiver has everything before it
    bool begun = false;
    bool reading = false;
    bool arrived = false;     // and is being installed there
    std::uint32_t idle_ticks = 0;
  };
  // True iff all that was sent is answered, and the next piece waits for its share of the rate.
  bool has_turn_to_come(transfer const& t) const {
    return file_ && !making_ && !t.reading && !t.arrived && t.next == t.acked && (t.begun || serves(t));
  }
  bool serves(transfer const& t) const { return file_ && file_->meta.at.index >= t.at_least; }

  snapshot_options numbers_;
  std::map<peer_id, transfer> transfers_;
  std::optional<file> file_;
  bool making_ = false;
  log_index from_;  // while making: the file will not end before this
};

}  // namespace tinykv::raftstore
