#pragma once

#include <tinykv/core/task.hpp>
#include <tinykv/raft/checked.hpp>
#include <tinykv/raftstore/store.hpp>
#include <tinykv/sim/engine_disk.hpp>
#include <tinykv/sim/recorder.hpp>
#include <tinykv/sim/simulated.hpp>
#include <tinykv/testing/cluster_options.hpp>
#include <tinykv/testing/oracle.hpp>
#include <tinykv/testing/watched.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// A whole cluster in one thread and in virtual time: the composition P, with its own machine, in a simulated world, and an
/// oracle that holds every step against the invariants. The code that runs is the code that ships.
///
///     testing::cluster<my_composition> cluster{{.seed = 7}};
///     cluster.run_until([&] { return cluster.leader().has_value(); }, 5s);
///     cluster.crash(*cluster.leader());
///     CHECK(cluster.violations().empty());
template <class P>
class cluster final : private sim::witness {
 public:
  /// P with everything but its algorithms and its machine simulated, and the machine watched.
  struct composition : sim::simulated<P> {
    using machine = watched<typename sim::simulated<P>::machine>;  ///< The user's own, watched.
    using observer = sim::recorder;                                ///< Into the trace.
    using consensus = raft::checked<typename P::consensus>;        ///< Held against raft/invariants.hpp at each input.
  };
  using machine = typename sim::simulated<P>::machine;             ///< The user's own.
  using reply = typename watched<machine>::reply;                  ///< What a command answers, and its index.
  using store = raftstore::store<composition>;                     ///< What runs on each host.
  using make_machine = std::function<result<machine>(sim::world&, store_id)>;  ///< Opens the machine at each start of a store.
  using answer = unique_function<void(result<reply>)>;             ///< Takes the answer of a proposal, once.
  using reader = unique_function<void(result<log_index>)>;         ///< Told up to where the view of a read reached.

  /// A cluster whose stores all run.
  explicit cluster(cluster_options options, make_machine make = [](sim::world&, store_id) { return machine{}; })
      : options_(std::move(options)),
        make_(std::move(make)),
        world_(options_.seed, options_.weather),
        oracle_(world_, options_.store.first_group.group) {
    world_.watched_by(this);
    for (std::uint64_t i = 1; i <= options_.stores + options_.spares; ++i) {
      ids_.push_back(store_id{i});
      if (i <= options_.stores) options_.store.first_group.configuration.voters.push_back({peer_id{i}, store_id{i}});
    }
    for (auto const id : ids_) start(id);
  }
  /// Ends everything, unanswered.
  ~cluster() {
    writes_.clear();
    reads_.clear();
    for (auto const id : ids_)
      if (up(id)) crash(id);
  }

  sim::world& world() noexcept { return world_; }                    ///< To change its faults and links.
  testing::oracle& oracle() noexcept { return oracle_; }             ///< The checkers.
  findings const& violations() const noexcept { return oracle_.found(); }  ///< What they found.
  std::vector<store_id> const& stores() const noexcept { return ids_; }    ///< All of them, up or not.
  bool up(store_id id) const { return slots_.count(id) != 0; }       ///< True iff the store's process runs.
  /// How many run.
  std::size_t up_count() const noexcept { return slots_.size(); }

  /// The store's process dies. Precondition: up(id).
  void crash(store_id id) {
    if (leader() == id) oracle_.reached().count(situation::leader_crashed);
    auto const& host = world_.host(id);
    auto const cut_before = host.writes_cut;
    auto const lost_before = host.engine ? host.engine->lost() : 0;
    world_.crash(id);
    if (host.engine && host.engine->lost() != lost_before) oracle_.reached().count(situation::engine_behind_log);
    if (host.writes_cut != cut_before) oracle_.reached().count(situation::crash_with_write_in_flight);
    oracle_.crashed(id);
    auto const dead = slots_.extract(id);
    end_calls_at(id);
  }
  /// The store's process starts, over what its disks hold. Precondition: !up(id).
  void start(store_id id) {
    world_.note(sim::occurrence::start, id.value, world_.host(id).life);
    auto options = options_.store;
    options.seed = world_.chance().fork();
    options.first_group.first_start = id.value <= options_.stores ? raftstore::first_start::bootstrap : raftstore::first_start::join;
    process fresh;
    fresh.executor = std::make_unique<sim::executor>(world_, id);
    auto opened = make_(world_, id);
    if (!opened) return start_later(id, opened.error());
    auto watched_machine = watched<machine>{std::move(*opened), id, oracle_};
    oracle_.states().starts(id, watched_machine.last());
    fresh.running = store::create({cluster_id{1}, id},
                                  parts<composition>{std::move(watched_machine), sim::disk_log{world_, id}, sim::network{world_, id},
                                                     sim::clock{world_, id}, sim::recorder{world_, id}, files_of(id)},
                                  *fresh.executor, std::move(options));
    slots_.insert_or_assign(id, std::move(fresh));
    note_recovery(id);
    end_if_failed(id);
  }
  /// `crash` and `start`.
  void restart(store_id id) {
    if (up(id)) crash(id);
    start(id);
  }

  /// Cuts every link between `side` and the others, both ways.
  void partition(std::vector<store_id> const& side) {
    auto const in_side = [&](store_id id) { return std::find(side.begin(), side.end(), id) != side.end(); };
    for (auto const a : ids_)
      for (auto const b : ids_)
        if (in_side(a) != in_side(b)) world_.set_link(a, b, sim::link::cut);
  }
  /// Opens all links.
  void heal() { world_.heal(); }

  /// Lets the next event happen.
  bool step() { return world_.step(); }
  /// Lets `span` pass.
  void run_for(duration span) { world_.run_for(span); }
  /// Lets time pass until `fact()` holds, at most `span`; gives whether it held.
  template <class Fact>
  bool run_until(Fact&& fact, duration span) {
    auto const end = world_.now() + span;
    while (world_.now() <= end && violations().empty()) {
      if (fact()) return true;
      if (!world_.step()) return false;
    }
    return fact();
  }
  /// True iff, within `span`, all running stores know one leader and have applied everything to its last entry.
  bool converges_within(duration span) {
    return run_until([&] { return converged(); }, span);
  }
  /// The running leader of the highest term.
  std::optional<store_id> leader() const {
    std::optional<store_id> found;
    term highest;
    for (auto const& [id, slot] : slots_)
      if (auto const* core = slot.running->peek(group()); core != nullptr && core->brief().role == raft::role::leader)
        if (core->brief().term > highest) {
          highest = core->brief().term;
          found = id;
        }
    return found;
  }
  /// The consensus of a running store; null if there is none.
  raft::core const* core_of(store_id id) const {
    auto const slot = slots_.find(id);
    auto const* const found = slot == slots_.end() ? nullptr : slot->second.running->peek(group());
    return found == nullptr ? nullptr : &found->inner();
  }
  /// The group that the cluster serves.
  group_id group() const noexcept { return options_.store.first_group.group; }

  /// Proposes at a store; its death is an `unknown`. Commands must differ from each other: I-16 is checked by them.
  void propose(store_id at, bytes command, duration patience, answer done) {
    if (!up(at)) return done(rejected(error_code::unreachable, "the store is down"));
    auto const call = ++last_call_;
    auto const number = oracle_.answers().proposed(command);
    writes_.emplace(call, open_write{at, number, oracle_.order().begins(), std::move(done)});
    slots_.at(at).running->propose(group(), std::move(command), patience,
                                   [this, at, call, life = life_of(at), number](result<reply> got) {
                                     if (life_of(at) != life) return;  // the words of the dead
                                     judge(number, got);
                                     end_write(call, std::move(got));
                                   });
  }
  /// Reads at a store; the view is held against the state that the log gives.
  void read(store_id at, duration patience, reader done) {
    if (!up(at)) return done(rejected(error_code::unreachable, "the store is down"));
    auto const call = ++last_call_;
    reads_.emplace(call, open_read{at, oracle_.order().begins(), std::move(done)});
    slots_.at(at).running->read(group(), patience, [this, at, call, life = life_of(at)](auto view) {
      if (life_of(at) != life) return;
      if (view) return end_read(call, look(at, *view));
      oracle_.reached().count(situation::read_refused);
      end_read(call, std::move(view).error());
    });
  }
  /// Asks the leader for other members; nothing happens if there is none. What comes of it is seen by `members()`.
  void change_membership(raft::membership target, duration patience) {
    if (auto const at = leader())
      slots_.at(*at).running->change_membership(group(), std::move(target), patience, [](result<raft::membership>) {});
  }
  /// Asks the leader to hand over to the peer on `to`; nothing happens if there is none.
  void transfer(store_id to, duration patience) {
    auto const at = leader();
    if (!at) return;
    for (auto const& m : core_of(*at)->members().voters)
      if (m.store == to) slots_.at(*at).running->transfer(group(), m.peer, patience, [](result<done>) {});
  }
  /// The configuration in force at the leader; empty if there is none.
  raft::membership members() const {
    auto const at = leader();
    return at ? core_of(*at)->members() : raft::membership{};
  }
  /// Calls that wait for their answer.
  std::size_t open_calls() const noexcept { return writes_.size() + reads_.size(); }

 private:
  struct process {
    std::unique_ptr<sim::executor> executor;  // outlives the store, which is destroyed first
    std::shared_ptr<store> running;
  };
  struct open_write {
    store_id at;
    std::uint64_t number;
    log_index floor;
    answer done;
  };
  struct open_read {
    store_id at;
    log_index floor;
    reader done;
  };

  void sent(store_identity const& from, store_id, policy::envelope const& mail) override { oracle_.sent(from.store, mail); }
  void persisting(store_id id, sim::disk const& before, policy::log_write const& write) override {
    oracle_.persisting(id, before, write);
  }
  void told(store_id id, policy::event const& what) override {
    using enum policy::event_kind;
    if (what.kind == disk_stalled) oracle_.reached().count(situation::disk_stall);
    if (what.kind == peer_added) oracle_.reached().count(situation::peer_added);
    if (what.kind == peer_removed) oracle_.reached().count(situation::peer_removed);
    if (what.kind == peer_added || what.kind == peer_removed) oracle_.peer_changed(id);
    if (what.kind == fenced && what.group != group_id{}) end_after_fence(id);
  }
  void turned(store_id id) override {
    if (auto const* const core = core_of(id)) oracle_.turned(id, *core);
    end_if_failed(id);
  }

  // A machine that gave up serves nothing more in this life; whoever runs the store starts it again.
  void end_after_fence(store_id id) {
    oracle_.found().expect(world_.host(id).disk_failed, "I-31", [&] { return detail::say("the machine of store", id) + " gave up without a reason"; });
    oracle_.reached().count(situation::disk_error);
    restart_soon(id);
  }

  // A store that stopped for good would be started again by whoever runs it.
  void end_if_failed(store_id id) {
    auto const found = slots_.find(id);
    if (found == slots_.end() || !found->second.running->failed()) return;
    oracle_.found().expect(world_.host(id).disk_failed, "I-31", [&] {
      return detail::say("store", id) + " stopped without a reason: " + found->second.running->failed()->detail;
    });
    oracle_.reached().count(situation::disk_error);
    restart_soon(id);
  }
  void restart_soon(store_id id) {
    world_.after(duration::zero(), [this, id, life = life_of(id)] {
      if (life_of(id) == life && up(id)) restart(id);
    });
  }

  // The machine did not open: its disk fails, and the next start finds another one.
  void start_later(store_id id, failure const& why) {
    oracle_.found().expect(world_.host(id).disk_failed, "I-31", [&] {
      return detail::say("the machine of store", id) + " did not open: " + why.detail;
    });
    world_.crash(id);
    world_.after(std::chrono::milliseconds{10}, [this, id] {
      if (!up(id)) start(id);
    });
  }
  void note_recovery(store_id id) {
    auto const* const core = core_of(id);
    if (core == nullptr) return;
    auto const now = core->status();
    if (now.last > now.commit) oracle_.reached().count(situation::restart_with_unapplied_log);
  }
  void judge(std::uint64_t number, result<reply> const& got) {
    if (!got) {
      oracle_.answers().failed(number, got.error().outcome);
      auto const refused = got.error().outcome == outcome::rejected;
      return oracle_.reached().count(refused ? situation::proposal_refused : situation::proposal_lost);
    }
    oracle_.answers().succeeded(number, got->at);
    oracle_.answers().settle();
    oracle_.reached().count(situation::proposal_succeeded);
  }
  template <class View>
  log_index look(store_id at, View const& view) {
    auto const& seen = unwrapped(view);
    oracle_.found().expect(seen.digest() == oracle_.digest_at(seen.last()), "I-10", [&] {
      return detail::say("a read at store", at) + detail::say(" saw a state that is not that of index", seen.last());
    });
    oracle_.reached().count(at == leader() ? situation::read_at_leader : situation::read_at_follower);
    return seen.last();
  }
  template <class T>
  static T const& unwrapped(std::reference_wrapper<T const> view) { return view.get(); }
  template <class T>
  static T const& unwrapped(T const& view) { return view; }

  void end_write(std::uint64_t call, result<reply> got) {
    auto const open = writes_.extract(call);
    if (!open) return;  // a second answer; judged
    if (got) oracle_.order().wrote(open.mapped().floor, got->at);
    open.mapped().done(std::move(got));
  }
  void end_read(std::uint64_t call, result<log_index> got) {
    auto const open = reads_.extract(call);
    oracle_.found().expect(!open.empty(), "I-16", [&] { return detail::say("a second answer came to read", call); });
    if (!open) return;
    if (got) oracle_.order().read(open.mapped().floor, *got);
    open.mapped().done(std::move(got));
  }
  // What was asked of a store that died is unknown; the clients hear it before the store is destroyed.
  void end_calls_at(store_id id) {
    auto const lost = [&] { return unknown(error_code::unreachable, detail::say("the connection broke: store", id) + " died"); };
    for (auto const call : calls_at(writes_, id)) {
      auto const open = writes_.extract(call);
      oracle_.answers().abandoned(open.mapped().number);
      open.mapped().done(lost());
    }
    for (auto const call : calls_at(reads_, id)) reads_.extract(call).mapped().done(lost());
  }
  template <class Calls>
  static std::vector<std::uint64_t> calls_at(Calls const& calls, store_id id) {
    std::vector<std::uint64_t> out;
    for (auto const& [call, open] : calls)
      if (open.at == id) out.push_back(call);
    return out;
  }

  bool converged() const {
    auto const first = leader();
    if (!first) return false;
    auto const end = core_of(*first)->status();
    auto const group_now = raft::all_members(end.configuration);
    if (raft::is_joint(end.configuration)) return false;
    for (auto const& [id, slot] : slots_) {
      auto const here = [at = id](raft::member const& m) { return m.store == at; };
      if (std::none_of(group_now.begin(), group_now.end(), here)) continue;
      auto const* const core = core_of(id);
      if (core == nullptr) return false;
      auto const now = core->status();
      if (now.leader != end.self || now.term != end.term || now.last != end.last || now.applied != end.last) return false;
    }
    return true;
  }
  typename composition::snapshots files_of(store_id id) {
    if constexpr (std::is_same_v<typename composition::snapshots, policy::no_snapshots>) return {};
    else return {world_, id};
  }
  std::uint64_t life_of(store_id id) { return world_.host(id).life; }

  cluster_options options_;
  make_machine make_;
  sim::world world_;
  testing::oracle oracle_;
  std::vector<store_id> ids_;
  std::map<store_id, process> slots_;  // of the running stores
  std::uint64_t last_call_ = 0;
  std::map<std::uint64_t, open_write> writes_;
  std::map<std::uint64_t, open_read> reads_;
};

}  // namespace tinykv::testing
