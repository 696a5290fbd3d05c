#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/wire/frame.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace tinykv::wire {

/// The sending half of a connection: messages wait here by priority and leave as frames. The most urgent class goes
/// first at every frame border; within a class the order is kept. Bounded: a message that does not fit pushes out the
/// newest ones of lower priorities, or is dropped itself; a message whose first frame has left is never dropped.
class frame_queue {
 public:
  /// What a message is charged for, beside its bytes.
  static constexpr std::size_t message_cost = 64;

  /// A frame to be written.
  struct frame {
    std::array<char, frame_header_bytes> header{};  ///< Goes first.
    bytes piece;                                    ///< Goes next; keeps its memory by itself.
    std::uint64_t tag = 0;                          ///< Of the message, as given to `push`.
  };

  /// `frame_bytes_max` bounds header and piece, `queue_bytes_max` the messages that wait. Precondition: a frame has room
  /// for more than its header.
  frame_queue(std::size_t frame_bytes_max, std::size_t queue_bytes_max)
      : piece_bytes_max_(frame_bytes_max - frame_header_bytes), bytes_max_(queue_bytes_max) {
    TINYKV_CHECK(frame_bytes_max > frame_header_bytes);
  }

  /// Queues a message; false when it was dropped. `tag` names it in `erase` and `next`; 0 = no name.
  bool push(frame_kind kind, raft::priority priority, std::string body, std::uint64_t tag = 0) {
    auto const cost = body.size() + message_cost;
    if (!make_room(priority, cost)) {
      ++dropped_;
      return false;
    }
    bytes_ += cost;
    classes_[static_cast<std::size_t>(priority)].push_back({kind, bytes::adopt(std::move(body)), tag, 0});
    return true;
  }

  /// Takes a message back; false when its first frame has left, or there is none with this tag.
  bool erase(std::uint64_t tag) {
    for (auto& each : classes_) {
      auto const place = std::find_if(each.begin(), each.end(), [&](auto const& m) { return m.tag == tag && m.sent == 0; });
      if (place == each.end()) continue;
      bytes_ -= place->cost();
      each.erase(place);
      return true;
    }
    return false;
  }

  /// The next frame; none when nothing waits.
  std::optional<frame> next() {
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      if (classes_[i].empty()) continue;
      auto& first = classes_[i].front();
      auto piece = first.body.slice(first.sent, piece_bytes_max_);
      first.sent += piece.size();
      auto const more = first.sent < first.body.size();
      frame out{encode(frame_header{first.kind, static_cast<raft::priority>(i), more}), std::move(piece), first.tag};
      if (!more) {
        bytes_ -= first.cost();
        classes_[i].pop_front();
      }
      return out;
    }
    return std::nullopt;
  }

  /// True iff nothing waits.
  bool empty() const {
    return std::all_of(classes_.begin(), classes_.end(), [](auto const& each) { return each.empty(); });
  }
  /// How many messages wait, one that has begun to leave included.
  std::size_t waiting() const {
    std::size_t count = 0;
    for (auto const& each : classes_) count += each.size();
    return count;
  }
  /// What the waiting messages are charged for; at most `queue_bytes_max`.
  std::size_t bytes_waiting() const { return bytes_; }
  /// How many messages were dropped since the start.
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct message {
    frame_kind kind;
    bytes body;
    std::uint64_t tag;
    std::size_t sent;  // bytes of `body` that have left

    std::size_t cost() const { return body.size() + message_cost; }
  };

  // Nothing is pushed out unless that makes enough room.
  bool make_room(raft::priority priority, std::size_t cost) {
    if (cost > bytes_max_) return false;
    if (bytes_ <= bytes_max_ - cost) return true;
    auto const lower = static_cast<std::size_t>(priority) + 1;
    std::size_t movable = 0;
    for (auto i = lower; i < classes_.size(); ++i)
      for (auto const& each : classes_[i]) movable += each.sent == 0 ? each.cost() : 0;
    if (bytes_ - movable > bytes_max_ - cost) return false;
    for (auto i = classes_.size(); i-- > lower && bytes_ > bytes_max_ - cost;) {
      while (bytes_ > bytes_max_ - cost && !classes_[i].empty() && classes_[i].back().sent == 0) {
        bytes_ -= classes_[i].back().cost();
        classes_[i].pop_back();
        ++dropped_;
      }
    }
    return true;
  }

  std::size_t piece_bytes_max_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::array<std::deque<message>, raft::priority_count> classes_;
};

}  // namespace tinykv::wire
