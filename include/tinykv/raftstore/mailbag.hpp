#pragma once

#include <tinykv/policy/transport.hpp>

#include <map>
#include <utility>
#include <vector>

namespace tinykv::raftstore {

/// Who goes first: everything that keeps leaders alive and reads confirmed, then entries.
inline policy::priority priority_of(raft::message_kind kind) {
  auto const carries_log = kind == raft::message_kind::append || kind == raft::message_kind::append_reply;
  return carries_log ? policy::priority::normal : policy::priority::urgent;
}

/// Collects the messages of one turn: one envelope for each store and priority, whatever the number of groups.
class mailbag {
 public:
  /// Adds a message for the store `to`.
  void add(store_id to, group_id group, raft::message m) {
    auto const priority = priority_of(m.kind);
    auto& mail = bag_[{priority, to}];
    mail.priority = priority;
    mail.messages.push_back({group, std::move(m)});
  }
  /// Adds a piece of a snapshot, or its answer.
  void add(store_id to, group_id group, raft::snapshot_message m) {
    auto const priority = m.answer ? policy::priority::urgent : policy::priority::bulk;
    auto& mail = bag_[{priority, to}];
    mail.priority = priority;
    mail.snapshots.push_back({group, std::move(m)});
  }
  /// Hands each envelope to `send(to, envelope)`, urgent ones first, and is empty again.
  template <class F>
  void empty_into(F send) {
    for (auto& [where, mail] : std::exchange(bag_, {})) send(where.second, std::move(mail));
  }

 private:
  std::map<std::pair<policy::priority, store_id>, policy::envelope> bag_;
};

}  // namespace tinykv::raftstore
