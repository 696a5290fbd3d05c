#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/identity.hpp>
#include <tinykv/core/random.hpp>
#include <tinykv/core/task.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/policy/observer.hpp>
#include <tinykv/policy/transport.hpp>
#include <tinykv/sim/disk.hpp>
#include <tinykv/sim/event_queue.hpp>
#include <tinykv/sim/faults.hpp>
#include <tinykv/sim/mail.hpp>
#include <tinykv/sim/snapshot_disk.hpp>
#include <tinykv/sim/trace.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace tinykv::sim {

class engine_disk;

/// A part of a running store that a crash of its host ends.
class mortal {
 public:
  virtual ~mortal() = default;
  /// The host has crashed.
  virtual void crash() = 0;
};

/// Watches a world from outside: what a checker needs to hold promises against facts. Changes nothing.
class witness {
 public:
  virtual ~witness() = default;
  /// The store hands `mail` to its transport, from the start `from` to the store `to`. It may still be lost.
  virtual void sent(store_identity const& from, store_id to, policy::envelope const& mail) = 0;
  /// `write`, part of a batch, is about to reach the disk, which holds `before` and the parts before this one.
  virtual void persisting(store_id store, disk const& before, policy::log_write const& write) = 0;
  /// The store's observer is told.
  virtual void told(store_id store, policy::event const& what) = 0;
  /// A task of the store's home lane has ended: its state may have changed.
  virtual void turned(store_id store) = 0;
};

/// The computer that a simulated store runs on: what outlives a crash, and what is wrong with it at the moment.
struct host {
  store_id id;                               ///< The store that lives here.
  std::uint64_t life = 0;                    ///< How often it crashed; handles of an earlier life are dead.
  instant paused_until;                      ///< Nothing runs before (F-P4).
  std::int64_t drift_ppm = 0;                ///< How much too fast its clock is (F-C2).
  duration clock_start{0};                   ///< What its clock showed at the beginning.
  std::uint64_t writes_cut = 0;              ///< Disk tasks that were in flight at crashes.
  std::uint32_t slowness = 1;                ///< Lane tasks take this many times as long (F-D10).
  bool disk_failed = false;                  ///< A write failed in this life: all later ones do (LogStorage 5).
  sim::disk log_disk;                        ///< What it holds in its log.
  snapshot_disk spools;                      ///< The files of its snapshots.
  std::shared_ptr<engine_disk> engine;       ///< What it holds in its engine; null until one was opened.
  mortal* lanes = nullptr;                   ///< The executor of the running start.
  policy::receive_sink* sink = nullptr;      ///< Where its mail goes; null while it is deaf.
  store_identity greeting;                   ///< Who it says it is.
};

/// The state of one direction between two hosts.
enum class link : std::uint8_t {
  open = 0,     ///< Messages pass, as the faults allow.
  cut = 1,      ///< Messages vanish (F-N5, F-N6).
  clogged = 2,  ///< Messages wait, and pass in random order when the link opens (F-N9).
};

/// A simulated world: virtual time, one source of chance, the hosts and the links between them. Everything in it happens
/// inside `step()`, on the caller's thread, in an order that the seed alone decides. Must outlive all handles on it.
class world {
 public:
  /// A world without hosts.
  explicit world(std::uint64_t seed, faults weather = {});
  /// Destroys what was to happen, unrun.
  ~world();
  world(world const&) = delete;
  world& operator=(world const&) = delete;

  /// Lets the next event happen; false iff nothing will ever happen again.
  bool step() { return queue_.step(); }
  /// Lets everything up to `now() + span` happen.
  void run_for(duration span);
  /// Virtual time: what no store sees.
  instant now() const noexcept { return queue_.now(); }
  /// Lets `happen` happen after `delay`, whatever becomes of any host.
  void after(duration delay, task happen) { queue_.add(now() + delay, std::move(happen)); }

  /// The faults in force; may be changed between events.
  faults weather;
  /// The source of all chance. Draw once per full expression.
  random& chance() noexcept { return chance_; }
  /// Uniform in [low, high].
  duration between(duration low, duration high);
  /// The history so far.
  sim::trace& trace() noexcept { return trace_; }
  /// Adds a line to the history.
  template <class... Values>
  void note(occurrence what, Values... values) {
    trace_.add(now(), what, values...);
  }
  /// Who is told of everything from now on; null = nobody. Must outlive its use.
  void watched_by(witness* observer) noexcept { witness_ = observer; }
  /// The watcher, or null.
  witness* watcher() const noexcept { return witness_; }

  /// The host of a store; made at the first mention.
  sim::host& host(store_id store);
  /// The time on the clock of a host.
  instant local_time(sim::host const& of) const;
  /// How long `local` nanoseconds of a host's clock take, rounded up.
  duration true_span(sim::host const& of, duration local) const;

  /// The store's process dies now: queued work is gone, a lane task in flight has happened or not by a coin, unsynced
  /// engine batches are lost from some point on, what was committed to the log stays (SAFETY.md §11). The caller
  /// destroys the store afterwards; nothing that it still does has an effect.
  void crash(store_id store);
  /// Nothing of the store runs for `span` (F-P4).
  void pause(store_id store, duration span);

  /// Sets one direction.
  void set_link(store_id from, store_id to, link state);
  /// The state of one direction.
  link link_of(store_id from, store_id to) const;
  /// Opens every link.
  void heal();

  /// What `network` handles send by.
  mail& post_office() noexcept { return mail_; }

 private:
  event_queue queue_;
  random chance_;
  sim::trace trace_;
  witness* witness_ = nullptr;
  std::map<store_id, sim::host> hosts_;
  std::map<std::pair<store_id, store_id>, link> links_;  // those that are not open
  mail mail_;
};

}  // namespace tinykv::sim

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/sim/impl/mail.ipp>
#include <tinykv/sim/impl/snapshot_disk.ipp>
#include <tinykv/sim/impl/world.ipp>
#endif
