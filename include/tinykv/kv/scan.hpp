#pragma once

#include <tinykv/codec/kv_records.hpp>
#include <tinykv/policy/kv_engine.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinykv::kv {

/// One key and its value.
struct pair {
  bytes key;    ///< As the user wrote it.
  bytes value;  ///< As the user wrote it.

  /// Equal iff both are.
  friend bool operator==(pair const&, pair const&) = default;
};

/// The first key after every key that begins with `prefix`; empty = there is none.
inline std::string end_of_prefix(std::string_view prefix) {
  std::string end{prefix};
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

/// Which pairs, and how many of them.
struct scan_range {
  std::string start;                            ///< Inclusive; empty = from the first key.
  std::string end;                              ///< Exclusive; empty = no end.
  bool reverse = false;                         ///< From the last key of the range backwards.
  std::uint64_t limit = ~std::uint64_t{0};      ///< Pairs at most; 0 = none.
  std::uint64_t bytes_max = 512ULL << 10;       ///< Stop before keys and values pass this; one pair is given in any case.
  bool keys_only = false;                       ///< Leave the values out.

  /// Cuts the range to [from, to); an empty `to` is no end.
  void narrow(std::string_view from, std::string_view to) {
    if (start < from) start = from;
    if (!to.empty() && (end.empty() || end > to)) end = to;
  }
  /// Cuts the range to the keys that begin with `prefix`.
  void narrow_to_prefix(std::string_view prefix) { narrow(prefix, end_of_prefix(prefix)); }
};

/// What a scan found.
struct scan_page {
  std::vector<pair> pairs;  ///< In the order of the scan.
  bool more = false;        ///< A bound stopped it: go on behind (reverse: before) the last key.
};

/// Reads `range` through `cursor`, any KvCursor over raw pairs. `fatal` as the engine says.
template <policy::KvCursor Cursor>
result<scan_page> scan(Cursor cursor, scan_range const& range) {
  scan_page page;
  // narrow() may leave start beyond end: an empty range, which a reverse walk would not notice by its first key alone.
  if (range.limit == 0 || (!range.end.empty() && range.start >= range.end)) return page;
  std::uint64_t size = 0;
  if (range.reverse) cursor.seek_before(range.end);
  else cursor.seek(range.start);
  for (; cursor.valid(); range.reverse ? cursor.prev() : cursor.next()) {
    auto const key = cursor.key();
    if (range.reverse ? key < range.start : !range.end.empty() && key >= range.end) break;
    auto const value = codec::decode_raw(cursor.value());
    if (!value) return value.error();
    auto const kept = range.keys_only ? std::string_view{} : *value;
    size += key.size() + kept.size();
    if (page.pairs.size() == range.limit || (size > range.bytes_max && !page.pairs.empty())) {
      page.more = true;
      break;
    }
    page.pairs.push_back({bytes::copy_of(key), bytes::copy_of(kept)});
  }
  if (auto problem = cursor.error()) return *problem;
  return page;
}

}  // namespace tinykv::kv
