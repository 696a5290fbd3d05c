#include <tinykv/core/bytes.hpp>

#include "support/catch.hpp"

using tinykv::bytes;

TEST_CASE("copies and slices share the block", "[core][bytes]") {
  auto const a = bytes::copy_of("hello world");
  auto const b = a;
  CHECK(b.data() == a.data());
  auto const world = a.slice(6);
  CHECK(world.view() == "world");
  CHECK(world.data() == a.data() + 6);
}

TEST_CASE("a slice outlives the bytes it was cut from", "[core][bytes]") {
  bytes part;
  {
    auto const whole = bytes::adopt(std::string(1000, 'x') + "tail");
    part = whole.slice(1000);
  }
  CHECK(part.view() == "tail");
}

TEST_CASE("slices are cut at the end and empty beyond it", "[core][bytes]") {
  auto const a = bytes::copy_of("abc");
  CHECK(a.slice(1, 100).view() == "bc");
  CHECK(a.slice(0, 0).empty());
  CHECK(a.slice(3).empty());
  CHECK(a.slice(4).empty());
  CHECK(a.slice(~std::size_t{0}, ~std::size_t{0}).empty());
  CHECK(a.slice(1).slice(1).view() == "c");
  CHECK(a.slice(1, ~std::size_t{0}).view() == "bc");
}

TEST_CASE("no bytes need no block and zeros are bytes", "[core][bytes]") {
  CHECK(bytes{}.data() == nullptr);
  CHECK(bytes::copy_of("").empty());
  CHECK(bytes::adopt(std::string{}).empty());
  auto const zeros = bytes::copy_of(std::string_view{"\0a\0", 3});
  CHECK(zeros.size() == 3);
  CHECK(zeros.str() == std::string("\0a\0", 3));
}

TEST_CASE("adopted memory is not copied unless the string is short", "[core][bytes]") {
  std::string text(100, 'x');
  auto const* where = text.data();
  CHECK(bytes::adopt(std::move(text)).data() == where);
  CHECK(bytes::adopt(std::string{"short"}).view() == "short");
}

TEST_CASE("equality and order are those of unsigned bytes", "[core][bytes]") {
  CHECK(bytes::copy_of("ab") == bytes::copy_of("xab").slice(1));
  CHECK(bytes::copy_of("a") < bytes::copy_of("ab"));
  CHECK(bytes::copy_of("a") < bytes::copy_of("\xff"));  // not as signed characters
  CHECK(bytes{} < bytes::copy_of(std::string_view{"\0", 1}));
}
