#pragma once

#include <tinykv/codec/kv_records.hpp>
#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>
#include <tinykv/core/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

// The records of a snapshot of the key/value machine, in this order:
//
//     snapshot     = region, pairs*
//     region       = kind u8 = 1, format u8 = 1, value of the region's key in the engine (kv_records.hpp)
//     pairs        = kind u8 = 2, family u8, { key text, value text }*
//
// Keys and values are those of the engine, byte for byte; families rise, and so do the keys of each. What stands in a
// family's number is that of kv/families.hpp.

namespace tinykv::codec {

/// The first record: which region it is.
inline std::string encode_snapshot_region(region_record const& record) {
  std::string text;
  writer out{text};
  out.u8(1);
  out.u8(1);
  out.raw(encode_region(record));
  return text;
}
/// Reads the first record. `fatal` (corrupt, or version_mismatch for a later format).
inline result<region_record> decode_snapshot_region(std::string_view data) {
  reader in{data};
  auto const kind = in.u8();
  auto const format = in.u8();
  if (!in.ok() || kind != 1) return fatal(error_code::corrupt, "a snapshot does not begin with its region");
  if (format != 1) return fatal(error_code::version_mismatch, "the snapshot has another format; it was made by another version");
  return decode_region(in.rest());
}

/// Gathers pairs of one family into a record.
class pairs_writer {
 public:
  /// A record of `family`, without pairs.
  explicit pairs_writer(std::uint8_t family) { clear(family); }
  /// Adds a pair.
  void add(std::string_view key, std::string_view value) {
    writer out{text_};
    out.text(key);
    out.text(value);
  }
  /// Begins another record.
  void clear(std::uint8_t family) {
    text_.clear();
    writer out{text_};
    out.u8(2);
    out.u8(family);
  }
  /// True iff there are no pairs.
  bool empty() const { return text_.size() == 2; }
  /// The record so far.
  std::string const& record() const { return text_; }

 private:
  std::string text_;
};

/// Takes a record of pairs apart: `use(family, key, value)` for each, as texts within `data`; it returns a `result<done>`,
/// whose first failure ends the walk. `fatal` (corrupt, or version_mismatch for a record of an unknown kind).
template <class Use>
result<done> for_pairs(std::string_view data, Use use) {
  reader in{data};
  auto const kind = in.u8();
  auto const family = in.u8();
  if (in.ok() && kind != 2) return fatal(error_code::version_mismatch, "the snapshot holds a record of an unknown kind");
  while (in.ok() && !in.finished()) {
    auto const key = in.text();
    auto const value = in.text();
    if (!in.ok()) break;
    if (auto used = use(family, key, value); !used) return used;
  }
  if (!in.ok()) return fatal(error_code::corrupt, "a record of the snapshot is malformed");
  return done{};
}

}  // namespace tinykv::codec
