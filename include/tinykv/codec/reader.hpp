#pragma once

#include <cstdint>
#include <string_view>

namespace tinykv::codec {

/// Reads what `writer` wrote, from bytes that nobody vouches for: every read is bounds-checked, the first one that
/// fails makes the reader fail for good and gives zeros and empty texts from then on. Check `ok()` once, at the end,
/// and before a length that was read is used to take memory (a text never reaches beyond the input).
class reader {
 public:
  /// Reads `data`, which must outlive the reader and the texts it gives.
  explicit reader(std::string_view data) : rest_(data) {}

  /// False once anything was missing or malformed.
  bool ok() const noexcept { return ok_; }
  /// True iff nothing failed and nothing is left: what a decoder of a whole value asks last.
  bool finished() const noexcept { return ok_ && rest_.empty(); }
  /// What is left.
  std::string_view rest() const noexcept { return rest_; }
  /// Makes the reader fail: a value is well-formed but not allowed.
  void fail() noexcept {
    ok_ = false;
    rest_ = {};
  }

  std::uint8_t u8() { return static_cast<std::uint8_t>(fixed(1)); }     ///< One byte.
  std::uint16_t u16() { return static_cast<std::uint16_t>(fixed(2)); }  ///< Two bytes.
  std::uint32_t u32() { return static_cast<std::uint32_t>(fixed(4)); }  ///< Four bytes.
  std::uint64_t u64() { return fixed(8); }                              ///< Eight bytes.
  /// Eight bytes, big-endian.
  std::uint64_t be64() {
    auto const data = raw(8);
    std::uint64_t v = 0;
    for (auto const c : data) v = v << 8 | static_cast<unsigned char>(c);
    return v;
  }
  /// One to ten bytes; more, or bits beyond the 64th, fail.
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      auto const byte = u8();
      if (shift == 63 && byte > 1) break;
      v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return v;
    }
    fail();
    return 0;
  }
  /// Length and bytes.
  std::string_view text() {
    auto const size = varint();
    return raw(size);
  }
  /// The next `size` bytes as they are.
  std::string_view raw(std::uint64_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    auto const out = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(static_cast<std::size_t>(size));
    return out;
  }
  /// A count of things of at least `each` bytes: fails when so many cannot follow, so that it may be reserved.
  std::uint64_t count(std::uint64_t each = 1) {
    auto const n = varint();
    if (n > rest_.size() / (each == 0 ? 1 : each)) {
      fail();
      return 0;
    }
    return n;
  }

 private:
  std::uint64_t fixed(int width) {
    auto const data = raw(static_cast<std::uint64_t>(width));
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < data.size(); ++i)
      v |= static_cast<std::uint64_t>(static_cast<unsigned char>(data[i])) << (8 * i);
    return v;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace tinykv::codec
