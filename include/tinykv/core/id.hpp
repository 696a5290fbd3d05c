#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace tinykv {

/// An unsigned 64-bit number of one kind. Two kinds do not convert into each other, so that a term handed over
/// where an index is due does not compile. Zero means "none" for every kind that names a thing.
template <class Tag>
struct strong_number {
  /// The bare number; for codecs and for printing.
  std::uint64_t value = 0;

  /// Zero.
  constexpr strong_number() = default;
  /// The number `v`.
  constexpr explicit strong_number(std::uint64_t v) : value(v) {}

  /// Numerical order.
  friend constexpr auto operator<=>(strong_number, strong_number) = default;
  /// The next number.
  constexpr strong_number& operator++() {
    ++value;
    return *this;
  }
  /// The next number; gives the one before.
  constexpr strong_number operator++(int) {
    auto const before = *this;
    ++value;
    return before;
  }
  /// `n` numbers further.
  friend constexpr strong_number operator+(strong_number a, std::uint64_t n) { return strong_number{a.value + n}; }
  /// `n` numbers back. Precondition: n <= value.
  friend constexpr strong_number operator-(strong_number a, std::uint64_t n) { return strong_number{a.value - n}; }
  /// The distance from `b` up to `a`. Precondition: b <= a.
  friend constexpr std::uint64_t operator-(strong_number a, strong_number b) { return a.value - b.value; }
};

/// A set of stores that serve one key space; a store answers only its own cluster.
using cluster_id = strong_number<struct cluster_tag>;
/// One server process with its data directory.
using store_id = strong_number<struct store_tag>;
/// One Raft group; in a store of regions, the region's id.
using group_id = strong_number<struct group_tag>;
/// One replica of one group. Never reused (SAFETY.md §6).
using peer_id = strong_number<struct peer_tag>;
/// A Raft term.
using term = strong_number<struct term_tag>;
/// A position in a Raft log; the first entry of an empty log has index 1.
using log_index = strong_number<struct index_tag>;
/// Numbers the Readies of one group: rises by one, never reused in a process (SAFETY.md §2).
using ticket = strong_number<struct ticket_tag>;
/// Names a read that waits for its index; unique at the peer that asked, within a process.
using read_id = strong_number<struct read_tag>;

/// A place in a log: the entry at `index` that a leader of `term` created. Written (i,t).
struct position {
  log_index index;  ///< Where.
  tinykv::term term;  ///< Which leader's entry.

  /// Equal iff the very same entry; the order is index first.
  friend constexpr auto operator<=>(position const&, position const&) = default;
};

}  // namespace tinykv

/// Hashes the bare number.
template <class Tag>
struct std::hash<tinykv::strong_number<Tag>> {
  /// The hash of `n.value`.
  std::size_t operator()(tinykv::strong_number<Tag> n) const noexcept { return std::hash<std::uint64_t>{}(n.value); }
};
