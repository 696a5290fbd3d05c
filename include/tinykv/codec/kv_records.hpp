#pragma once

#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>
#include <tinykv/core/bytes.hpp>
#include <tinykv/core/region.hpp>
#include <tinykv/core/result.hpp>

#include <string>
#include <string_view>

// What the key/value machine keeps in its engine beside the data, and how raw data are kept. Keys of the family `meta`
// are those of spec 3.2; their values are ours:
//
//     key of applied    = 01 02 region be64 03        value = format u8 = 1, index varint, term varint, extension
//     key of note       = 01 02 region be64 04         value = format u8 = 1, note text, extension
//     key of region     = 01 03 region be64 01        value = format u8 = 1, state u8, region, extension
//     region            = id varint, start text, end text, conf_ver varint, version varint, peers
//     peers             = count varint, { peer varint, store varint, role u8, extension text }*
//     extension         = bytes to the end, passed over by readers of today
//
// A note is there while a snapshot replaces the region: it says which one.
//
// A key of the family `raw` is the user's key; a raw value is the byte 0 (later: what else is kept with it), then the
// user's value, so that an empty value differs from none in every engine.

namespace tinykv::codec {

/// Where the applied position of `id` is kept.
inline std::string applied_key(group_id id) {
  std::string key{"\x01\x02", 2};
  writer out{key};
  out.be64(id.value);
  out.u8(3);
  return key;
}
/// Where it is noted that a snapshot replaces the data of `id`.
inline std::string note_key(group_id id) {
  std::string key{"\x01\x02", 2};
  writer out{key};
  out.be64(id.value);
  out.u8(4);
  return key;
}
/// Where the state of region `id` is kept.
inline std::string region_key(group_id id) {
  std::string key{"\x01\x03", 2};
  writer out{key};
  out.be64(id.value);
  out.u8(1);
  return key;
}

/// The stored form of an applied position.
inline std::string encode_applied(position const& at) {
  std::string text;
  writer out{text};
  out.u8(1);
  out.varint(at.index.value);
  out.varint(at.term.value);
  return text;
}
/// Reads an applied position. `fatal` (corrupt, or version_mismatch for a later format).
inline result<position> decode_applied(std::string_view data) {
  reader in{data};
  if (in.u8() != 1) return fatal(error_code::version_mismatch, "the applied position has another format");
  position at;
  at.index = log_index{in.varint()};
  at.term = term{in.varint()};
  if (!in.ok()) return fatal(error_code::corrupt, "the applied position is malformed");
  return at;
}

/// The stored form of a note.
inline std::string encode_note(std::string_view note) {
  std::string text;
  writer out{text};
  out.u8(1);
  out.text(note);
  return text;
}
/// Reads a note. `fatal` (corrupt, or version_mismatch for a later format).
inline result<bytes> decode_note(std::string_view data) {
  reader in{data};
  if (in.u8() != 1) return fatal(error_code::version_mismatch, "the note of a snapshot has another format");
  auto const note = in.text();
  if (!in.ok()) return fatal(error_code::corrupt, "the note of a snapshot is malformed");
  return bytes::copy_of(note);
}

/// A region and how far its data are to be trusted.
struct region_record {
  region_state state = region_state::normal;  ///< May it serve?
  tinykv::region region;                      ///< Range, epoch, peers.

  /// Equal iff both fields are.
  friend bool operator==(region_record const&, region_record const&) = default;
};

/// The stored form of a region record.
inline std::string encode_region(region_record const& record) {
  std::string text;
  writer out{text};
  out.u8(1);
  out.u8(static_cast<std::uint8_t>(record.state));
  auto const& r = record.region;
  out.varint(r.id.value);
  out.text(r.start);
  out.text(r.end);
  out.varint(r.epoch.conf_ver);
  out.varint(r.epoch.version);
  out.varint(r.peers.size());
  for (auto const& p : r.peers) {
    out.varint(p.peer.value);
    out.varint(p.store.value);
    out.u8(static_cast<std::uint8_t>(p.role));
    out.text({});
  }
  return text;
}
/// Reads a region record. `fatal` (corrupt, or version_mismatch for a later format).
inline result<region_record> decode_region(std::string_view data) {
  reader in{data};
  if (in.u8() != 1) return fatal(error_code::version_mismatch, "the region state has another format");
  region_record out;
  auto const state = in.u8();
  if (state > static_cast<std::uint8_t>(region_state::merging)) in.fail();
  out.state = static_cast<region_state>(state);
  auto& r = out.region;
  r.id = group_id{in.varint()};
  r.start = in.text();
  r.end = in.text();
  r.epoch.conf_ver = in.varint();
  r.epoch.version = in.varint();
  r.peers.resize(static_cast<std::size_t>(in.count(4)));
  for (auto& p : r.peers) {
    p.peer = peer_id{in.varint()};
    p.store = store_id{in.varint()};
    auto const role = in.u8();
    if (role > static_cast<std::uint8_t>(peer_role::demoting)) in.fail();
    p.role = static_cast<peer_role>(role);
    in.text();
  }
  if (!in.ok()) return fatal(error_code::corrupt, "the region state is malformed");
  return out;
}

/// A raw key and its stored value, in one block.
struct raw_record {
  bytes key;    ///< The user's key.
  bytes value;  ///< Byte 0 and the user's value.
};

/// The stored form of a raw pair: one allocation for both.
inline raw_record encode_raw(std::string_view key, std::string_view value) {
  std::string text;
  text.reserve(key.size() + 1 + value.size());
  text.append(key).append(1, '\0').append(value);
  auto const block = bytes::adopt(std::move(text));
  return {block.slice(0, key.size()), block.slice(key.size())};
}
/// The user's part of a stored raw value. `fatal` (version_mismatch) when it has a form of a later version.
inline result<std::string_view> decode_raw(std::string_view stored) {
  if (stored.empty() || stored.front() != '\0')
    return fatal(error_code::version_mismatch, "a raw value has another format");
  return stored.substr(1);
}

}  // namespace tinykv::codec
