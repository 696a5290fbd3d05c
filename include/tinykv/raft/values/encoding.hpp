#pragma once

#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/raft/values/entry.hpp>
#include <tinykv/raft/values/state.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace tinykv::raft {

// The stored form of Raft's values, used by log storage and by configuration entries:
//
//     members     = count varint { peer varint, store varint, address text }*
//     membership  = version varint, voters members, outgoing members, learners members,
//                   highest peer varint                          (perhaps missing: it stands at the end)
//     change      = format u8 = 1, membership                  (the data of a configuration entry)
//     hard state  = term varint, vote varint, commit varint
//     entry       = kind u8, term varint, data text            (the index is known from the place)
//     truncation  = index varint, term varint, membership, owner varint, left u8   (perhaps missing)

/// Appends `v`.
inline void encode(codec::writer& out, std::vector<member> const& v) {
  out.varint(v.size());
  for (auto const& m : v) {
    out.varint(m.peer.value);
    out.varint(m.store.value);
    out.text(m.address);
  }
}
/// Appends `v`.
inline void encode(codec::writer& out, membership const& v) {
  out.varint(v.version);
  encode(out, v.voters);
  encode(out, v.outgoing);
  encode(out, v.learners);
  out.varint(v.highest_peer.value);
}
/// Appends `v`.
inline void encode(codec::writer& out, hard_state const& v) {
  out.varint(v.term.value);
  out.varint(v.vote.value);
  out.varint(v.commit.value);
}
/// Appends `v` without its index.
inline void encode(codec::writer& out, entry const& v) {
  out.u8(static_cast<std::uint8_t>(v.kind));
  out.varint(v.term.value);
  out.text(v.data);
}
/// Appends `v`.
inline void encode(codec::writer& out, truncation const& v) {
  out.varint(v.at.index.value);
  out.varint(v.at.term.value);
  encode(out, v.configuration);
  out.varint(v.owner.value);
  out.u8(v.left ? 1 : 0);
}

/// The data of a configuration entry.
inline bytes encode_change(membership_change const& v) {
  std::string text;
  codec::writer out{text};
  out.u8(1);
  encode(out, v.target);
  return bytes::adopt(std::move(text));
}

/// Reads members; fails the reader when they are malformed, too many, not rising by peer, or name 0.
inline std::vector<member> decode_members(codec::reader& in) {
  auto const count = in.count(3);
  if (count > membership::members_max) {
    in.fail();
    return {};
  }
  std::vector<member> out(static_cast<std::size_t>(count));
  peer_id before{};
  for (auto& m : out) {
    m.peer = peer_id{in.varint()};
    m.store = store_id{in.varint()};
    auto const address = in.text();
    if (m.peer <= before || m.store == store_id{} || address.size() > member::address_bytes_max) in.fail();
    else m.address = address;
    before = m.peer;
  }
  return out;
}
/// Reads a membership.
inline membership decode_membership(codec::reader& in) {
  membership out;
  out.version = in.varint();
  out.voters = decode_members(in);
  out.outgoing = decode_members(in);
  out.learners = decode_members(in);
  if (in.ok() && !in.finished()) out.highest_peer = peer_id{in.varint()};
  return out;
}
/// Reads the data of a configuration entry. `fatal` (corrupt, or version_mismatch for a later format).
inline result<membership_change> decode_change(std::string_view data) {
  codec::reader in{data};
  if (in.u8() != 1) return fatal(error_code::version_mismatch, "a configuration entry has another format");
  membership_change out{decode_membership(in)};
  if (!in.finished()) return fatal(error_code::corrupt, "a configuration entry is malformed");
  return out;
}
/// Reads a hard state.
inline hard_state decode_hard_state(codec::reader& in) {
  hard_state out;
  out.term = term{in.varint()};
  out.vote = peer_id{in.varint()};
  out.commit = log_index{in.varint()};
  return out;
}
/// Reads an entry; its data are a slice of `block`, which `in` must be reading. The index is the caller's.
inline entry decode_entry(codec::reader& in, bytes const& block, log_index index) {
  entry out;
  out.index = index;
  auto const kind = in.u8();
  if (kind > static_cast<std::uint8_t>(entry_kind::barrier)) in.fail();
  out.kind = static_cast<entry_kind>(kind);
  out.term = term{in.varint()};
  auto const data = in.text();
  if (!data.empty()) out.data = block.slice(static_cast<std::size_t>(data.data() - block.data()), data.size());
  return out;
}
/// Reads a truncation.
inline truncation decode_truncation(codec::reader& in) {
  truncation out;
  out.at.index = log_index{in.varint()};
  out.at.term = term{in.varint()};
  out.configuration = decode_membership(in);
  if (!in.ok() || in.finished()) return out;
  out.owner = peer_id{in.varint()};
  auto const left = in.u8();
  if (left > 1) in.fail();
  out.left = left == 1;
  return out;
}

}  // namespace tinykv::raft
