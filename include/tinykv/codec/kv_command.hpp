#pragma once

#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>
#include <tinykv/core/bytes.hpp>
#include <tinykv/core/region.hpp>
#include <tinykv/core/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The commands of the key/value machine as they stand in a Raft log. Written once, read by every later version:
//
//     command   = format u8 = 1, flags u8 = 0, region varint, conf_ver varint, version varint,
//                 extension text, count varint, write*
//     write     = shape u8, key text, [value text, iff has_value], [expected text, iff has_expected]
//     shape     = has_value 1 | conditional 2 | has_expected 4          (has_expected only with conditional)
//     extension = { tag u8, content text }*     unknown tags below 128 are passed over, from 128 up refused
//
// An unknown format, flag or shape is refused whole: a replica that guessed would differ from the others (I-2).

namespace tinykv::codec {

/// One write of a command: `key` becomes `value`, or goes away. A conditional one holds only if the value of `key` before
/// the command is `expected` (nullopt: there is no such key). An empty value is a value.
struct kv_write {
  std::string_view key;                      ///< Never empty.
  std::optional<std::string_view> value;     ///< nullopt = erase.
  bool conditional = false;                  ///< A compare-and-set.
  std::optional<std::string_view> expected;  ///< Of a conditional one; nullopt = absent.

  /// Equal iff all fields are.
  friend bool operator==(kv_write const&, kv_write const&) = default;
};

/// A command: its writes happen together or not at all. All conditions are judged on the state before the command; of
/// two writes to one key the later one wins. The texts are views into what the command was made of or decoded from.
struct kv_command {
  group_id region;               ///< For which region.
  region_epoch epoch{0, 0};      ///< As the proposer saw it. Only the version is checked (spec 3.6); 0 = not even that.
  std::vector<kv_write> writes;  ///< In order; not empty.

  /// Equal iff all fields are.
  friend bool operator==(kv_command const&, kv_command const&) = default;
};

/// What may enter a log: judged at admission only. Decoding never asks them, since replicas with other options must
/// still agree on what a logged command does.
struct kv_limits {
  std::uint64_t key_bytes_max = 4ULL << 10;        ///< The longest key.
  std::uint64_t value_bytes_max = 500ULL << 10;    ///< The longest value: two of them fit into one compare-and-set.
  std::uint64_t command_bytes_max = 1ULL << 20;    ///< The longest encoded command; at most raft::options::command_bytes_max.
  std::uint64_t writes_max = 16384;                ///< Writes in one command.
};

namespace detail {

enum kv_shape : std::uint8_t { has_value = 1, is_conditional = 2, has_expected = 4 };

/// At least as many bytes as the stored form has.
inline std::size_t size_bound(kv_command const& command) {
  std::size_t size = 64;
  for (auto const& w : command.writes)
    size += 16 + w.key.size() + w.value.value_or("").size() + w.expected.value_or("").size();
  return size;
}

/// Passes over an extension; false if it has a tag that may not be passed over.
inline bool read_extension(reader& in) {
  auto known = true;
  for (reader tags{in.text()}; tags.ok() && !tags.rest().empty();) {
    auto const tag = tags.u8();
    tags.text();
    if (!tags.ok()) in.fail();
    else if (tag >= 128) known = false;
  }
  return known;
}

inline kv_write read_write(reader& in) {
  kv_write out;
  auto const shape = in.u8();
  if (shape > (has_value | is_conditional | has_expected)) in.fail();
  if ((shape & (is_conditional | has_expected)) == has_expected) in.fail();
  out.key = in.text();
  if (out.key.empty()) in.fail();
  if ((shape & has_value) != 0) out.value = in.text();
  out.conditional = (shape & is_conditional) != 0;
  if ((shape & has_expected) != 0) out.expected = in.text();
  return out;
}

}  // namespace detail

/// The stored form of `command`.
inline bytes encode(kv_command const& command) {
  std::string text;
  text.reserve(detail::size_bound(command));
  writer out{text};
  out.u8(1);
  out.u8(0);
  out.varint(command.region.value);
  out.varint(command.epoch.conf_ver);
  out.varint(command.epoch.version);
  out.text({});
  out.varint(command.writes.size());
  for (auto const& w : command.writes) {
    out.u8(static_cast<std::uint8_t>((w.value ? detail::has_value : 0) | (w.conditional ? detail::is_conditional : 0) |
                                     (w.conditional && w.expected ? detail::has_expected : 0)));
    out.text(w.key);
    if (w.value) out.text(*w.value);
    if (w.conditional && w.expected) out.text(*w.expected);
  }
  return bytes::adopt(std::move(text));
}

/// Reads a stored command; its texts are views into `data`. `rejected` (corrupt) when malformed, `rejected`
/// (version_mismatch) when a later version wrote it: both the same on every replica of one version.
inline result<kv_command> decode_kv_command(std::string_view data) {
  reader in{data};
  kv_command out;
  auto const format = in.u8();
  auto const flags = in.u8();
  if (in.ok() && (format != 1 || flags != 0))
    return rejected(error_code::version_mismatch, "a command of a later version; upgrade this server");
  out.region = group_id{in.varint()};
  out.epoch.conf_ver = in.varint();
  out.epoch.version = in.varint();
  if (!detail::read_extension(in) && in.ok())
    return rejected(error_code::version_mismatch, "a command of a later version; upgrade this server");
  auto const count = in.count(3);  // a write has at least its shape, the length of the key, and a key of one byte
  // No reserve: memory is taken as writes are found, not as they are announced.
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) out.writes.push_back(detail::read_write(in));
  if (!in.finished() || out.writes.empty()) return rejected(error_code::corrupt, "a malformed command");
  return out;
}

/// Whether `command` may be proposed: `rejected` (invalid_argument or too_large), the bound in the hint.
inline result<done> admit(kv_command const& command, kv_limits const& limits) {
  auto const too_large = [](std::string what, std::uint64_t bound) -> failure {
    what += " is larger than " + std::to_string(bound) + " bytes";
    return rejected(error_code::too_large, std::move(what), bound);
  };
  if (command.writes.empty()) return rejected(error_code::invalid_argument, "nothing to write");
  if (command.writes.size() > limits.writes_max)
    return rejected(error_code::too_large, "more than " + std::to_string(limits.writes_max) + " writes in one command",
                    limits.writes_max);
  for (auto const& w : command.writes) {
    if (w.key.empty()) return rejected(error_code::invalid_argument, "the key is empty");
    if (w.key.size() > limits.key_bytes_max) return too_large("the key", limits.key_bytes_max);
    for (auto const& v : {w.value, w.expected})
      if (v && v->size() > limits.value_bytes_max) return too_large("the value", limits.value_bytes_max);
  }
  if (detail::size_bound(command) > limits.command_bytes_max) return too_large("the command", limits.command_bytes_max);
  return done{};
}

}  // namespace tinykv::codec
