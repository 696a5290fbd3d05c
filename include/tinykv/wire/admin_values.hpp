#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/core/region.hpp>
#include <tinykv/wire/kv_values.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What those who run a cluster ask and servers answer, as plain values; admin_messages.hpp turns them into bytes and back.

namespace tinykv::wire {

/// A peer of a region, by its own number or by the store that it is on. One of them is 0.
struct peer_name {
  peer_id peer;    ///< 0 = the one on `store`.
  store_id store;  ///< 0 = the one called `peer`.

  /// Equal iff both fields are.
  friend bool operator==(peer_name const&, peer_name const&) = default;
};

/// How is a region? Answered by its leader, or (`local`) by whoever is asked, as it sees it.
struct show_region_request {
  group_id region;     ///< Which; 0 = all that the store has, and then `local`.
  bool local = false;  ///< No leader is needed.

  /// Equal iff both fields are.
  friend bool operator==(show_region_request const&, show_region_request const&) = default;
};

/// Make another peer the leader. Asking for the one that leads does nothing.
struct transfer_request {
  group_id region;  ///< Which.
  peer_name to;     ///< Who is to lead; a voter.

  /// Equal iff both fields are.
  friend bool operator==(transfer_request const&, transfer_request const&) = default;
};

/// Make a store hold a peer of a region. It comes as a learner, and is promoted when it has caught up. Asking again does
/// nothing; for a learner of before, it promotes.
struct add_peer_request {
  group_id region;        ///< Which.
  peer_id peer;           ///< Its number, above every one that was ever used in the region; 0 = the leader chooses it.
  store_id store;         ///< Where.
  std::string address;    ///< H:P of that store; at most `raft::member::address_bytes_max` bytes.
  bool learner = false;   ///< It is to stay a learner.

  /// Equal iff all fields are.
  friend bool operator==(add_peer_request const&, add_peer_request const&) = default;
};

/// Make a peer leave a region. If there is none of that name, nothing is to be done.
struct remove_peer_request {
  group_id region;  ///< Which.
  peer_name peer;   ///< Who.

  /// Equal iff both fields are.
  friend bool operator==(remove_peer_request const&, remove_peer_request const&) = default;
};

/// Any request.
using admin_request = std::variant<show_region_request, transfer_request, add_peer_request, remove_peer_request>;

/// A peer of a region, and what its leader knows of it.
struct peer_report {
  region_peer peer;       ///< Who, where, and what it is there.
  std::string address;    ///< Where its store is reached; empty = not known.
  std::string state;      ///< "leader", "replicating", "probing", "snapshot"; empty = who answers does not lead.
  log_index match;        ///< Durable and equal there up to here, as its leader knows.
  std::uint64_t lag = 0;  ///< Entries of its leader's log that it is not known to have.
  bool active = false;    ///< It was heard of lately.

  /// Equal iff all fields are.
  friend bool operator==(peer_report const&, peer_report const&) = default;
};

/// A region, as a store sees it.
struct region_report {
  group_id id;                                 ///< Which.
  std::optional<region> range;                 ///< Keys and epoch, of the state confirmed by a read; none in a local answer.
  region_state state = region_state::normal;   ///< Of the peer that answers.
  std::string role;                            ///< Of the peer that answers, as in `group_status`.
  tinykv::term term;                           ///< Its term.
  store_id leader;                             ///< The leader's store; 0 = none known.
  std::string leader_address;                  ///< Where it is reached; empty = not known.
  std::uint64_t version = 0;                   ///< Of the configuration.
  bool changing = false;                       ///< Its members are being changed.
  log_index last;                              ///< The last entry.
  log_index commit;                            ///< Known to be on a quorum.
  log_index applied;                           ///< In its machine.
  std::vector<peer_report> peers;              ///< Its configuration.

  /// Equal iff all fields are.
  friend bool operator==(region_report const&, region_report const&) = default;
};

/// What a store knows of its regions.
struct show_region_reply {
  store_id store;                      ///< Who answers.
  std::vector<region_report> regions;  ///< Those asked for.
  std::vector<group_id> left;          ///< Regions of which it was a member and is none any more.

  /// Equal iff all fields are.
  friend bool operator==(show_region_reply const&, show_region_reply const&) = default;
};

/// The leadership was handed over, or was there already.
struct transfer_reply {
  store_id leader;  ///< Where it is.

  /// Equal iff the field is.
  friend bool operator==(transfer_reply const&, transfer_reply const&) = default;
};

/// The members that were asked for are in force.
struct members_reply {
  std::uint64_t version = 0;        ///< Of the configuration.
  std::vector<peer_report> peers;   ///< All of it; without progress.

  /// Equal iff both fields are.
  friend bool operator==(members_reply const&, members_reply const&) = default;
};

/// Any reply: of show, of transfer, of add-peer and remove-peer.
using admin_reply = std::variant<show_region_reply, transfer_reply, members_reply>;

/// What a server answers.
using admin_answer = result<admin_reply, kv_refusal>;

}  // namespace tinykv::wire
