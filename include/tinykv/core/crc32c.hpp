#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tinykv {

namespace detail {

/// Eight tables for slicing-by-8 over the reflected Castagnoli polynomial.
inline constexpr auto crc32c_tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    auto c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0x82f63b78U ^ (c >> 1) : c >> 1;
    t[0][i] = c;
  }
  for (std::size_t i = 0; i < 256; ++i)
    for (std::size_t s = 1; s < 8; ++s) t[s][i] = (t[s - 1][i] >> 8) ^ t[0][t[s - 1][i] & 0xffU];
  return t;
}();

}  // namespace detail

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `data`. To go on over a second piece, hand the first one's sum over
/// as `before`. The sum of "123456789" is e3069283.
constexpr std::uint32_t crc32c(std::string_view data, std::uint32_t before = 0) {
  auto const& t = detail::crc32c_tables;
  auto c = ~before;
  auto const byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(data[i])); };
  std::size_t i = 0;
  for (; i + 8 <= data.size(); i += 8) {
    auto const low = c ^ (byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24);
    c = t[7][low & 0xffU] ^ t[6][(low >> 8) & 0xffU] ^ t[5][(low >> 16) & 0xffU] ^ t[4][low >> 24] ^ t[3][byte(i + 4)] ^
        t[2][byte(i + 5)] ^ t[1][byte(i + 6)] ^ t[0][byte(i + 7)];
  }
  for (; i < data.size(); ++i) c = (c >> 8) ^ t[0][(c ^ byte(i)) & 0xffU];
  return ~c;
}

}  // namespace tinykv
