#pragma once

#include <tinykv/raftstore/parts.hpp>
#include <tinykv/raftstore/replica.hpp>
#include <tinykv/raftstore/snapshot_file.hpp>
#include <tinykv/raftstore/start.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::raftstore {

namespace detail {
template <class Files>
struct writer_over {
  using type = done;  // no files, no writer
};
template <policy::SnapshotStorage Files>
struct writer_over<Files> {
  using type = snapshot_file_writer<Files>;
};
}  // namespace detail

/// Moves snapshots between machines, files and other stores, for all groups of a store: makes files, sends them, takes them
/// in and puts them in place, in the order of SAFETY.md §5. The lanes do the work; what follows is decided on the home
/// lane. `Store` gives what it needs: lanes, the open log batch, the mail, the replicas.
template <class Store>
class snapshot_exchange {
 public:
  using files = typename Store::snapshots;  ///< Where files are kept, or `no_snapshots`.
  using machine = typename Store::machine;  ///< What is saved and restored.
  using replica_type = typename Store::replica_type;  ///< One peer.
  static constexpr bool possible = policy::SnapshotStorage<files> && policy::SnapshottableMachine<machine>;  ///< Or nothing is done.
  static constexpr bool persistent = policy::PersistentMachine<machine>;  ///< The machine keeps its own state.

  /// Over the files of the store.
  snapshot_exchange(std::shared_ptr<files> where, snapshot_options const& numbers) : files_(std::move(where)), numbers_(numbers) {}

  /// Followers of `r` need a snapshot.
  void wanted(Store& store, replica_type& r, std::vector<raft::snapshot_request> const& who) {
    for (auto const& request : who) {
      if constexpr (possible) r.sender.want(request);
      else r.consensus().snapshot_failed(request.peer);
    }
    if constexpr (possible)
      if (!who.empty()) work(store, r);
  }
  /// A piece of a snapshot, or an answer, has come from the store `from`.
  void take(Store& store, replica_type& r, store_id from, raft::snapshot_message m) {
    if constexpr (possible) {
      if (r.fenced() || r.retiring || m.to != r.self() || !r.learn(m.from, from)) return;
      if (m.answer) answered(store, r, m);
      else offered(store, r, std::move(m));
    }
  }
  /// A tick has passed for the store: `interval` long.
  void refill(duration interval) {
    constexpr std::uint64_t second = 1'000'000;
    auto const share = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(interval).count());
    auto const rate = numbers_.bytes_per_second_max;
    budget_ = std::max(rate / second * share + rate % second * share / second, raft::snapshot_message::chunk_bytes_max);
  }
  /// A tick has passed for `r`.
  void tick(Store& store, replica_type& r) {
    if constexpr (possible) {
      r.receiver.tick();
      accept_when_free(store, r);
      if (r.sender.idle()) return drop_copy(store, r);
      tell_endings(store, r, r.sender.tick());
      for (auto const& p : r.consensus().status().peers)
        if (auto const& file = r.sender.current(); file && p.match >= file->meta.at.index) r.sender.forget(p.peer);
      work(store, r);
    }
  }
  /// Log batches up to `number` are durable: an installation may have waited for one.
  void written(Store& store, replica_type& r, std::uint64_t number) {
    if constexpr (possible) {
      if (!r.install || r.install->filling || !r.install->batch || *r.install->batch > number) return;
      r.install->filling = true;
      fill(store, r);
    }
  }
  /// Something was applied: a file that was made from later entries may be ended now.
  void applied(Store& store, replica_type& r) {
    if constexpr (possible) {
      auto const found = saved_.find(r.group());
      if (found == saved_.end() || found->second->at.index > r.applied()) return;
      auto file = std::move(found->second);
      saved_.erase(found);
      finish(store, r, std::move(file));
    }
  }
  /// Makes a file of the own machine, so that the log may be compacted. Nothing happens while one is made or read.
  void make_own(Store& store, replica_type& r) {
    if constexpr (possible)
      if (!r.sender.busy() && !r.install) make(store, r);
  }
  /// Nothing more is done for this group.
  void forget(group_id group) { saved_.erase(group); }

 private:
  static constexpr auto incoming = policy::snapshot_slot::incoming;
  static constexpr auto outgoing = policy::snapshot_slot::outgoing;
  static constexpr auto current = policy::snapshot_slot::current;
  static constexpr auto sent_from = persistent ? outgoing : current;

  // A file that holds a state and does not say yet of which configuration.
  struct saved_file {
    std::uint64_t incarnation = 0;
    position at;
    std::optional<typename detail::writer_over<files>::type> out;
  };
  using saved = std::shared_ptr<saved_file>;

  void work(Store& store, replica_type& r) {
    if (r.sender.file_due()) make(store, r);
    for (auto const& piece : r.sender.take_pieces(budget_)) {
      store.lanes_.run(policy::lane::snapshot,
                       [files = files_, group = r.group(), piece] { return files->read(group, sent_from, piece.offset, piece.count); },
                       [this, group = r.group(), incarnation = r.incarnation(), piece](Store& s, result<bytes> data) {
                         auto* at = s.replica_of(group, incarnation);
                         if (!at) return;
                         if (!data) return tell_endings(s, *at, at->sender.make_failed());
                         auto m = at->sender.read(piece, std::move(*data), at->self());
                         if (m) s.mail_snapshot(*at, std::move(*m));
                         work(s, *at);
                       });
    }
  }

  // Nobody needs the copy any more; the file that stands for a machine which is not durable stays.
  void drop_copy(Store& store, replica_type& r) {
    if constexpr (persistent) {
      if (!r.sender.current()) return;
      r.sender.drop();
      store.lanes_.run(policy::lane::snapshot, [files = files_, group = r.group()] { return files->remove(group, outgoing); },
                       [](Store&, result<done>) {});
    }
  }

  void make(Store& store, replica_type& r) {
    r.sender.making(r.applied());
    constexpr auto by_view = !requires(machine const& m, policy::snapshot_writer& out) { m.save(out); };
    constexpr auto lane = by_view ? policy::lane::snapshot : policy::lane::apply;
    store.lanes_.run(lane,
                     [files = files_, target = r.machine(), seen = r.machine_seen(), group = r.group(), incarnation = r.incarnation()]() -> result<saved> {
                       auto file = std::make_shared<saved_file>();
                       file->incarnation = incarnation;
                       auto out = snapshot_file_writer<files_type>::create(*files, group, outgoing);
                       if (!out) return out.error();
                       file->out.emplace(std::move(*out));
                       try {
                         if constexpr (by_view) {
                           auto const view = std::as_const(*target).view();
                           if (!view) return view.error();
                           file->at = view->applied();
                           if (auto const written = view->save(*file->out); !written) return written.error();
                         } else {
                           if (seen->broken) return fatal(error_code::machine_failed, "the state machine has given up");
                           file->at = seen->applied;
                           if (auto const written = std::as_const(*target).save(*file->out); !written) return written.error();
                         }
                       } catch (std::exception const& e) {
                         return rejected(error_code::machine_failed, std::string{"the state machine threw: "} + e.what());
                       } catch (...) {
                         return rejected(error_code::machine_failed, "the state machine threw");
                       }
                       return file;
                     },
                     [this, group = r.group(), incarnation = r.incarnation()](Store& s, result<saved> file) {
                       auto* at = s.replica_of(group, incarnation);
                       if (!at) return;
                       if (!file) return tell_endings(s, *at, at->sender.make_failed());
                       saved_[group] = std::move(*file);
                       applied(s, *at);  // the home lane may not have heard yet of what the file holds
                     });
  }

  void finish(Store& store, replica_type& r, saved file) {
    auto const& at = file->at;
    // Where compaction or an installation has passed it, it is of no use.
    if (file->incarnation != r.incarnation() || r.install || at.index < r.care.truncated)
      return tell_endings(store, r, r.sender.make_failed());
    auto meta = raft::snapshot_meta{at, r.consensus().truncation_at(at.index).configuration};
    store.lanes_.run(policy::lane::snapshot,
                     [files = files_, file, meta, group = r.group()]() -> result<std::uint64_t> {
                       if (auto const ended = file->out->finish(meta); !ended) return ended.error();
                       if constexpr (!persistent)
                         if (auto const published = files->publish(group, outgoing); !published) return published.error();
                       auto const size = files->size(group, sent_from);
                       if (!size) return size.error();
                       if (!*size) return fatal(error_code::io, "a snapshot file is gone");
                       return **size;
                     },
                     [this, group = r.group(), incarnation = r.incarnation(), meta, id = store.random_.next()](Store& s, result<std::uint64_t> size) {
                       auto* to = s.replica_of(group, incarnation);
                       if (!to) return;
                       if (!size) return tell_endings(s, *to, to->sender.make_failed());
                       if constexpr (!persistent) to->care.durable = std::max(to->care.durable, meta.at.index);
                       to->sender.made({id, meta, *size});
                       work(s, *to);
                     });
  }

  void answered(Store& store, replica_type& r, raft::snapshot_message const& m) {
    if (auto const ended = r.sender.answered(m)) tell_endings(store, r, {*ended});
    work(store, r);
  }

  void tell_endings(Store& store, replica_type& r, std::vector<snapshot_sender::ending> const& endings) {
    for (auto const& e : endings) {
      if (e.sent) r.consensus().snapshot_sent(e.to, *e.sent);
      else r.consensus().snapshot_failed(e.to);
    }
    store.wake(r);
  }

  void offered(Store& store, replica_type& r, raft::snapshot_message m) {
    auto const verdict = r.consensus().offered(m.from, m.term, m.at);
    store.wake(r);
    if (verdict != raft::snapshot_verdict::wanted) return;
    auto what = r.receiver.take(std::move(m));
    if (what.answer) store.mail_snapshot(r, std::move(*what.answer));
    if (!what.to_write) return;
    auto const attempt = what.to_write->attempt;
    auto const count = what.to_write->data.size();
    store.lanes_.run(policy::lane::snapshot,
                     [files = files_, group = r.group(), write = std::move(*what.to_write)]() -> result<done> {
                       if (write.create)
                         if (auto const created = files->create(group, incoming); !created) return created;
                       return files->append(group, incoming, write.data);
                     },
                     [this, group = r.group(), incarnation = r.incarnation(), attempt, count](Store& s, result<done> outcome) {
                       auto* to = s.replica_of(group, incarnation);
                       if (!to) return;
                       if (!outcome) return to->receiver.failed(attempt);  // no room, say: the sender gives up and is asked again
                       if (auto answer = to->receiver.written(attempt, count)) s.mail_snapshot(*to, std::move(*answer));
                       if (to->receiver.whole()) verify(s, *to);
                     });
  }

  void verify(Store& store, replica_type& r) {
    r.receiver.verify();
    store.lanes_.run(policy::lane::snapshot,
                     [files = files_, group = r.group()]() -> result<raft::snapshot_meta> {
                       if (auto const synced = files->sync(group, incoming); !synced) return synced.error();
                       return verify_snapshot(*files, group, incoming);
                     },
                     [this, group = r.group(), incarnation = r.incarnation()](Store& s, result<raft::snapshot_meta> meta) {
                       auto* to = s.replica_of(group, incarnation);
                       if (!to) return;
                       if (!meta || meta->at != to->receiver.offer().at) return to->receiver.end();
                       to->verified = std::move(*meta);
                       accept_when_free(s, *to);
                     });
  }

  // Where both kinds of files become the current one, the own file that is being made is waited for: published later, it
  // would take the place of the one that is installed.
  void accept_when_free(Store& store, replica_type& r) {
    if (!r.verified || r.fenced() || r.retiring) return;  // a machine that has given up, or is being emptied, takes nothing in
    if (!persistent && r.sender.is_making()) return;
    accept(store, r, *std::exchange(r.verified, std::nullopt));
  }

  // Judged again: what was missing when the first piece came may have come by appends meanwhile.
  void accept(Store& store, replica_type& r, raft::snapshot_meta meta) {
    auto const& offer = r.receiver.offer();
    auto const verdict = r.consensus().offered(offer.from, offer.term, offer.at);
    store.wake(r);
    if (verdict != raft::snapshot_verdict::wanted) return r.receiver.end();
    r.receiver.install();
    r.consensus().installing(meta);
    r.install = installation{std::move(meta), std::nullopt, false};
    // First the word that the machine is about to be replaced (or the file that stands for it), then the log, then the
    // machine: each step is durable before the next, so that a start can go on from wherever a crash came.
    store.lanes_.run(policy::lane::apply,
                     [files = files_, target = r.machine(), seen = r.machine_seen(), group = r.group(), meta = r.install->meta]() -> result<done> {
                       seen->closed = true;
                       if constexpr (persistent) return target->begin_restore(detail::encode_note(meta));
                       else return files->publish(group, incoming);
                     },
                     [group = r.group(), incarnation = r.incarnation()](Store& s, result<done> begun) {
                       auto* to = s.replica_of(group, incarnation);
                       if (!to) return;
                       if (!begun) return s.fence(*to, begun.error());
                       policy::log_write write;
                       write.group = group;
                       write.drop_entries = true;
                       write.truncated = raft::truncation{to->install->meta.at, to->install->meta.configuration, to->self(), false};
                       s.batches_.open().groups.push_back(std::move(write));
                       to->install->batch = to->last_batch = s.batches_.open_number();
                     });
  }

  void fill(Store& store, replica_type& r) {
    store.lanes_.run(policy::lane::apply,
                     [files = files_, target = r.machine(), seen = r.machine_seen(), group = r.group(), at = r.install->meta.at] {
                       auto const filled = detail::restore_machine(*target, *files, group, persistent ? incoming : current, at);
                       seen->broken = !filled;
                       seen->applied = at;
                       seen->closed = !filled;
                       return filled;
                     },
                     [this, group = r.group(), incarnation = r.incarnation()](Store& s, result<done> filled) {
                       auto* to = s.replica_of(group, incarnation);
                       if (!to) return;
                       if (!filled) return s.fence(*to, filled.error());
                       auto meta = std::move(to->install->meta);
                       to->install.reset();
                       to->receiver.end();
                       to->care.truncated = to->care.durable = meta.at.index;
                       to->care.unsynced_since.reset();
                       to->care.size.restore(meta.at.index, 0);
                       to->installed(std::move(meta));
                       s.members_changed(*to);
                       s.take_due_reads(*to);
                       s.wake(*to);
                       drop_incoming(s, group);
                     });
  }

  // The machine holds what the file held, durably.
  void drop_incoming(Store& store, group_id group) {
    if constexpr (persistent)
      store.lanes_.run(policy::lane::snapshot, [files = files_, group] { return files->remove(group, incoming); },
                       [](Store&, result<done>) {});
  }

  using files_type = files;
  std::shared_ptr<files> files_;
  snapshot_options numbers_;
  std::uint64_t budget_ = 0;
  std::map<group_id, saved> saved_;
};

}  // namespace tinykv::raftstore
