#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/core/time.hpp>
#include <tinykv/policy/log_storage.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace tinykv::raftstore {

/// The log batches of a store: one is open and gathers what becomes ready, at most one is on the disk lane. That is group
/// commit across all groups, without a timer. Batches are numbered from 1; all up to `written()` are durable.
class log_batches {
 public:
  policy::log_batch& open() { return open_; }                              ///< What the next batch will hold.
  std::uint64_t open_number() const { return (writing_ ? *writing_ : written_) + 1; }  ///< The number it will have.
  std::uint64_t written() const { return written_; }                       ///< The newest durable one.

  /// True iff a batch is to be handed to the disk lane now.
  bool due() const { return !writing_ && !open_.empty(); }
  /// Hands the open batch out; it is in flight from `now` on. Precondition: due().
  policy::log_batch begin(instant now) {
    TINYKV_CHECK(due());
    writing_ = open_number();
    begun_ = now;
    return std::exchange(open_, {});
  }
  /// The batch in flight is durable; gives how long it took.
  duration finish(instant now) {
    TINYKV_CHECK(writing_.has_value());
    written_ = *std::exchange(writing_, std::nullopt);
    return now - begun_;
  }
  /// How long a batch has been in flight; nothing if none is.
  std::optional<duration> in_flight(instant now) const {
    return writing_ ? std::optional{now - begun_} : std::nullopt;
  }

 private:
  policy::log_batch open_;
  std::optional<std::uint64_t> writing_;
  instant begun_;
  std::uint64_t written_ = 0;
};

}  // namespace tinykv::raftstore
