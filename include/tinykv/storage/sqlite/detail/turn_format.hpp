#pragma once

#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>
#include <tinykv/core/bytes.hpp>
#include <tinykv/core/crc32c.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/raft/values/encoding.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The body of a turn: all that one commit persists, for all groups, as one row (seq, body) of the table `turn`.
//
//     body    = header record*
//     header  = size u32, first u64, crc u32         size: of the body; first: the lowest seq kept with this turn
//     record  = kind u8, group u64, index u64, size u32, crc u32, payload       size: of the payload
//
// Both sums are CRC-32C over the *key*, the fields and the payload. The key is seq u64 and, in a record, its offset u32
// in the body, so that a record that was read from another place than it was written to is damage, too. Payloads:
//
//     drop         nothing                            forget the group's entries
//     truncation   truncation (raft/values/encoding)  entries up to its index are gone; index = its index
//     entries      count varint, entry*               from `index` on; cut all that is at `index` and above before
//     hard_state   hard state
//     store        opaque; group and index are 0
//     moved        as entries, but replaces only the indexes it holds: copied forward so that old rows can go
//
// All integers little-endian. Rows are numbered without gaps. The records of the rows in order, later ones winning, give
// the logs; `first` and the missing gaps prove that no row was lost in front of the last one.
namespace tinykv::storage::detail {

enum class record_kind : std::uint8_t {  // stored: never renumber
  drop = 1,
  truncation = 2,
  entries = 3,
  hard_state = 4,
  store = 5,
  moved = 6,
};

/// A record as it lies in a body; `payload` points into what was parsed.
struct record {
  record_kind kind{};
  group_id group;
  log_index index;
  std::uint32_t offset = 0;  // of its header in the body
  std::uint32_t size = 0;    // header and payload
  std::string_view payload;
};

inline constexpr std::uint32_t turn_header_size = 16;
inline constexpr std::uint32_t record_header_size = 25;

inline std::uint32_t turn_sum(std::uint64_t seq, std::uint32_t size, std::uint64_t first) {
  std::string key;
  codec::writer out{key};
  out.u64(seq);
  out.u32(size);
  out.u64(first);
  return crc32c(key);
}
inline std::uint32_t record_sum(std::uint64_t seq, std::uint32_t offset, record_kind kind, group_id group,
                                log_index index, std::string_view payload) {
  std::string key;
  codec::writer out{key};
  out.u64(seq);
  out.u32(offset);
  out.u8(static_cast<std::uint8_t>(kind));
  out.u64(group.value);
  out.u64(index.value);
  out.u32(static_cast<std::uint32_t>(payload.size()));
  return crc32c(payload, crc32c(key));
}

/// Builds the body of turn `seq`. Sizes must stay below 2^32: the owner bounds them.
class turn_writer {
 public:
  explicit turn_writer(std::uint64_t seq) : seq_(seq), body_(turn_header_size, '\0') {}

  /// Appends a record; returns it, without its payload.
  record add(record_kind kind, group_id group, log_index index, std::string_view payload) {
    record r{kind, group, index, static_cast<std::uint32_t>(body_.size()),
             record_header_size + static_cast<std::uint32_t>(payload.size()), {}};
    codec::writer out{body_};
    out.u8(static_cast<std::uint8_t>(kind));
    out.u64(group.value);
    out.u64(index.value);
    out.u32(static_cast<std::uint32_t>(payload.size()));
    out.u32(record_sum(seq_, r.offset, kind, group, index, payload));
    out.raw(payload);
    return r;
  }
  std::size_t size() const { return body_.size(); }
  /// The body; `first` is the lowest seq that is kept.
  std::string finish(std::uint64_t first) && {
    std::string header;
    codec::writer out{header};
    out.u32(static_cast<std::uint32_t>(body_.size()));
    out.u64(first);
    out.u32(turn_sum(seq_, static_cast<std::uint32_t>(body_.size()), first));
    body_.replace(0, header.size(), header);
    return std::move(body_);
  }

 private:
  std::uint64_t seq_;
  std::string body_;
};

/// The record at `offset` of turn `seq`, read from `in`, or nothing when it is damaged.
inline std::optional<record> read_record(std::uint64_t seq, std::uint32_t offset, codec::reader& in) {
  record r;
  auto const kind = in.u8();
  r.group = group_id{in.u64()};
  r.index = log_index{in.u64()};
  r.offset = offset;
  auto const size = in.u32();
  auto const sum = in.u32();
  r.payload = in.raw(size);
  if (!in.ok() || kind < 1 || kind > static_cast<std::uint8_t>(record_kind::moved)) return std::nullopt;
  r.kind = static_cast<record_kind>(kind);
  r.size = record_header_size + size;
  if (record_sum(seq, offset, r.kind, r.group, r.index, r.payload) != sum) return std::nullopt;
  return r;
}

/// A body taken apart.
struct turn {
  std::uint32_t size = 0;
  std::uint64_t first = 0;
  std::vector<record> records;
};

/// The records of turn `seq`, or nothing when a byte of it is not what was written.
inline std::optional<turn> read_turn(std::uint64_t seq, std::string_view body) {
  codec::reader in{body};
  turn out;
  out.size = in.u32();
  out.first = in.u64();
  auto const sum = in.u32();
  if (!in.ok() || out.size != body.size() || sum != turn_sum(seq, out.size, out.first)) return std::nullopt;
  while (!in.finished()) {
    auto const r = read_record(seq, static_cast<std::uint32_t>(body.size() - in.rest().size()), in);
    if (!r) return std::nullopt;
    out.records.push_back(*r);
  }
  return out;
}

inline std::string encode_entries(std::span<raft::entry const> entries) {
  std::string payload;
  codec::writer out{payload};
  out.varint(entries.size());
  for (auto const& e : entries) raft::encode(out, e);
  return payload;
}

/// How many entries a payload holds, or nothing when they do not fit the numbers from `first` on.
inline std::optional<std::uint64_t> count_entries(std::string_view payload, log_index first) {
  codec::reader in{payload};
  auto const count = in.count(3);
  if (!in.ok() || count == 0 || first == log_index{} || count - 1 > ~std::uint64_t{0} - first.value) return std::nullopt;
  return count;
}

/// Calls `use` with the entries [from, to] of a payload that begins at `first`, until it returns false. False when the
/// payload is malformed or ends before `to`. Their data are slices of `payload`.
template <class Use>
bool for_entries(bytes const& payload, log_index first, log_index from, log_index to, Use use) {
  codec::reader in{payload.view()};
  auto const count = in.count(3);
  for (std::uint64_t i = 0; i < count; ++i) {
    auto entry = raft::decode_entry(in, payload, first + i);
    if (!in.ok()) return false;
    if (entry.index < from) continue;
    auto const last = entry.index == to;
    if (!use(std::move(entry)) || last) return true;
  }
  return false;
}

}  // namespace tinykv::storage::detail
