#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/raft/values/envelope.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tinykv::wire {

// The grammar of a connection; one frame is one binary websocket message:
//
//     frame   = kind u8, flags u8, piece
//     flags   = priority in bits 0 and 1, "more pieces follow" in bit 7, the others 0
//     message = the pieces of consecutive frames of one priority, up to the first one without "more"
//
// Frames do not interleave on a connection, but messages of different priorities do, at frame borders: this is how a vote
// overtakes a snapshot chunk.

/// What the message that a frame belongs to is. Sent: never renumber.
enum class frame_kind : std::uint8_t {
  hello = 1,    ///< Who the dialling side is: the first message, once.
  verdict = 2,  ///< The answer to it: the first message of the other side, once.
  mail = 3,     ///< Between stores, after the verdict.
  call = 4,     ///< From a client, after the verdict.
  answer = 5,   ///< To a client.
};

/// The first bytes of a frame.
struct frame_header {
  frame_kind kind = frame_kind::hello;                   ///< Of the message.
  raft::priority priority = raft::priority::normal;  ///< Of the message.
  bool more = false;                                     ///< This is not its last piece.

  /// Equal iff all fields are.
  friend constexpr bool operator==(frame_header const&, frame_header const&) = default;
};

/// How many bytes of a frame are its header.
inline constexpr std::size_t frame_header_bytes = 2;

/// The bytes of `header`.
constexpr std::array<char, frame_header_bytes> encode(frame_header header) {
  auto const flags = static_cast<unsigned>(header.priority) | (header.more ? 0x80U : 0U);
  return {static_cast<char>(header.kind), static_cast<char>(flags)};
}

/// The header of `frame`; `rejected` (corrupt) when it is cut short, of no known kind or priority, or sets other bits.
inline result<frame_header> decode_frame_header(std::string_view frame) {
  if (frame.size() < frame_header_bytes) return rejected(error_code::corrupt, "frame without a header");
  auto const kind = static_cast<unsigned char>(frame[0]);
  auto const flags = static_cast<unsigned char>(frame[1]);
  if (kind < static_cast<unsigned>(frame_kind::hello) || kind > static_cast<unsigned>(frame_kind::answer))
    return rejected(error_code::corrupt, "frame of no known kind", kind);
  if ((flags & 0x7cU) != 0 || (flags & 3U) >= raft::priority_count)
    return rejected(error_code::corrupt, "frame with flags of no known meaning", flags);
  return frame_header{static_cast<frame_kind>(kind), static_cast<raft::priority>(flags & 3U), (flags & 0x80U) != 0};
}

}  // namespace tinykv::wire
