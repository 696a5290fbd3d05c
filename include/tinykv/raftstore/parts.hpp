#pragma once

#include <tinykv/policy/clock.hpp>
#include <tinykv/policy/composition.hpp>
#include <tinykv/policy/consensus.hpp>
#include <tinykv/policy/executor.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/policy/observer.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/policy/transport.hpp>

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
  static_assert(policy::Consensus<typename P::consensus>, "tinykv: `consensus` is no Consensus; see policy/consensus.hpp");
  static_assert(policy::Executor<typename P::executor>, "tinykv: `executor` is no Executor; include its header, see policy/executor.hpp");
  static_assert(policy::Clock<typename P::clock>, "tinykv: `clock` is no Clock; include its header, see policy/clock.hpp");
  static_assert(policy::Observer<typename P::observer>, "tinykv: `observer` is no Observer; see policy/observer.hpp");
  static_assert(!policy::is_durable_machine<typename P::machine> || policy::PersistentMachine<typename P::machine>,
                "tinykv: a machine whose state is durable must be a PersistentMachine: without `applied`, `durable`, `sync` and "
                "`apply_batch` its entries would be applied again at each start");
  static_assert(P::log::durable || !policy::is_durable_machine<typename P::machine>,
                "tinykv: a durable machine over a volatile log would keep effects of entries that the log forgets: "
                "take a durable log (storage::sqlite_log) or a volatile engine");
};

/// One opened instance of each choice, moved into a node or store. What can fail to open has been opened before.
template <class P>
struct parts {
  typename P::machine machine;      ///< The state machine of the first group.
  typename P::log log;              ///< The log of all groups.
  typename P::transport transport;  ///< The way to the other stores.
  typename P::clock clock{};        ///< The time.
  typename P::observer observer{};  ///< Who is told.
};

}  // namespace tinykv
