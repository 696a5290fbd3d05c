#include <tinykv/core/random.hpp>

#include "support/catch.hpp"

#include <array>


namespace {

// xoshiro256** seeded through splitmix64, written a second time from the published descriptions.
struct reference {
  explicit reference(std::uint64_t x) {
    for (auto& word : s) {
      x += 0x9e3779b97f4a7c15ULL;
      auto z = x;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }
  std::uint64_t next() {
    auto const turn = [](std::uint64_t v, int k) { return (v << k) | (v >> (64 - k)); };
    auto const out = turn(s[1] * 5, 7) * 9;
    auto const t = s[1] << 17;
    s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= t;
    s[3] = turn(s[3], 45);
    return out;
  }
  std::array<std::uint64_t, 4> s{};
};

}  // namespace

TEST_CASE("the stream is that of xoshiro256**", "[core][random]") {
  for (std::uint64_t const seed : {0ULL, 1ULL, 42ULL, ~0ULL}) {
    tinykv::random r{seed};
    reference expected{seed};
    for (int i = 0; i < 1000; ++i) REQUIRE(r.next() == expected.next());
  }
  // The first number of splitmix64 with seed 0 is published: e220a8397b1dcdaf; it is the first word of the state.
  CHECK(reference{0}.s[0] == 0xe220a8397b1dcdafULL);
}

TEST_CASE("draws stay in their bounds and reach both ends", "[core][random]") {
  tinykv::random r{3};
  std::array<int, 5> seen{};
  for (int i = 0; i < 1000; ++i) ++seen.at(r.below(5));
  for (auto const n : seen) CHECK(n > 150);
  bool low = false, high = false;
  for (int i = 0; i < 1000; ++i) {
    auto const v = r.between(10, 12);
    REQUIRE((v >= 10 && v <= 12));
    low = low || v == 10;
    high = high || v == 12;
  }
  CHECK(low);
  CHECK(high);
  CHECK(r.between(7, 7) == 7);
  CHECK(r.below(1) == 0);
  (void)r.between(0, ~std::uint64_t{0});
}

TEST_CASE("a chance of none never happens and one of all always", "[core][random]") {
  tinykv::random r{3};
  for (int i = 0; i < 1000; ++i) {
    REQUIRE_FALSE(r.chance(0));
    REQUIRE(r.chance(1000));
  }
}

TEST_CASE("a fork is another stream", "[core][random]") {
  tinykv::random a{1};
  tinykv::random b{a.fork()};
  CHECK(a.next() != b.next());
}
