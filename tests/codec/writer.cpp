#include <tinykv/codec/writer.hpp>

#include <tinykv/codec/reader.hpp>

#include "support/catch.hpp"

#include <string>

using tinykv::codec::reader;
using tinykv::codec::writer;

TEST_CASE("fixed numbers are little-endian, be64 is big-endian, so that it sorts", "[codec][writer]") {
  std::string out;
  writer w{out};
  w.u8(0x01);
  w.u16(0x0203);
  w.u32(0x04050607);
  w.u64(0x08090a0b0c0d0e0fULL);
  w.be64(0x1011121314151617ULL);
  CHECK(out == std::string("\x01\x03\x02\x07\x06\x05\x04\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08\x10\x11\x12\x13\x14\x15\x16\x17", 23));
}

TEST_CASE("a varint takes as few bytes as it can", "[codec][writer]") {
  for (auto const& [value, size] : {std::pair<std::uint64_t, std::size_t>{0, 1}, {127, 1}, {128, 2}, {16383, 2}, {16384, 3},
                                    {(1ULL << 63) - 1, 9}, {1ULL << 63, 10}, {~0ULL, 10}}) {
    std::string out;
    writer{out}.varint(value);
    CHECK(out.size() == size);
    CHECK(reader{out}.varint() == value);
  }
}

TEST_CASE("what was written is read back", "[codec][writer]") {
  std::string out = "kept";
  writer w{out};
  w.text(std::string_view{"a\0b", 3});
  w.text("");
  w.varint(77);
  w.raw("end");
  CHECK(out.substr(0, 4) == "kept");
  reader in{std::string_view{out}.substr(4)};
  CHECK(in.text() == std::string_view{"a\0b", 3});
  CHECK(in.text().empty());
  CHECK(in.varint() == 77);
  CHECK(in.raw(3) == "end");
  CHECK(in.finished());
}
