#pragma once

#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>
#include <tinykv/core/bytes.hpp>
#include <tinykv/core/identity.hpp>
#include <tinykv/core/result.hpp>

#include <algorithm>
#include <map>
#include <string>

namespace tinykv::raftstore {

/// Who this store is, and which start of every other store it has met last: the one place that judges identities
/// (SAFETY.md §6). A wiped or restored disk must not come back under its old name, because its promises are gone.
///
/// Kept in the log as the store record:
///
///     record  = version u8 (1), kind u8, cluster varint, store varint, start, count varint { store varint, start }*
///     start   = uuid 16 bytes, epoch varint, number u64
class roster {
 public:
  /// Stores remembered at most; further ones are refused.
  static constexpr std::size_t stores_max = 4096;
  /// Of these, stores that are no members of any group here when they are met first; see `doorkeeper`.
  static constexpr std::size_t strangers_max = stores_max / 4;

  /// What is to be done with a greeting.
  enum class verdict : std::uint8_t {
    known,  ///< The latest start known; let it in.
    news,   ///< A later start, or a new store: remember it durably first.
  };

  /// Knows nobody but `self`.
  explicit roster(store_identity const& self) : self_(self) {}

  /// Reads a store record; `fatal` when it is damaged.
  static result<roster> decode(bytes const& record);
  /// The store record.
  bytes encode() const;

  store_identity const& self() const { return self_; }  ///< This store.
  /// A new start of this store: the epoch rises, and `number` tells it from the start of a copy of the directory.
  void begin(std::uint64_t number) { self_.start = {self_.start.epoch + 1, number}; }

  /// May `from`, which takes this store for `to`, talk to it?
  result<verdict> judge(store_identity const& from, store_id to) const;
  /// True iff some start of that store was remembered.
  bool has_met(store_id store) const { return met_.count(store) != 0; }
  /// How many of the stores that were met are such that `which(store)`.
  template <class F>
  std::size_t count_met(F which) const {
    return static_cast<std::size_t>(std::count_if(met_.begin(), met_.end(), [&](auto const& one) { return which(one.first); }));
  }
  /// From now on this is the latest start of that store.
  void remember(store_identity const& from) { met_[from.store] = {from.uuid, from.start}; }
  /// True iff `from` is the latest start that was remembered: mail of an earlier one is dropped.
  bool is_latest(store_identity const& from) const {
    auto const it = met_.find(from.store);
    return it != met_.end() && it->second.uuid == from.uuid && it->second.start == from.start;
  }

 private:
  struct start {
    tinykv::uuid uuid;
    start_number start;
  };
  static void write(codec::writer& out, start const& s);
  static start read(codec::reader& in);

  store_identity self_;
  std::map<store_id, start> met_;
};

inline void roster::write(codec::writer& out, start const& s) {
  for (auto const octet : s.uuid.octets) out.u8(octet);
  out.varint(s.start.epoch);
  out.u64(s.start.number);
}

inline roster::start roster::read(codec::reader& in) {
  start s;
  for (auto& octet : s.uuid.octets) octet = in.u8();
  s.start.epoch = in.varint();
  s.start.number = in.u64();
  return s;
}

inline bytes roster::encode() const {
  std::string text;
  codec::writer out{text};
  out.u8(1);
  out.u8(static_cast<std::uint8_t>(self_.consensus));
  out.varint(self_.cluster.value);
  out.varint(self_.store.value);
  write(out, {self_.uuid, self_.start});
  out.varint(met_.size());
  for (auto const& [store, s] : met_) {
    out.varint(store.value);
    write(out, s);
  }
  return bytes::adopt(std::move(text));
}

inline result<roster> roster::decode(bytes const& record) {
  codec::reader in{record};
  if (in.u8() != 1) return fatal(error_code::version_mismatch, "the store record is of another version of this program");
  store_identity self;
  self.consensus = static_cast<consensus_kind>(in.u8());
  self.cluster = cluster_id{in.varint()};
  self.store = store_id{in.varint()};
  auto const own = read(in);
  self.uuid = own.uuid;
  self.start = own.start;
  roster out{self};
  for (auto n = in.count(26); n > 0; --n) {
    auto const store = store_id{in.varint()};
    out.met_[store] = read(in);
  }
  if (!in.finished()) return fatal(error_code::corrupt, "the store record is damaged");
  return out;
}

inline result<roster::verdict> roster::judge(store_identity const& from, store_id to) const {
  auto const refuse = [](std::string why) { return rejected(error_code::identity_refused, std::move(why)); };
  auto const name = "store " + std::to_string(from.store.value);
  if (from.cluster != self_.cluster)
    return refuse(name + " belongs to cluster " + std::to_string(from.cluster.value) + ", this is cluster " +
                  std::to_string(self_.cluster.value));
  if (to != self_.store)
    return refuse(name + " looks for store " + std::to_string(to.value) + " where store " +
                  std::to_string(self_.store.value) + " is; check the addresses of the peers");
  if (from.store == self_.store || from.store == store_id{}) return refuse("two stores use the id " + std::to_string(from.store.value));
  if (from.consensus != self_.consensus) return refuse(name + " runs another consensus");
  auto const it = met_.find(from.store);
  if (it == met_.end() && met_.size() >= stores_max) return refuse("too many stores have been met");
  if (it == met_.end()) return verdict::news;
  auto const& met = it->second;
  if (met.uuid != from.uuid)
    return refuse(name + " comes back with another data directory (uuid " + from.uuid.text() + ", known as " +
                  met.uuid.text() + "); its promises are lost: give it a new store id");
  if (from.start.epoch < met.start.epoch)
    return refuse(name + " comes back with an older copy of its data directory (start " +
                  std::to_string(from.start.epoch) + ", known " + std::to_string(met.start.epoch) +
                  "); give it a new store id");
  if (from.start.epoch == met.start.epoch && from.start.number != met.start.number)
    return refuse(name + " runs twice, or from a copy of its data directory; give it a new store id");
  return from.start == met.start ? verdict::known : verdict::news;
}

}  // namespace tinykv::raftstore
