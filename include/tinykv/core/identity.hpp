#pragma once

#include <tinykv/core/id.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace tinykv {

/// What a user says of a store: which cluster it belongs to and its number there.
struct identity {
  cluster_id cluster;  ///< Not 0.
  store_id store;      ///< Not 0; unique in the cluster, never reused for another data directory.
};

/// Sixteen random bytes, drawn when a data directory is initialised: tells two directories of one store id apart.
struct uuid {
  std::array<std::uint8_t, 16> octets{};  ///< In the order in which they are printed.

  /// Bytewise.
  friend constexpr auto operator<=>(uuid const&, uuid const&) = default;

  /// 32 hexadecimal digits.
  std::string text() const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (auto const octet : octets) {
      out += digits[octet >> 4];
      out += digits[octet & 15];
    }
    return out;
  }
};

/// One start of a store. The epoch is raised, and synced, before the first handshake; the number tells two starts of
/// copies of one directory apart (SAFETY.md §6).
struct start_number {
  std::uint64_t epoch = 0;   ///< Rises by one at each start; 1 at the first.
  std::uint64_t number = 0;  ///< Random.

  /// Equal iff the same start.
  friend constexpr auto operator<=>(start_number const&, start_number const&) = default;
};

/// Which consensus a data directory was made by; the directories of one refuse the other. Stored: never renumber.
enum class consensus_kind : std::uint8_t {
  raft = 1,  ///< `raft::core`.
  solo = 2,  ///< `raft::solo`.
};

/// Who a store is, in full: what each connection of each Transport model carries (SAFETY.md §6).
struct store_identity {
  cluster_id cluster;                              ///< As in `identity`.
  store_id store;                                  ///< As in `identity`.
  tinykv::uuid uuid;                               ///< Of the data directory.
  consensus_kind consensus = consensus_kind::raft; ///< Of the data directory.
  start_number start;                              ///< Of this process.

  /// Equal iff the same start of the same directory.
  friend constexpr bool operator==(store_identity const&, store_identity const&) = default;
};

}  // namespace tinykv
