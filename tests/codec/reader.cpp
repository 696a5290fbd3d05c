#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>

#include <tinykv/core/random.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

using tinykv::codec::reader;
using tinykv::codec::writer;

namespace {
std::string of(std::initializer_list<int> octets) {
  std::string out;
  for (auto const o : octets) out += static_cast<char>(o);
  return out;
}
}  // namespace

TEST_CASE("a varint has one to ten bytes and no bits beyond the 64th", "[codec][reader][hostile]") {
  CHECK(reader{of({0x00})}.varint() == 0);
  CHECK(reader{of({0xac, 0x02})}.varint() == 300);
  auto const most = of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01});
  CHECK(reader{most}.varint() == ~std::uint64_t{0});
  for (auto const& bad : {of({}), of({0x80}), of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}),
                          of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00}),
                          of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01})}) {
    reader in{bad};
    CHECK(in.varint() == 0);
    CHECK_FALSE(in.ok());
  }
}

TEST_CASE("a text never reaches beyond the input", "[codec][reader][hostile]") {
  for (std::uint64_t const size : {std::uint64_t{4}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    std::string data;
    writer{data}.varint(size);
    data += "abc";
    reader in{data};
    CHECK(in.text().empty());
    CHECK_FALSE(in.ok());
  }
}

TEST_CASE("a count fails when so many things cannot follow", "[codec][reader][hostile]") {
  std::string data;
  writer out{data};
  out.varint(4);
  data += "12345678";
  CHECK(reader{data}.count(2) == 4);
  CHECK(reader{data}.count(0) == 4);
  reader in{data};
  CHECK(in.count(3) == 0);
  CHECK_FALSE(in.ok());
  std::string huge;
  writer{huge}.varint(~std::uint64_t{0});
  CHECK(reader{huge}.count(~std::uint64_t{0}) == 0);
}

TEST_CASE("after the first failure everything is empty, for good", "[codec][reader]") {
  reader in{"abc"};
  CHECK(in.u64() == 0);
  CHECK_FALSE(in.ok());
  CHECK(in.u8() == 0);
  CHECK(in.raw(1).empty());
  CHECK(in.rest().empty());
  CHECK_FALSE(in.finished());
}

TEST_CASE("what is left over is not finished", "[codec][reader]") {
  reader in{"ab"};
  CHECK(in.u8() == 'a');
  CHECK(in.ok());
  CHECK_FALSE(in.finished());
  CHECK(in.rest() == "b");
}

TEST_CASE("no input whatever reads beyond its end", "[codec][reader][hostile]") {
  tinykv::random draw{5};
  for (int i = 0; i < 20000; ++i) {
    std::string data;
    for (auto n = draw.below(30); n > 0; --n) data += static_cast<char>(draw.chance(500) ? 0xff : draw.below(256));
    reader in{data};
    std::size_t taken = 0;
    while (in.ok() && taken < 100) {
      switch (draw.below(8)) {
        case 0: in.u8(); break;
        case 1: in.u16(); break;
        case 2: in.u32(); break;
        case 3: in.u64(); break;
        case 4: in.be64(); break;
        case 5: in.varint(); break;
        case 6: CHECK(in.text().size() <= data.size()); break;
        default: CHECK(in.count(1 + draw.below(4)) <= data.size());
      }
      ++taken;
    }
  }
}
