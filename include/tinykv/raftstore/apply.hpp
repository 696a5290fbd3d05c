#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/policy/snapshottable_machine.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/raft/values/entry.hpp>

#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::raftstore {

namespace detail {

template <class M>
result<done> apply_commands(M& machine, std::vector<policy::command> const& commands, position through,
                            std::vector<typename M::reply>& replies) {
  if constexpr (policy::BatchMachine<M>) {
    return machine.apply_batch(commands, through, replies);
  } else {
    for (auto const& c : commands) replies.push_back(machine.apply(c.at.index, c.data));
    return done{};
  }
}

}  // namespace detail

/// Hands committed entries to a machine, on the apply lane; gives the replies of those that are commands. An exception, an
/// error, or a missing reply is `fatal` (machine_failed): the replica that asked is fenced (DESIGN.md §5.1).
/// Precondition: there are entries.
/// `configuration` is what the last entry puts in force, if it does: a machine that keeps a copy is told in its place.
template <policy::StateMachine M>
result<std::vector<std::pair<position, typename M::reply>>> apply_entries(M& machine, std::vector<raft::entry> const& entries,
                                                                           std::optional<raft::membership> const& configuration = {}) {
  std::vector<policy::command> commands;
  for (auto const& e : entries)
    if (e.kind == raft::entry_kind::command && !e.data.empty()) commands.push_back({position_of(e), e.data});
  std::vector<typename M::reply> replies;
  replies.reserve(commands.size());
  try {
    auto const failed = [](failure const& why) { return fatal(error_code::machine_failed, why.detail, why.hint); };
    auto const told = policy::ConfigurableMachine<M> && configuration;
    if (auto const before = entries.size() - (told ? 1 : 0); before > 0) {
      auto const applied = detail::apply_commands(machine, commands, position_of(entries[before - 1]), replies);
      if (!applied) return failed(applied.error());
    }
    if constexpr (policy::ConfigurableMachine<M>) {
      if (told)
        if (auto const copied = machine.apply_configuration(*configuration, position_of(entries.back())); !copied)
          return failed(copied.error());
    }
  } catch (std::exception const& e) {
    return fatal(error_code::machine_failed, std::string{"the state machine threw: "} + e.what());
  } catch (...) {
    return fatal(error_code::machine_failed, "the state machine threw");
  }
  if (replies.size() != commands.size()) return fatal(error_code::machine_failed, "the state machine gave another number of replies");
  std::vector<std::pair<position, typename M::reply>> out;
  out.reserve(replies.size());
  for (std::size_t i = 0; i < replies.size(); ++i) out.emplace_back(commands[i].at, std::move(replies[i]));
  return out;
}

}  // namespace tinykv::raftstore
