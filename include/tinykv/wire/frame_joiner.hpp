#pragma once

#include <tinykv/wire/frame.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tinykv::wire {

/// The receiving half of a connection: puts the pieces of each priority together again. Holds at most
/// `message_bytes_max` per priority, and memory only for what has arrived.
class frame_joiner {
 public:
  /// A whole message.
  struct message {
    frame_kind kind = frame_kind::hello;                   ///< What it is.
    raft::priority priority = raft::priority::normal;  ///< Of the sender's choice.
    std::string_view body;                                 ///< Valid until the next `push` or `release`, and while the frame is.
  };

  /// Messages above `message_bytes_max` are refused.
  explicit frame_joiner(std::size_t message_bytes_max) : bytes_max_(message_bytes_max) {}

  /// Takes a frame in; gives the message that it completes, if any. `rejected` (corrupt, too_large) when it is not one
  /// or does not belong where it stands: the connection is to be closed, since its order is lost.
  result<std::optional<message>> push(std::string_view frame) {
    auto const header = decode_frame_header(frame);
    if (!header) return header.error();
    auto const piece = frame.substr(frame_header_bytes);
    auto& part = parts_[static_cast<std::size_t>(header->priority)];
    if (part.complete) part.forget();
    if (part.begun && part.kind != header->kind) return rejected(error_code::corrupt, "a message changes its kind");
    if (piece.empty() && header->more) return rejected(error_code::corrupt, "an empty piece that more should follow");
    if (piece.size() > bytes_max_ - part.body.size())
      return rejected(error_code::too_large, "message above message_bytes_max", bytes_max_);
    // A message of one frame, the usual case, is not copied.
    if (!part.begun && !header->more) return std::optional{message{header->kind, header->priority, piece}};
    part.begun = true;
    part.kind = header->kind;
    part.body.append(piece);
    if (header->more) return std::optional<message>{};
    part.complete = true;
    return std::optional{message{header->kind, header->priority, part.body}};
  }

  /// Gives back the memory of messages that were handed out.
  void release() {
    for (auto& part : parts_)
      if (part.complete) part.forget();
  }
  /// How much memory the pieces hold that are here.
  std::size_t bytes_held() const {
    std::size_t sum = 0;
    for (auto const& part : parts_) sum += part.begun ? part.body.capacity() : 0;
    return sum;
  }

 private:
  struct unfinished {
    bool begun = false;
    bool complete = false;  // handed out; forgotten at the next push of its priority
    frame_kind kind = frame_kind::hello;
    std::string body;

    void forget() {
      begun = complete = false;
      std::string{}.swap(body);  // an assignment would keep the memory
    }
  };

  std::size_t bytes_max_;
  std::array<unfinished, raft::priority_count> parts_;
};

}  // namespace tinykv::wire
