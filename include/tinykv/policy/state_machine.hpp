#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/core/result.hpp>

#include <concepts>
#include <span>
#include <string_view>
#include <vector>

namespace tinykv::policy {

/// What is replicated: any class with a `reply` and an `apply`.
///
/// The machine promises:
///  1. Deterministic: the same commands at the same indices give the same state and the same replies on every replica.
///     No clock, no randomness, no address, no unordered iteration in what is kept or answered.
///  2. `apply(index, command)` is called from one lane, with rising indices, each once. Indices have gaps (Raft's own
///     entries).
/// The caller promises:
///  3. `command` is valid during the call only.
/// On failure: an exception from `apply` fences the replica: it serves nothing more and says so.
template <class M>
concept StateMachine = std::movable<M> && requires(M& machine, log_index index, std::string_view command) {
  typename M::reply;
  requires std::movable<typename M::reply>;
  { machine.apply(index, command) } -> std::same_as<typename M::reply>;
};

/// One command of a batch.
struct command {
  position at;            ///< Its place in the log.
  std::string_view data;  ///< Valid during the call.
};

/// Takes all commands of a turn at once, so that they cost one write of the engine. Appends one reply per command, in
/// order. `through` is the last position covered: at or above the last command (Raft's own entries need no command), to
/// be recorded by a machine that keeps `applied()`. May be called with no commands. An error fences the replica.
template <class M>
concept BatchMachine = StateMachine<M> && requires(M& machine, std::span<command const> commands, position through,
                                                   std::vector<typename M::reply>& replies) {
  { machine.apply_batch(commands, through, replies) } -> std::same_as<result<done>>;
};

/// Keeps its own state on a disk, in an engine that is synced lazily (SAFETY.md §4). `applied()` is the last position
/// that is in the state, `durable()` the index up to which it survives a crash, `sync()` raises the one to the other.
/// `applied` after a start is what the crash left; entries above it are applied again. Apply lane only (at the start:
/// before the first lane runs).
template <class M>
concept PersistentMachine = BatchMachine<M> && requires(M& machine) {
  { machine.applied() } -> std::same_as<position>;
  { machine.durable() } -> std::same_as<log_index>;
  { machine.sync() } -> std::same_as<result<done>>;
};

/// Gives views that are read beside `apply`, from any thread: `view()` holds at least everything whose `apply` returned
/// before the call.
template <class M>
concept ViewableMachine = StateMachine<M> && requires(M const& machine) {
  typename M::view_type;
  { machine.view() } -> std::same_as<result<typename M::view_type>>;
};

/// True iff the state of M outlives the process: a machine over a durable engine says `static constexpr bool durable_state = true`.
template <class M>
inline constexpr bool is_durable_machine = [] {
  if constexpr (requires { M::durable_state; }) return static_cast<bool>(M::durable_state);
  else return false;
}();

}  // namespace tinykv::policy
