#pragma once

// What every composition of this folder is made of, so that each file differs from one that fits by the one thing that
// is refused.

#include <tinykv/raft/core.hpp>
#include <tinykv/raftstore/parts.hpp>
#include <tinykv/runtime/manual_executor.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/storage/memory_snapshots.hpp>
#include <tinykv/transport/loopback.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace refusals {

/// The smallest state machine.
struct counter {
  using reply = std::int64_t;
  reply apply(tinykv::log_index, std::string_view) { return ++value; }
  std::int64_t value = 0;
};

/// A machine that keeps its state on a disk and answers for it.
struct counter_on_disk : counter {
  static constexpr bool durable_state = true;
  tinykv::result<tinykv::done> apply_batch(std::span<tinykv::policy::command const>, tinykv::position, std::vector<reply>&) {
    return tinykv::done{};
  }
  tinykv::position applied() { return {}; }
  tinykv::log_index durable() { return {}; }
  tinykv::result<tinykv::done> sync() { return tinykv::done{}; }
};

/// A machine that gives snapshots.
struct saved_counter : counter {
  tinykv::result<tinykv::done> save(tinykv::policy::snapshot_writer&) const { return tinykv::done{}; }
  tinykv::result<tinykv::done> restore(tinykv::policy::snapshot_reader&, tinykv::position) { return tinykv::done{}; }
};

/// A machine on a disk that gives snapshots, and knows after a crash whether it was amid restoring one.
struct saved_counter_on_disk : counter_on_disk {
  tinykv::result<tinykv::done> save(tinykv::policy::snapshot_writer&) const { return tinykv::done{}; }
  tinykv::result<tinykv::done> restore(tinykv::policy::snapshot_reader&, tinykv::position) { return tinykv::done{}; }
  tinykv::result<tinykv::done> begin_restore(tinykv::bytes) { return tinykv::done{}; }
  std::optional<tinykv::bytes> restoring() const { return std::nullopt; }
};

/// A log that claims to survive.
struct durable_log : tinykv::storage::memory_log {
  static constexpr bool durable = true;
};

/// Snapshots that claim to survive.
struct durable_snapshots : tinykv::storage::memory_snapshots {
  static constexpr bool durable = true;
};

/// The choices that have a default, with models that need no third party.
struct defaults : tinykv::defaults {
  using executor = tinykv::runtime::manual_executor;
  using clock = tinykv::runtime::manual_clock;
};

}  // namespace refusals
