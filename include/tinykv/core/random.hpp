#pragma once

#include <tinykv/core/check.hpp>

#include <array>
#include <cstdint>

namespace tinykv {

/// A seeded generator (xoshiro256**, seeded through splitmix64), the same on every compiler and machine; also the own
/// distributions, since those of the standard library differ between implementations (DESIGN.md §5.7). Not for secrets.
/// Draw once per full expression: the evaluation order of arguments differs between compilers.
class random {
 public:
  /// A stream that depends on `seed` alone.
  explicit random(std::uint64_t seed) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      auto z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  /// 64 random bits.
  std::uint64_t next() {
    auto const result = rotl(state_[1] * 5, 7) * 9;
    auto const t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, count). Precondition: count > 0. The bias is below 2^-32 for counts below 2^32.
  std::uint64_t below(std::uint64_t count) {
    TINYKV_CHECK(count > 0);
    return static_cast<std::uint64_t>((static_cast<wide>(next()) * count) >> 64);
  }

  /// Uniform in [low, high]. Precondition: low <= high.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    TINYKV_CHECK(low <= high);
    return low + (high - low == ~std::uint64_t{0} ? next() : below(high - low + 1));
  }

  /// True `per_mille` times in a thousand.
  bool chance(std::uint64_t per_mille) { return below(1000) < per_mille; }

  /// The seed of an independent stream, for a part that must not disturb the draws of this one.
  std::uint64_t fork() { return next() ^ 0xd1b54a32d192ed03ULL; }

 private:
  __extension__ using wide = unsigned __int128;
  static constexpr std::uint64_t rotl(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace tinykv
