#pragma once

#include <tinykv/core/random.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/raft/quorum.hpp>
#include <tinykv/raftstore/options.hpp>
#include <tinykv/raftstore/roster.hpp>

#include <optional>
#include <utility>

namespace tinykv::raftstore {

/// What a store begins its work with.
struct store_start {
  roster who;                              ///< With the epoch of this start, which is durable.
  std::optional<raft::start_state> group;  ///< Of the first group; none after a join.
  peer_id self;                            ///< The peer on this store.
};

namespace detail {

inline uuid draw_uuid(random& source) {
  uuid out;
  for (auto& octet : out.octets) octet = static_cast<std::uint8_t>(source.next());
  return out;
}

inline result<roster> own_roster(identity who, consensus_kind kind, std::optional<bytes> const& record, options const& options,
                                 random& source) {
  if (!record) {
    if (options.first_group.first_start == first_start::refuse)
      return fatal(error_code::not_found,
                   "the data directory is empty: start with --init (new cluster) or --join (new store of a running one)");
    store_identity self;
    self.cluster = who.cluster;
    self.store = who.store;
    self.uuid = draw_uuid(source);
    self.consensus = kind;
    return roster{self};
  }
  auto known = roster::decode(*record);
  if (!known) return known;
  auto const& self = known->self();
  auto const foreign = [](char const* what, std::uint64_t theirs, std::uint64_t ours) {
    return fatal(error_code::foreign, std::string{"the data directory belongs to "} + what + " " + std::to_string(theirs) +
                                          ", this is " + what + " " + std::to_string(ours));
  };
  if (self.cluster != who.cluster) return foreign("cluster", self.cluster.value, who.cluster.value);
  if (self.store != who.store) return foreign("store", self.store.value, who.store.value);
  if (self.consensus != kind)
    return fatal(error_code::foreign, "the data directory was made by another consensus (raft and solo refuse each other)");
  return known;
}

inline peer_id peer_on(store_id store, raft::membership const& group) {
  for (auto const& m : raft::all_members(group))
    if (m.store == store) return m.peer;
  return {};
}

}  // namespace detail

/// Reads the log, judges whose it is, raises the epoch, and begins the first group if there is none: one durable batch,
/// before anybody is spoken to (SAFETY.md §6). Writes only what is absent: a stored hard state or log is never
/// overwritten. Blocks; called before the lanes run.
template <policy::LogStorage Log, policy::StateMachine Machine>
result<store_start> start_store(identity who, consensus_kind kind, Log& log, Machine& machine, options const& options,
                                random& source) {
  if (who.cluster == cluster_id{} || who.store == store_id{})
    return fatal(error_code::invalid_argument, "cluster and store must not be 0");
  auto contents = log.load();
  if (!contents) return std::move(contents).error();
  auto const used = contents->store_record.has_value();
  if (!used && !contents->groups.empty())
    return fatal(error_code::corrupt, "the log holds groups but no record of the store");
  auto known = detail::own_roster(who, kind, contents->store_record, options, source);
  if (!known) return std::move(known).error();
  store_start out{std::move(*known), std::nullopt, {}};
  out.who.begin(source.next());

  policy::log_batch batch;
  batch.store_record = out.who.encode();
  auto const& first = options.first_group;
  policy::group_log* stored = nullptr;
  for (auto& g : contents->groups)
    if (g.group == first.group) stored = &g;
  policy::group_log fresh;
  if (!used && first.first_start == first_start::bootstrap) {
    fresh.group = first.group;
    fresh.truncated = {first.start, first.configuration};
    fresh.state = {first.start.term, {}, first.start.index};
    fresh.last = first.start.index;
    stored = &fresh;
    policy::log_write write;
    write.group = first.group;
    write.drop_entries = true;  // none there; a truncation above the last entry asks for it
    write.truncated = fresh.truncated;
    write.state = fresh.state;
    batch.groups.push_back(std::move(write));
    // What the machine holds must not be younger than the group's first record (SAFETY.md §4).
    if constexpr (policy::PersistentMachine<Machine>)
      if (auto const synced = machine.sync(); !synced) return synced.error();
  }
  if (stored) {
    out.self = detail::peer_on(who.store, stored->truncated.configuration);
    if (out.self == peer_id{})
      return fatal(error_code::invalid_argument, "store " + std::to_string(who.store.value) + " is not among the members of the group");
    auto applied = stored->truncated.at.index;
    if constexpr (policy::PersistentMachine<Machine>) applied = machine.applied().index;
    out.group = raft::start_state{stored->state, std::move(stored->truncated),      std::move(stored->runs), stored->last,
                                  std::move(stored->tail), std::move(stored->configurations), applied};
  }
  if (auto const written = log.commit(batch); !written) return written.error();
  return out;
}

}  // namespace tinykv::raftstore
