#pragma once

#include <tinykv/core/random.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/policy/snapshot_storage.hpp>
#include <tinykv/policy/snapshottable_machine.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/raft/quorum.hpp>
#include <tinykv/raft/values/encoding.hpp>
#include <tinykv/raftstore/options.hpp>
#include <tinykv/raftstore/roster.hpp>
#include <tinykv/raftstore/snapshot_file.hpp>

#include <exception>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace tinykv::raftstore {

/// What one group begins its work with.
struct group_start {
  peer_id self;                     ///< The peer on this store.
  raft::start_state state;          ///< For the consensus.
  position applied;                 ///< Of the machine.
  std::uint64_t log_bytes = 0;      ///< Of the log.
};

/// What is left of a peer that has left its group: its term and vote hold for ever, and no late message brings it back.
struct left_group {
  raft::hard_state state;  ///< Term and vote.
  peer_id was;             ///< Which peer.
};

/// What a store begins its work with.
struct store_start {
  roster who;                                ///< With the epoch of this start, which is durable.
  std::map<group_id, group_start> groups;    ///< Those with a peer here.
  std::map<group_id, left_group> left;       ///< Those that had one.
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

inline bool log_holds(policy::group_log const& log, position at) {
  if (at.index <= log.truncated.at.index) return at == log.truncated.at;
  if (at.index > log.last) return false;
  auto found = term{};
  for (auto const& run : log.runs)
    if (run.first <= at.index) found = run.term;
  return found == at.term;
}

/// The log of `stored` begins anew behind a snapshot: entries and truncation, not the hard state.
template <policy::LogStorage Log>
result<done> begin_log_at(Log& log, policy::group_log& stored, raft::snapshot_meta const& meta) {
  policy::log_batch batch;
  policy::log_write write;
  write.group = stored.group;
  write.drop_entries = true;
  write.truncated = raft::truncation{meta.at, meta.configuration, stored.truncated.owner, false};
  stored.truncated = *write.truncated;
  batch.groups.push_back(std::move(write));
  stored.runs.clear();
  stored.tail.clear();
  stored.configurations.clear();
  stored.last = meta.at.index;
  stored.bytes = 0;
  return log.commit(batch);
}

inline result<raft::snapshot_meta> decode_note(bytes const& note) {
  codec::reader in{note.view()};
  auto at = raft::decode_truncation(in);
  if (!in.finished()) return fatal(error_code::corrupt, "the note of a snapshot under way is malformed");
  return raft::snapshot_meta{at.at, std::move(at.configuration)};
}

/// What `begin_restore` keeps: all that a start needs to repeat an installation.
inline bytes encode_note(raft::snapshot_meta const& meta) {
  std::string text;
  codec::writer out{text};
  raft::encode(out, raft::truncation{meta.at, meta.configuration, {}, false});
  return bytes::adopt(std::move(text));
}

/// Fills a machine from a file; errors and exceptions of the machine are `fatal` (machine_failed).
template <class Machine, class Files>
result<done> restore_machine(Machine& machine, Files& files, group_id group, policy::snapshot_slot slot, position at) {
  auto in = snapshot_file_reader<Files>::open(files, group, slot);
  if (!in) return fatal(in.error().code, in.error().detail);
  try {
    auto const restored = machine.restore(*in, at);
    if (!restored) return fatal(error_code::machine_failed, restored.error().detail, restored.error().hint);
  } catch (std::exception const& e) {
    return fatal(error_code::machine_failed, std::string{"the state machine threw: "} + e.what());
  } catch (...) {
    return fatal(error_code::machine_failed, "the state machine threw");
  }
  return done{};
}

/// Brings log and machine together after a crash that may have come in the middle of an installation (SAFETY.md §5, §6).
/// Gives where the machine stands.
template <policy::LogStorage Log, policy::StateMachine Machine, class Files>
result<position> recover_machine(Log& log, Machine& machine, Files& files, policy::group_log& stored, position start) {
  auto const group = stored.group;
  constexpr auto snapshots = policy::SnapshotStorage<Files> && policy::SnapshottableMachine<Machine>;
  if constexpr (snapshots && policy::ReplaceableMachine<Machine>) {
    if (auto const note = machine.restoring()) {
      auto const meta = decode_note(*note);
      if (!meta) return meta.error();
      if (auto const found = verify_snapshot(files, group, policy::snapshot_slot::incoming); !found)
        return fatal(found.error().code, "a snapshot was being installed, and its file cannot be read: " + found.error().detail);
      if (stored.truncated.at != meta->at)
        if (auto const begun = begin_log_at(log, stored, *meta); !begun) return begun.error();
      if (auto const filled = restore_machine(machine, files, group, policy::snapshot_slot::incoming, meta->at); !filled)
        return filled.error();
    }
    if (auto const gone = files.remove(group, policy::snapshot_slot::incoming); !gone) return gone.error();
  } else if constexpr (snapshots && !policy::PersistentMachine<Machine>) {
    auto const size = files.size(group, policy::snapshot_slot::current);
    if (!size) return size.error();
    if (!*size) {
      auto const& at = stored.truncated.at;
      if (at != start && at != position{})
        return fatal(error_code::corrupt, "the log was compacted, and the snapshot file that stands for its beginning is missing");
      return at;
    }
    auto const meta = verify_snapshot(files, group, policy::snapshot_slot::current);
    if (!meta) return meta.error();
    if (meta->at.index < stored.truncated.at.index)
      return fatal(error_code::corrupt, "the snapshot file is older than the beginning of the log");
    if (!log_holds(stored, meta->at))
      if (auto const begun = begin_log_at(log, stored, *meta); !begun) return begun.error();
    if (auto const filled = restore_machine(machine, files, group, policy::snapshot_slot::current, meta->at); !filled)
      return filled.error();
    return meta->at;
  }
  if constexpr (policy::PersistentMachine<Machine>) return machine.applied();
  else return stored.truncated.at;
}

}  // namespace detail

/// What remains of a group that was left: the term and the vote, which hold for ever (SAFETY.md §4), and which peer it was,
/// so that a message that comes late does not bring it back.
inline policy::log_write tombstone(group_id group, raft::hard_state const& state, peer_id was) {
  policy::log_write write;
  write.group = group;
  write.drop_entries = true;
  write.truncated = raft::truncation{{}, {}, was, true};
  write.state = raft::hard_state{state.term, state.vote, {}};
  return write;
}

/// Clears away the data of a group that was left, durably, and its files; before its log goes (SAFETY.md §4). Apply lane, or
/// at the start.
template <policy::StateMachine Machine, class Files>
result<done> clear_machine(Machine& machine, Files& files, group_id group) {
  if constexpr (policy::RetirableMachine<Machine>) {
    try {
      if (auto const retired = machine.retire(); !retired)
        return fatal(error_code::machine_failed, retired.error().detail, retired.error().hint);
    } catch (std::exception const& e) {
      return fatal(error_code::machine_failed, std::string{"the state machine threw: "} + e.what());
    } catch (...) {
      return fatal(error_code::machine_failed, "the state machine threw");
    }
  }
  if constexpr (policy::SnapshotStorage<Files>)
    for (auto const slot : {policy::snapshot_slot::current, policy::snapshot_slot::outgoing, policy::snapshot_slot::incoming})
      if (auto const gone = files.remove(group, slot); !gone) return gone;
  return done{};
}

/// Reads the log, judges whose it is, raises the epoch, and begins those groups that are to be begun: one durable batch,
/// before anybody is spoken to (SAFETY.md §6). Writes only what is absent: a stored hard state or log is never
/// overwritten. Repeats an installation that a crash has cut off. Blocks; called before the lanes run. `groups` are the
/// options of each group and its machine.
template <policy::LogStorage Log, class Groups, class Files>
result<store_start> start_store(identity who, consensus_kind kind, Log& log, Groups& groups, Files& files,
                                options const& options, random& source) {
  if (who.cluster == cluster_id{} || who.store == store_id{})
    return fatal(error_code::invalid_argument, "cluster and store must not be 0");
  auto contents = log.load();
  if (!contents) return std::move(contents).error();
  auto const used = contents->store_record.has_value();
  if (!used && !contents->groups.empty())
    return fatal(error_code::corrupt, "the log holds groups but no record of the store");
  auto known = detail::own_roster(who, kind, contents->store_record, options, source);
  if (!known) return std::move(known).error();
  store_start out{std::move(*known), {}, {}};
  out.who.begin(source.next());

  policy::log_batch batch;
  batch.store_record = out.who.encode();
  for (auto& [id, hosted] : groups) {
    group_options const& how = hosted.options;
    auto& machine = *hosted.target;
    using machine_type = std::remove_reference_t<decltype(machine)>;
    policy::group_log* stored = nullptr;
    for (auto& g : contents->groups)
      if (g.group == id) stored = &g;
    policy::group_log fresh;
    if (!used && how.first_start == first_start::bootstrap) {
      fresh.group = id;
      fresh.truncated = {how.start, how.configuration, detail::peer_on(who.store, how.configuration), false};
      fresh.state = {how.start.term, {}, how.start.index};
      fresh.last = how.start.index;
      stored = &fresh;
      policy::log_write write;
      write.group = id;
      write.drop_entries = true;  // none there; a truncation above the last entry asks for it
      write.truncated = fresh.truncated;
      write.state = fresh.state;
      batch.groups.push_back(std::move(write));
      if (fresh.truncated.owner == peer_id{})
        return fatal(error_code::invalid_argument, "store " + std::to_string(who.store.value) + " is not among the members of the group");
      // What the machine holds must not be younger than the group's first record (SAFETY.md §4).
      if constexpr (policy::PersistentMachine<machine_type>)
        if (auto const synced = machine.sync(); !synced) return synced.error();
    }
    if (!stored) continue;
    auto& log_of = stored->truncated;
    if (log_of.owner == peer_id{}) log_of.owner = detail::peer_on(who.store, log_of.configuration);  // written before it was kept
    if (log_of.left && (stored->last != log_index{} || log_of.at != position{})) {
      // A crash came before everything was cleared away.
      if (auto const cleared = clear_machine(machine, files, id); !cleared) return cleared.error();
      auto const state = stored->state;
      auto const was = log_of.owner;
      batch.groups.push_back(tombstone(id, state, was));
      *stored = {};
      stored->group = id;
      stored->state = *batch.groups.back().state;
      stored->truncated = *batch.groups.back().truncated;
    }
    if (log_of.left) {
      out.left.emplace(id, left_group{stored->state, log_of.owner});
      continue;
    }
    auto const applied = detail::recover_machine(log, machine, files, *stored, how.start);
    if (!applied) return applied.error();
    group_start group;
    group.self = stored->truncated.owner;
    group.applied = *applied;
    group.log_bytes = stored->bytes;
    group.state = raft::start_state{stored->state, std::move(stored->truncated), std::move(stored->runs), stored->last,
                                    std::move(stored->tail), std::move(stored->configurations), applied->index};
    out.groups.emplace(id, std::move(group));
  }
  if (auto const written = log.commit(batch); !written) return written.error();
  return out;
}

}  // namespace tinykv::raftstore
