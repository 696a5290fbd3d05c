#pragma once

#include <tinykv/core/identity.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/raft/options.hpp>
#include <tinykv/raft/values/ready.hpp>
#include <tinykv/raft/values/snapshot.hpp>
#include <tinykv/raft/values/state.hpp>

#include <concepts>

namespace tinykv::policy {

/// Orders the commands of one group. Is told everything, asks nothing: no I/O, no clock, no thread (SAFETY.md §8).
///
/// The model promises:
///  1. An index is handed out in `ready.committed` once, in order, only when it is committed and durable here, and no
///     peer is ever handed another entry at that index.
///  2. Nothing in `ready.early` depends on what is not durable.
///  3. `take_ready` may be called again before `persisted`. A call after which nothing happened gives an empty Ready.
///  4. Memory is bounded by the options.
/// The caller promises:
///  5. `recover` once, first. Every Ready with writes is stored whole, in order, before its ticket is `persisted`; a
///     Ready without writes is persisted when those before it are. `persisted(t)` stands for all tickets up to t.
///  5a. A Ready whose last committed entry is a configuration entry is applied before anything else is; `removed` means that
///     this peer is no member any more and does nothing from now on.
///  6. `applied(i)` after the machine has taken everything up to i; each fetch is answered once, perhaps empty.
/// On failure: `recover` answers `fatal` when the stored state contradicts itself; other inputs refuse with `rejected`.
template <class C>
concept Consensus = std::movable<C> && requires(C& core, C const& seen, raft::options options, raft::start_state start,
                                                raft::message message, bytes command, tinykv::term expected, read_id read,
                                                ticket number, log_index index, raft::fetch_answer answer, peer_id peer,
                                                raft::membership members, std::uint64_t version, position at,
                                                raft::snapshot_meta snapshot) {
  { C::kind } -> std::convertible_to<consensus_kind>;
  C{options};
  { core.recover(std::move(start)) } -> std::same_as<result<done>>;
  { core.tick() };
  { core.step(std::move(message)) };
  { core.propose(std::move(command), expected) } -> std::same_as<result<position>>;
  { core.propose_barrier(expected) } -> std::same_as<result<position>>;  // an entry with nothing to apply
  { core.change_membership(std::move(members), version) } -> std::same_as<result<position>>;
  { core.transfer_to(peer) } -> std::same_as<result<done>>;
  { core.campaign() };  // at once, if it may
  { core.read_index(read) };
  { core.persisted(number) };
  { core.applied(index) };
  { core.fetched(std::move(answer)) };
  { core.compacted(index) };
  { core.offered(peer, expected, at) } -> std::same_as<raft::snapshot_verdict>;
  { core.installing(snapshot) };
  { core.installed(std::move(snapshot)) };
  { core.snapshot_sent(peer, index) };
  { core.snapshot_failed(peer) };
  { core.unreachable(peer) };
  { core.abdicate() };  // stop leading, and do not campaign before an election timeout has passed
  { seen.has_ready() } -> std::same_as<bool>;
  { core.take_ready() } -> std::same_as<raft::ready>;
  { seen.brief() } -> std::same_as<raft::brief>;
  { seen.status() } -> std::same_as<raft::status>;
  { seen.members() } -> std::same_as<raft::membership const&>;
  { seen.truncation_at(index) } -> std::same_as<raft::truncation>;
};

}  // namespace tinykv::policy
