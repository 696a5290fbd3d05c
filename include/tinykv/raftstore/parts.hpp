#pragma once

#include <tinykv/policy/clock.hpp>
#include <tinykv/policy/composition.hpp>
#include <tinykv/policy/consensus.hpp>
#include <tinykv/policy/executor.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/policy/observer.hpp>
#include <tinykv/policy/snapshot_storage.hpp>
#include <tinykv/policy/snapshottable_machine.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/policy/transport.hpp>
#include <tinykv/raftstore/options.hpp>

#include <type_traits>
#include <vector>

namespace tinykv {

/// Refuses, in words, a composition that names too little or promises what its parts cannot keep.
template <class P>
struct checked_composition {
  static_assert(requires { typename P::machine; },
                "tinykv: the composition names no state machine: add `using machine = ...;` (a class with `reply` and `apply`)");
  static_assert(requires { typename P::log; },
                "tinykv: the composition names no log: add `using log = ...;` (storage::sqlite_log survives kill -9, storage::memory_log does not)");
  static_assert(requires { typename P::transport; },
                "tinykv: the composition names no transport: add `using transport = ...;` (transport::websocket, transport::loopback)");
  static_assert(policy::StateMachine<typename P::machine>,
                "tinykv: `machine` is no StateMachine: it needs a type `reply` and `reply apply(log_index, std::string_view)`");
  static_assert(policy::LogStorage<typename P::log>, "tinykv: `log` is no LogStorage; see policy/log_storage.hpp");
  static_assert(policy::Transport<typename P::transport>, "tinykv: `transport` is no Transport; see policy/transport.hpp");
  static_assert(requires { sizeof(typename P::consensus); },
                "tinykv: `consensus` is only declared: include its header (that of the default is raft/core.hpp)");
  static_assert(policy::Consensus<typename P::consensus>, "tinykv: `consensus` is no Consensus; see policy/consensus.hpp");
  static_assert(requires { sizeof(typename P::executor); },
                "tinykv: `executor` is only declared: include its header (that of the default is runtime/asio_executor.hpp)");
  static_assert(policy::Executor<typename P::executor>, "tinykv: `executor` is no Executor; see policy/executor.hpp");
  static_assert(requires { sizeof(typename P::clock); },
                "tinykv: `clock` is only declared: include its header (that of the default is runtime/steady_clock.hpp)");
  static_assert(policy::Clock<typename P::clock>, "tinykv: `clock` is no Clock; see policy/clock.hpp");
  static_assert(policy::Observer<typename P::observer>, "tinykv: `observer` is no Observer; see policy/observer.hpp");
  static_assert(!policy::is_durable_machine<typename P::machine> || policy::PersistentMachine<typename P::machine>,
                "tinykv: a machine whose state is durable must be a PersistentMachine: without `applied`, `durable`, `sync` and "
                "`apply_batch` its entries would be applied again at each start");
  static_assert(P::log::durable || !policy::is_durable_machine<typename P::machine>,
                "tinykv: a durable machine over a volatile log would keep effects of entries that the log forgets: "
                "take a durable log (storage::sqlite_log) or a volatile engine");
  static_assert(std::is_same_v<typename P::snapshots, policy::no_snapshots> || policy::SnapshotStorage<typename P::snapshots>,
                "tinykv: `snapshots` is no SnapshotStorage; see policy/snapshot_storage.hpp (storage::snapshot_files, storage::memory_snapshots)");
  static_assert(std::is_same_v<typename P::snapshots, policy::no_snapshots> || policy::SnapshottableMachine<typename P::machine>,
                "tinykv: the composition keeps snapshots, but `machine` cannot give any: it needs `save(snapshot_writer&) const` and "
                "`restore(snapshot_reader&, position)`; see policy/snapshottable_machine.hpp");
  static_assert(std::is_same_v<typename P::snapshots, policy::no_snapshots> || !policy::PersistentMachine<typename P::machine> ||
                    policy::ReplaceableMachine<typename P::machine>,
                "tinykv: a persistent machine that takes snapshots must survive a crash in the middle of one: it needs "
                "`begin_restore(bytes)` and `restoring() const`; see policy/snapshottable_machine.hpp");
  static_assert(P::snapshots::durable || !P::log::durable,
                "tinykv: volatile snapshots beside a durable log would be gone when the log has been compacted on their word: "
                "take durable ones (storage::snapshot_files)");
};

/// True iff the composition can compact its logs and send snapshots.
template <class P>
inline constexpr bool has_snapshots = policy::SnapshotStorage<typename P::snapshots> && policy::SnapshottableMachine<typename P::machine>;

/// A group beside the first one, and its machine.
template <class P>
struct group_part {
  raftstore::group_options options;  ///< Which, and how it begins.
  typename P::machine machine;       ///< Its own.
};

/// One opened instance of each choice, moved into a node or store. What can fail to open has been opened before.
template <class P>
struct parts {
  static_assert(sizeof(checked_composition<P>) > 0);  // refused here, before the members below fail in other words

  typename P::machine machine;      ///< The state machine of the first group.
  typename P::log log;              ///< The log of all groups.
  typename P::transport transport;  ///< The way to the other stores.
  typename P::clock clock{};        ///< The time.
  typename P::observer observer{};  ///< Who is told.
  typename P::snapshots snapshots{};  ///< The snapshot files of all groups.
  std::vector<group_part<P>> more{};  ///< Further groups of the store.
};

}  // namespace tinykv
