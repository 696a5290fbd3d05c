#pragma once

#include <tinykv/core/failure.hpp>
#include <tinykv/core/identity.hpp>
#include <tinykv/raft/values/ready.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace tinykv::raftstore {

/// One group, as a store sees it.
struct group_status {
  group_id group;                  ///< Which.
  raft::status raft;               ///< Its consensus.
  store_id leader_store;           ///< Where the leader is; 0 = not known.
  std::optional<failure> fenced;   ///< Why it stopped for good.
  log_index machine_durable{};     ///< What the machine would have after a crash.
  std::uint64_t log_bytes = 0;     ///< Of the log, about.
  bool compacted = false;          ///< False: the composition keeps no snapshots, so that the log is never compacted.
};

/// What can be seen of a store.
struct store_status {
  store_identity self;                     ///< Who it is.
  std::optional<failure> failed;           ///< Why it does not serve.
  std::vector<group_status> groups;        ///< Rising by id.
  std::map<store_id, failure> refused_by;  ///< Stores that refuse this one, with their last word.
  std::uint64_t log_batches = 0;           ///< Log batches written.
  std::vector<group_id> retired;           ///< Groups that this store has left.
  std::uint64_t messages_dropped = 0;      ///< Mail that met a full inbox or came from an unknown start.
};

}  // namespace tinykv::raftstore
