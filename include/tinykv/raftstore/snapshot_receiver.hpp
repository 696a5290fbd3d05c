#pragma once

#include <tinykv/raft/values/snapshot.hpp>
#include <tinykv/raftstore/options.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace tinykv::raftstore {

/// The snapshot that one peer is being sent: pieces in order into a spool file, then verification, then installation
/// (SAFETY.md §5). Does no I/O: says what to write and answer. Home lane.
class snapshot_receiver {
 public:
  /// What is going on.
  enum class stage : std::uint8_t {
    idle,        ///< Nothing.
    receiving,   ///< Pieces arrive.
    verifying,   ///< The file is whole and is being read through.
    installing,  ///< Accepted; see `store`.
  };
  /// Bytes to be written behind those before.
  struct write {
    std::uint64_t attempt = 0;  ///< For `written` or `failed`.
    bool create = false;  ///< Begin the file anew first.
    bytes data;           ///< What.
  };
  /// What a piece leads to.
  struct reaction {
    std::optional<write> to_write;                 ///< To the spool file.
    std::optional<raft::snapshot_message> answer;  ///< To the sender.
  };

  /// With the numbers of the store.
  explicit snapshot_receiver(snapshot_options const& numbers) : numbers_(numbers) {}

  stage now() const { return stage_; }                               ///< What is going on.
  raft::snapshot_message const& offer() const { return offer_; }     ///< The newest piece of this file, without its data.

  /// A piece that is wanted has arrived.
  reaction take(raft::snapshot_message m) {
    if (stage_ == stage::verifying || stage_ == stage::installing) return {};
    if (m.size > numbers_.file_bytes_max || m.offset > m.size || m.data.size() > m.size - m.offset ||
        m.data.empty() || m.data.size() > raft::snapshot_message::chunk_bytes_max)
      return {};
    auto const same = stage_ == stage::receiving && m.id == offer_.id && m.size == offer_.size && m.at == offer_.at && m.from == offer_.from;
    if (!same) begin();
    auto data = std::exchange(m.data, {});
    auto const offset = m.offset;
    offer_ = std::move(m);
    if (offset != expected_) return {std::nullopt, correction(offset)};
    if (expected_ - written_ >= 2 * numbers_.window_bytes_max + raft::snapshot_message::chunk_bytes_max) return {};  // more than was asked for
    corrected_ = false;
    expected_ += data.size();
    return {write{attempt_, offset == 0, std::move(data)}, std::nullopt};
  }
  /// `count` bytes more are in the file of this attempt: the answer. When it is whole, `whole()` is true. A write of an
  /// earlier attempt counts for nothing: the file has been begun anew since, or will be.
  std::optional<raft::snapshot_message> written(std::uint64_t attempt, std::uint64_t count) {
    if (stage_ != stage::receiving || attempt != attempt_) return std::nullopt;
    written_ += count;
    return reply(false);
  }
  /// A write of this attempt failed: the next piece begins a file.
  void failed(std::uint64_t attempt) {
    if (attempt == attempt_) end();
  }
  /// True iff everything is in the file.
  bool whole() const { return stage_ == stage::receiving && written_ == offer_.size; }
  /// The file is read through from now on.
  void verify() { stage_ = stage::verifying; }
  /// The snapshot was accepted.
  void install() { stage_ = stage::installing; }
  /// It is over, or of no use: the next piece begins a file.
  void end() {
    begin();
    stage_ = stage::idle;
  }
  /// A tick has passed: the sender may be corrected again.
  void tick() { corrected_ = false; }

 private:
  void begin() {
    stage_ = stage::receiving;
    ++attempt_;  // writes may be on the lane still
    expected_ = written_ = 0;
    corrected_ = false;
  }
  raft::snapshot_message reply(bool refused) const {
    raft::snapshot_message m;
    m.from = offer_.to;
    m.to = offer_.from;
    m.term = offer_.term;
    m.id = offer_.id;
    m.at = offer_.at;
    m.size = offer_.size;
    m.offset = refused ? expected_ : written_;
    m.answer = true;
    m.refused = refused;
    return m;
  }
  // A piece that is here already: say how far the file has come. One behind a lost piece: say where to go on. Such pieces
  // come in numbers; one answer is enough.
  std::optional<raft::snapshot_message> correction(std::uint64_t offset) {
    if (std::exchange(corrected_, true)) return std::nullopt;
    return reply(offset > expected_);
  }

  snapshot_options numbers_;
  stage stage_ = stage::idle;
  raft::snapshot_message offer_;
  std::uint64_t attempt_ = 0;   // rises with each file that is begun
  std::uint64_t expected_ = 0;  // where the next piece begins
  std::uint64_t written_ = 0;   // in the file
  bool corrected_ = false;
};

}  // namespace tinykv::raftstore
