#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/failure.hpp>
#include <tinykv/core/identity.hpp>
#include <tinykv/core/region.hpp>
#include <tinykv/core/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What clients ask and servers answer, as plain values; kv_messages.hpp turns them into bytes and back.

namespace tinykv::wire {

/// What the client believes (spec 3.6). Zero in a field = it has no opinion.
struct request_context {
  group_id region;           ///< Which region.
  region_epoch epoch{0, 0};  ///< Of that region, as the client knows it.
  store_id store;            ///< Whom it means to ask.

  /// Equal iff all fields are.
  friend bool operator==(request_context const&, request_context const&) = default;
};

/// One write; see codec::kv_write, of which this is the owning form.
struct write {
  std::string key;                      ///< Not empty.
  std::optional<std::string> value;     ///< nullopt = erase.
  bool conditional = false;             ///< A compare-and-set.
  std::optional<std::string> expected;  ///< Of a conditional one; nullopt = absent.

  /// Equal iff all fields are.
  friend bool operator==(write const&, write const&) = default;
};

/// Writes that happen together or not at all. A single one travels as RawPut, RawDelete or RawCompareAndSet.
struct write_request {
  request_context context;    ///< Where.
  std::vector<write> writes;  ///< In order; later ones win.

  /// Equal iff both fields are.
  friend bool operator==(write_request const&, write_request const&) = default;
};

/// The value of one key.
struct get_request {
  request_context context;  ///< Where.
  std::string key;          ///< Which.

  /// Equal iff both fields are.
  friend bool operator==(get_request const&, get_request const&) = default;
};

/// A range of pairs.
struct scan_request {
  request_context context;      ///< Where.
  std::string start;            ///< Inclusive.
  std::string end;              ///< Exclusive; empty = no end.
  std::string prefix;           ///< Only keys that begin so.
  std::uint32_t limit = 0;      ///< Pairs at most; 0 = none (spec 1.6).
  std::uint64_t bytes_max = 0;  ///< Of keys and values; 0 = as the server likes.
  bool reverse = false;         ///< From the end of the range backwards.
  bool keys_only = false;       ///< Without values.

  /// Equal iff all fields are.
  friend bool operator==(scan_request const&, scan_request const&) = default;
};

/// How is the store?
struct status_request {
  /// Equal always.
  friend bool operator==(status_request const&, status_request const&) = default;
};

/// Any request.
using kv_request = std::variant<get_request, write_request, scan_request, status_request>;

/// All writes were done, or (compare_failed) none was.
struct write_reply {
  bool done = true;                    ///< False: a condition did not hold.
  std::optional<std::string> current;  ///< What the first such key holds; nullopt = nothing.

  /// Equal iff both fields are.
  friend bool operator==(write_reply const&, write_reply const&) = default;
};

/// What a key holds.
struct get_reply {
  std::optional<std::string> value;  ///< nullopt = no such key.
  log_index applied;                 ///< Of the view that was read.

  /// Equal iff both fields are.
  friend bool operator==(get_reply const&, get_reply const&) = default;
};

/// One pair of a scan.
struct kv_pair {
  std::string key;    ///< As written.
  std::string value;  ///< As written; empty with keys_only.

  /// Equal iff both are.
  friend bool operator==(kv_pair const&, kv_pair const&) = default;
};

/// A page of pairs.
struct scan_reply {
  std::vector<kv_pair> pairs;  ///< In the order of the scan.
  bool more = false;           ///< A bound stopped it.
  log_index applied;           ///< Of the view that was read.

  /// Equal iff all fields are.
  friend bool operator==(scan_reply const&, scan_reply const&) = default;
};

/// A replica, as its store sees it.
struct group_status {
  group_id group;                  ///< Which group.
  std::string role;                ///< "leader", "follower", "candidate", "pre_candidate".
  tinykv::term term;               ///< Its term.
  store_id leader;                 ///< The leader's store; 0 = none known.
  std::string leader_address;      ///< Where the leader is reached; empty = not known.
  log_index first;                 ///< The first entry that is kept.
  log_index last;                  ///< The last entry.
  log_index durable;               ///< The last entry on its own disk.
  log_index commit;                ///< Known to be on a quorum.
  log_index applied;               ///< In its machine.
  std::vector<region_peer> peers;  ///< Its configuration.
  std::optional<failure> fenced;   ///< It stopped for good, and why.

  /// Equal iff all fields are.
  friend bool operator==(group_status const&, group_status const&) = default;
};

/// Another store that refuses this one.
struct refusal_by {
  store_id store;           ///< Who refuses.
  tinykv::failure failure;  ///< Why.

  /// Equal iff both fields are.
  friend bool operator==(refusal_by const&, refusal_by const&) = default;
};

/// A store.
struct status_reply {
  cluster_id cluster;                   ///< Its cluster.
  store_id store;                       ///< Its number.
  std::string uuid;                     ///< Of its data directory, 32 hexadecimal digits.
  std::uint64_t start_epoch = 0;        ///< How often it was started.
  std::string address;                  ///< Where it says that it is reached.
  std::string version;                  ///< Of the program.
  std::optional<failure> failed;        ///< It serves nothing more, and why.
  std::vector<group_status> groups;     ///< Its replicas.
  std::vector<refusal_by> refused_by;   ///< Other stores that refuse it.

  /// Equal iff all fields are.
  friend bool operator==(status_reply const&, status_reply const&) = default;
};

/// Any reply.
using kv_reply = std::variant<get_reply, write_reply, scan_reply, status_reply>;

/// Why there is no reply, and what helps the client on.
struct kv_refusal {
  failure reason;               ///< With not_leader, `hint` is the leader's store id.
  std::string leader_address;   ///< With not_leader: where the leader is reached; empty = not known.
  std::vector<region> regions;  ///< With epoch_mismatch and key_not_in_region: what the store knows.

  /// Equal iff all fields are.
  friend bool operator==(kv_refusal const&, kv_refusal const&) = default;
};

/// What a server answers.
using kv_answer = result<kv_reply, kv_refusal>;

}  // namespace tinykv::wire
