#include <tinykv/core/crc32c.hpp>

#include "support/catch.hpp"

#include <string>

using tinykv::crc32c;

namespace {

// The definition, bit by bit: what the tables must agree with.
std::uint32_t plain(std::string_view data) {
  std::uint32_t c = ~0U;
  for (auto const ch : data) {
    c ^= static_cast<unsigned char>(ch);
    for (int k = 0; k < 8; ++k) c = (c >> 1) ^ ((c & 1U) != 0 ? 0x82f63b78U : 0U);
  }
  return ~c;
}

}  // namespace

TEST_CASE("the vectors of RFC 3720, appendix B.4", "[core][crc32c]") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283U);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i), falling += static_cast<char>(31 - i);
  CHECK(crc32c(rising) == 0x46dd794eU);
  CHECK(crc32c(falling) == 0x113fdb5cU);
}

TEST_CASE("every length and every cut give the sum of the whole", "[core][crc32c]") {
  std::string data;
  for (int i = 0; i < 70; ++i) {
    CHECK(crc32c(data) == plain(data));
    for (std::size_t cut = 0; cut <= data.size(); ++cut)
      CHECK(crc32c(std::string_view{data}.substr(cut), crc32c(std::string_view{data}.substr(0, cut))) == plain(data));
    data += static_cast<char>(i * 37 + 11);
  }
}
