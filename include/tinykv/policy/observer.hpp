#pragma once

#include <tinykv/core/id.hpp>

#include <concepts>
#include <cstdint>

namespace tinykv::policy {

/// What happened.
enum class event_kind : std::uint8_t {
  started,            ///< The store serves; value: its epoch.
  stopped,            ///< The store ended.
  role_changed,       ///< group, term; value: the new `raft::role`; who: the leader.
  log_batch_written,  ///< value: nanoseconds from the hand-over to the disk lane to the completion.
  applied,            ///< group, index: applied up to here; value: how many commands.
  proposal_accepted,  ///< group, term, index.
  proposal_refused,   ///< group; value: the `error_code`.
  proposal_answered,  ///< group, term, index; value: 0 ok, else the `outcome`.
  read_answered,      ///< group, index.
  mail_dropped,       ///< value: how many messages; a bound was reached or the sender is not known.
  greeting_refused,   ///< who: the store that was refused; value: the `error_code`.
  refused_by,         ///< who: the store that refuses this one; value: the `error_code`.
  disk_stalled,       ///< A write is in flight for longer than the named time; leaderships are given up.
  members_changed,    ///< group, index: applied there; value: the version of the configuration now in force.
  peer_added,         ///< group; who: the peer that this store has been given.
  peer_removed,       ///< group; who: the peer that has left the group and is cleared away.
  fenced,             ///< group (0: the whole store) stopped for good; value: the `error_code`.
};

/// One event. Fields that a kind does not name are zero.
struct event {
  event_kind kind = event_kind::started;  ///< What.
  group_id group;                         ///< Where.
  tinykv::term term;                      ///< In which term.
  log_index index;                        ///< Which entry.
  std::uint64_t who = 0;                  ///< A peer or store.
  std::uint64_t value = 0;                ///< By kind.
};

/// Is told, never asked. Called from the home lane; changes nothing, keeps nothing it is given, is quick.
template <class O>
concept Observer = std::movable<O> && requires(O& observer, event const& what) {
  { observer.on(what) } noexcept;
};

/// Hears nothing.
struct silent {
  /// Does nothing.
  void on(event const&) noexcept {}
};

static_assert(Observer<silent>);

}  // namespace tinykv::policy
