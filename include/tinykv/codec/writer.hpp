#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace tinykv::codec {

/// Appends values to a byte string. Grammar of the primitives, all little-endian unless said:
///
///     u8 u16 u32 u64   fixed width
///     varint           7 bits a byte, low ones first, the top bit says that more follow; at most 10 bytes
///     text             varint length, then that many bytes
///     be64             fixed width, big-endian, so that byte order is number order (for keys)
class writer {
 public:
  /// Appends to `out`, which must outlive the writer.
  explicit writer(std::string& out) : out_(out) {}

  /// One byte.
  void u8(std::uint8_t v) { out_ += static_cast<char>(v); }
  /// Two bytes.
  void u16(std::uint16_t v) { fixed(v, 2); }
  /// Four bytes.
  void u32(std::uint32_t v) { fixed(v, 4); }
  /// Eight bytes.
  void u64(std::uint64_t v) { fixed(v, 8); }
  /// Eight bytes, big-endian.
  void be64(std::uint64_t v) {
    for (int shift = 56; shift >= 0; shift -= 8) u8(static_cast<std::uint8_t>(v >> shift));
  }
  /// One to ten bytes.
  void varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) u8(static_cast<std::uint8_t>(v | 0x80));
    u8(static_cast<std::uint8_t>(v));
  }
  /// Length and bytes.
  void text(std::string_view v) {
    varint(v.size());
    raw(v);
  }
  /// The bytes as they are.
  void raw(std::string_view v) { out_.append(v); }

 private:
  void fixed(std::uint64_t v, int width) {
    for (int i = 0; i < width; ++i) u8(static_cast<std::uint8_t>(v >> (8 * i)));
  }
  std::string& out_;
};

}  // namespace tinykv::codec
