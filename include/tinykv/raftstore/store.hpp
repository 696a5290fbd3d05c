#pragma once

#include <tinykv/core/random.hpp>
#include <tinykv/raftstore/doorkeeper.hpp>
#include <tinykv/raftstore/inbox.hpp>
#include <tinykv/raftstore/lanes.hpp>
#include <tinykv/raftstore/log_batches.hpp>
#include <tinykv/raftstore/log_keeper.hpp>
#include <tinykv/raftstore/mailbag.hpp>
#include <tinykv/raftstore/parts.hpp>
#include <tinykv/raftstore/replica.hpp>
#include <tinykv/raftstore/snapshot_exchange.hpp>
#include <tinykv/raftstore/start.hpp>
#include <tinykv/raftstore/status.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace tinykv::raftstore {

/// All groups of one data directory: the only place that decides the order of I/O (DESIGN.md §4, SAFETY.md §1-§4).
///
/// Everything enters through the inbox and is dealt with by `turn()` on the home lane, which never waits for a disk. Plain
/// callbacks; knows no Asio (`node` does). Public functions may be called from any thread unless they say otherwise.
template <class P>
class store final : public std::enable_shared_from_this<store<P>>, private checked_composition<P> {
 public:
  using machine = typename P::machine;                                ///< What is replicated.
  using reply = typename machine::reply;                              ///< What a command answers.
  using view = read_view<machine>;                                    ///< What a read is handed.
  using executor = typename P::executor;                              ///< Where it runs.
  using answer = typename proposals<reply>::answer;                   ///< Takes a reply, on the home lane, once.
  using reader = typename reads<view>::reader;                        ///< Takes a view, once; see `read`.

  /// Opens a store: loads the log, judges the identity and raises its epoch, which blocks, then begins to work on the
  /// executor. A failure is kept: `failed()` tells it, and every call is answered with it.
  static std::shared_ptr<store> create(identity who, parts<P> p, executor& where, options o) {
    auto out = std::shared_ptr<store>{new store{std::move(p), where, std::move(o)}};
    out->start(who);
    return out;
  }
  store(store const&) = delete;
  store& operator=(store const&) = delete;
  /// Answers what is open with `unknown` (stopped).
  ~store() {
    close(stopped_failure());
    step_calls_only();
  }

  /// Why the store does not serve; empty while it does. Home lane, or before the executor runs.
  std::optional<failure> const& failed() const { return failed_; }

  /// Orders `command`. `done` is called on the home lane, once: with the reply of the machine when it was applied here;
  /// `rejected` when it certainly is not in a log (not_leader with the leader's store id as hint, busy, too_large,
  /// stopped); `unknown` when it may be (deadline, leadership_lost, stopped). A deadline is met within a tick.
  void propose(group_id group, bytes command, duration patience, answer done) {
    auto const deadline = end_of(patience);
    enter(proposal_arrived<answer>{group, std::move(command), deadline, std::move(done)});
  }
  /// Reads a state that holds everything acknowledged before this call, at leader and follower alike (SAFETY.md §7). `use`
  /// is called once: with a view on the read lane (a machine without views: with the machine on the apply lane), or with a
  /// failure on the home lane. `read_mode::log` orders an entry of its own for it, at the leader only.
  void read(group_id group, duration patience, reader use, read_mode mode = read_mode::index) {
    auto const deadline = end_of(patience);
    enter(read_arrived<reader>{group, deadline, std::move(use), mode});
  }
  /// Makes the voters and learners of `target` the members, at the leader; doing it again does nothing. New voters come as
  /// learners and are promoted when they have caught up; joint configurations are left by themselves (SAFETY.md §6). `done`
  /// is called on the home lane, once: with the configuration when exactly these are in force; `rejected` when nothing was
  /// begun (not_leader with the leader's store id as hint, invalid_argument, busy, deadline, stopped); `unknown` when a part
  /// of it may be or come in force (leadership_lost, deadline, stopped): ask again.
  void change_membership(group_id group, raft::membership target, duration patience, unique_function<void(result<raft::membership>)> done) {
    auto const deadline = end_of(patience);
    enter(change_arrived{group, std::move(target), deadline, std::move(done)});
  }
  /// Hands the leadership over to `to` (dissertation 3.10). `done` is called on the home lane, once: when `to` is seen to
  /// lead; `rejected` (not_leader, invalid_argument, busy: it did not take over in time), `unknown` (deadline, stopped).
  void transfer(group_id group, peer_id to, duration patience, unique_function<void(result<tinykv::done>)> done) {
    auto const deadline = end_of(patience);
    enter(transfer_arrived{group, to, deadline, std::move(done)});
  }
  /// Gives the status, on the home lane.
  void status(unique_function<void(store_status)> done) {
    inbox_->push(call<store>{[done = std::move(done)](store& self) mutable { done(self.status_now()); }});
  }
  /// Ends the service: everything open is answered `unknown` (stopped), what is under way on the lanes is waited for, a
  /// persistent machine is synced; then `done` is called on the home lane.
  void stop(unique_function<void()> done) {
    inbox_->push(call<store>{[done = std::move(done)](store& self) mutable {
      self.when_stopped_.push_back(std::move(done));
      self.close(stopped_failure());
    }});
  }
  /// The consensus of one group; null if there is none. Home lane; for tests and checkers.
  typename P::consensus const* peek(group_id group) const {
    auto const it = replicas_.find(group);
    return it == replicas_.end() ? nullptr : &it->second->consensus();
  }
  /// The status at once. Home lane.
  store_status status_now() const {
    store_status out;
    if (door_) out.self = door_->who().self();
    out.failed = failed_;
    out.refused_by = refused_by_;
    out.log_batches = batches_.written();
    out.messages_dropped = dropped_;
    for (auto const& [group, r] : replicas_) {
      auto raft = r->consensus().status();
      auto const leader_store = r->store_of(raft.leader);
      out.groups.push_back({group, std::move(raft), leader_store, r->fenced(), r->care.durable, r->care.size.bytes(),
                            snapshot_exchange<store>::possible});
    }
    for (auto const& [group, hosted] : hosted_)
      if (hosted.left) out.retired.push_back(group);
    return out;
  }

 private:
  friend class snapshot_exchange<store>;
  friend class log_keeper<store>;
  using replica_type = replica<typename P::consensus, machine>;
  using snapshots = typename P::snapshots;
  using inbox_type = inbox<store, reply, answer, reader>;
  using lanes_type = lanes<executor, typename P::log, machine, inbox_type>;
  using jobs = std::vector<apply_job<machine>>;

  store(parts<P> p, executor& where, options o)
      : options_(std::move(o)),
        random_(options_.seed),
        executor_(where),
        inbox_(std::make_shared<inbox_type>(options_)),
        log_(std::make_shared<typename P::log>(std::move(p.log))),
        lanes_(where, log_, inbox_),
        files_(std::make_shared<snapshots>(std::move(p.snapshots))),
        exchange_(files_, options_.snapshots),
        transport_(std::move(p.transport)),
        clock_(std::move(p.clock)),
        observer_(std::move(p.observer)) {
    host(options_.first_group, std::move(p.machine));
    for (auto& part : p.more) host(std::move(part.options), std::move(part.machine));
  }

  // A patience without end does not run over.
  instant end_of(duration patience) const {
    auto const now = clock_.now();
    return now + std::min(patience, duration::max() - now.since_start);
  }

  static failure stopped_failure() { return rejected(error_code::stopped, "the node was stopped"); }

  void start(identity who) {
    // Stores that were given one seed must not draw the same election timeouts.
    random_ = random{options_.seed ^ (who.store.value * 0x9e3779b97f4a7c15ULL) ^ (who.cluster.value << 32)};
    inbox_->wake_by([weak = this->weak_from_this(), &where = executor_] {
      where.post([weak] {
        if (auto const self = weak.lock()) self->turn();
      });
    });
    auto started = start_store(who, P::consensus::kind, *log_, hosted_, *files_, options_, random_);
    if (!started) return close(std::move(started).error());
    door_.emplace(std::move(started->who));
    for (auto& [group, left] : started->left) hosted_.at(group).left = left;
    for (auto& [group, from] : started->groups) {
      if (auto const begun = begin(group, std::move(from)); !begun) return close(begun.error());
    }
    if (auto const net = transport_.start(door_->who().self(), *inbox_); !net) return close(net.error());
    for (auto const& [group, r] : replicas_) tell_addresses(*r);
    tell({policy::event_kind::started, {}, {}, {}, 0, door_->who().self().start.epoch});
    inbox_->push(call<store>{[](store& self) { self.arm_tick(); }});
  }

  // --- groups -------------------------------------------------------------------------------------------------------

  // A group that this store may hold a peer of: how it begins, its machine, and what is left of a peer that was here.
  struct hosted_group {
    group_options options;
    std::shared_ptr<machine> target;      // apply lane
    std::optional<left_group> left;       // SAFETY.md §4
    bool spent = false;                   // the machine could not be emptied: no peer of the group before a restart
  };

  void host(group_options options, machine m) {
    auto const group = options.group;
    hosted_.emplace(group, hosted_group{std::move(options), std::make_shared<machine>(std::move(m)), std::nullopt, false});
  }

  result<done> begin(group_id group, group_start from) {
    auto raft = options_.raft;
    raft.self = from.self;
    raft.seed = random_.fork();
    auto r = std::make_unique<replica_type>(group, ++incarnations_, raft, options_, hosted_.at(group).target);
    r->care.truncated = from.state.truncated.at.index;
    r->care.size.restore(from.state.last, from.log_bytes);
    r->care.durable = r->care.truncated;
    if constexpr (policy::PersistentMachine<machine>) r->care.durable = hosted_.at(group).target->durable();
    else if constexpr (snapshot_exchange<store>::possible) r->care.durable = from.applied.index;
    if (auto const recovered = r->recover(std::move(from.state)); !recovered) return recovered;
    r->applied_at_start(from.applied);
    r->tell_answers([this, group](position at, std::optional<outcome> lost) {
      tell({policy::event_kind::proposal_answered, group, at.term, at.index, 0, lost ? static_cast<std::uint64_t>(*lost) : 0});
    });
    wake(*r);
    replicas_.emplace(group, std::move(r));
    return done{};
  }

  // A leader speaks to a peer that is not here: it has been added to the group (SAFETY.md §6). Writes only what is absent.
  // It knows nobody yet, so that it neither campaigns nor counts.
  replica_type* welcome(group_id group, raft::message const& m) {
    auto const found = hosted_.find(group);
    if (!speaks_as_leader(m) || found == hosted_.end() || found->second.spent) return nullptr;
    if (found->second.left && m.to <= found->second.left->was) return nullptr;
    group_start from;
    from.self = m.to;
    from.state.truncated.owner = m.to;
    if (found->second.left) from.state.state = found->second.left->state;
    if constexpr (policy::PersistentMachine<machine>)
      if (found->second.target->applied() != position{}) return nullptr;
    policy::log_write write;
    write.group = group;
    write.drop_entries = true;
    write.truncated = from.state.truncated;
    write.state = from.state.state;
    batches_.open().groups.push_back(std::move(write));
    if (auto const begun = begin(group, std::move(from)); !begun) {
      close(begun.error());
      return nullptr;
    }
    found->second.left.reset();
    auto* r = replica_of(group);
    r->last_batch = batches_.open_number();
    tell({policy::event_kind::peer_added, group, {}, {}, m.to.value, 0});
    return r;
  }

  // A leader looks here for a later peer. A store has one peer of a group, and ids rise: the one that is here was removed.
  static bool is_for_successor(replica_type const& r, raft::message const& m) { return speaks_as_leader(m) && m.to > r.self(); }
  static bool speaks_as_leader(raft::message const& m) {
    return m.kind == raft::message_kind::append || m.kind == raft::message_kind::heartbeat;
  }

  void leave(replica_type& r) {
    if (r.install || std::exchange(r.retiring, true)) return;  // what is being put in place is put in place first
    leaving_.push_back(&r);
  }

  // The peer is no member any more. First the log says so, so that a start goes on from here; then the machine is emptied,
  // durably; then the log goes; term and vote stay (SAFETY.md §4).
  void retire(replica_type& r) {
    ++retiring_;
    r.answer_all(rejected(error_code::not_found, "this store has left the group"));
    tell({policy::event_kind::peer_removed, r.group(), {}, {}, r.self().value, 0});
    exchange_.forget(r.group());
    policy::log_write write;
    write.group = r.group();
    write.truncated = r.consensus().truncation_at(r.care.truncated);
    write.truncated->owner = r.self();
    write.truncated->left = true;
    batches_.open().groups.push_back(std::move(write));
    r.left_by = batches_.open_number();
  }

  void clear(replica_type& r) {
    lanes_.run(policy::lane::apply,
               [target = r.machine(), seen = r.machine_seen(), files = files_, group = r.group()] {
                 seen->closed = true;
                 return clear_machine(*target, *files, group);
               },
               [group = r.group(), incarnation = r.incarnation()](store& self, result<done> cleared) {
                 auto* gone = self.replica_of(group);
                 if (!gone || gone->incarnation() != incarnation) return;
                 if (!cleared) return self.fence(*gone, cleared.error());
                 auto const seen = gone->consensus().status();
                 auto const state = raft::hard_state{seen.term, seen.vote, {}};
                 self.batches_.open().groups.push_back(tombstone(group, state, seen.self));
                 gone->buried_by = self.batches_.open_number();
                 auto& hosted = self.hosted_.at(group);
                 hosted.left = left_group{state, seen.self};
                 hosted.spent = !policy::RetirableMachine<machine>;
               });
  }

  void bury() {
    for (auto it = replicas_.begin(); it != replicas_.end();) {
      auto* r = it->second.get();
      if (r->left_by && *r->left_by <= batches_.written()) {
        r->left_by.reset();
        clear(*r);
      }
      if (!r->buried_by || *r->buried_by > batches_.written()) {
        ++it;
        continue;
      }
      std::erase(awake_, r);
      std::erase(holding_, r);
      it = replicas_.erase(it);
      --retiring_;
    }
  }

  // Another configuration is in force.
  void members_changed(replica_type& r) {
    r.learn_members();
    tell_addresses(r);
    r.drive();
    tell({policy::event_kind::members_changed, r.group(), {}, r.applied(), 0, r.consensus().members().version});
  }

  void tell_addresses(replica_type const& r) {
    if constexpr (policy::AddressedTransport<typename P::transport>)
      for (auto const& m : raft::all_members(r.consensus().members()))
        if (!m.address.empty() && m.store != door_->who().self().store) transport_.set_peer(m.store, m.address);
  }

  // --- one turn ---------------------------------------------------------------------------------------------------

  void turn() {
    step(inbox_->drain());
    auto committed = collect();
    send();
    lanes_.apply(std::move(committed));
    for (auto* r : std::exchange(leaving_, {})) retire(*r);  // behind what it has still to apply
    lanes_.read(std::exchange(due_reads_, {}));
    if (batches_.due()) commit();
    if (retiring_ > 0) bury();
    finish_stop();
  }

  void step(std::vector<typename inbox_type::item> items) {
    auto tick = false;  // last, so that after a pause the mail is read before time passes (SAFETY.md §7)
    for (auto& item : items) {
      if (std::holds_alternative<tick_due>(item)) tick = true;
      else std::visit([this](auto& what) { this->take(what); }, item);
    }
    if (tick) pass_time();
    if (auto const dropped = inbox_->take_dropped(); dropped > 0) note_dropped(dropped);
  }

  void take(tick_due&) {}
  void take(reads_done&) { lanes_.finished(); }
  void take(call<store>& c) { c.run(*this); }
  void take(work_done<store>& w) {
    lanes_.finished();
    if (!failed_) w.then(*this);
  }
  void take(change_arrived& p) {
    if (auto* r = find(p.group, p.done)) r->change_membership(std::move(p.target), p.deadline, std::move(p.done), options_.changes_max);
  }
  void take(transfer_arrived& p) {
    if (auto* r = find(p.group, p.done)) r->transfer(p.to, p.deadline, std::move(p.done), options_.changes_max);
  }
  void take(proposal_arrived<answer>& p) {
    auto* r = find(p.group, p.done);
    if (!r) return;
    auto const at = r->propose(std::move(p.command), p.deadline, std::move(p.done), options_.proposals_max);
    if (at) tell({policy::event_kind::proposal_accepted, p.group, at->term, at->index, 0, 0});
    else tell({policy::event_kind::proposal_refused, p.group, {}, {}, 0, static_cast<std::uint64_t>(at.error().code)});
  }
  void take(read_arrived<reader>& p) {
    auto* r = find(p.group, p.done);
    if (!r) return;
    if (p.mode == read_mode::log) r->read_through_log(p.deadline, std::move(p.done), options_.reads_max);
    else r->read(p.deadline, std::move(p.done), options_.reads_max);
  }
  void take(mail_arrived& m) {
    if (failed_) return;
    if (!door_->who().is_latest(m.from)) return note_dropped(m.mail.messages.size() + m.mail.snapshots.size());
    for (auto& g : m.mail.messages) {
      if (raft::is_reply(g.message.kind)) refused_by_.erase(m.from.store);  // it has let this start in meanwhile
      auto* r = replica_of(g.group);
      if (!r) r = welcome(g.group, g.message);
      if (!r) continue;
      if (is_for_successor(*r, g.message)) leave(*r);
      r->step(m.from.store, std::move(g.message));
      wake(*r);
    }
    for (auto& g : m.mail.snapshots)
      if (auto* r = replica_of(g.group)) exchange_.take(*this, *r, m.from.store, std::move(g.message));
  }
  void take(refusal_arrived& r) {
    tell({policy::event_kind::refused_by, {}, {}, {}, r.by.value, static_cast<std::uint64_t>(r.reason.code)});
    if (refused_by_.size() < roster::stores_max || refused_by_.count(r.by) != 0) refused_by_[r.by] = std::move(r.reason);
  }
  void take(greeting_arrived& g) {
    if (failed_) return g.answer(rejected(error_code::stopped, "this store does not serve"));
    auto const remember = [this](bytes record) {
      batches_.open().store_record = std::move(record);
      return batches_.open_number();
    };
    auto const is_member = [this](store_id who) {
      return std::any_of(replicas_.begin(), replicas_.end(), [&](auto const& r) { return r.second->has_member_on(who); });
    };
    if (auto const no = door_->greeted(g.from, g.to, std::move(g.answer), is_member, remember))
      tell({policy::event_kind::greeting_refused, {}, {}, {}, g.from.store.value, static_cast<std::uint64_t>(no->code)});
    door_->written(batches_.written());
  }
  void take(batch_written& w) {
    lanes_.finished();
    if (!w.outcome) return close(w.outcome.error());
    auto const took = batches_.finish(clock_.now());
    if (failed_) return;
    tell({policy::event_kind::log_batch_written, {}, {}, {}, 0, static_cast<std::uint64_t>(took.count())});
    door_->written(w.number);
    release_all();
    for (auto& [group, r] : replicas_)
      if (r->install && !r->retiring) exchange_.written(*this, *r, w.number);
  }
  void take(entries_fetched& f) {
    lanes_.finished();
    if (failed_) return;
    if (!f.entries) return close(f.entries.error());
    auto* r = replica_of(f.group);
    if (!r || r->incarnation() != f.incarnation) return;
    r->consensus().fetched({f.request, std::move(*f.entries)});
    wake(*r);
  }
  void take(entries_applied<reply>& a) {
    lanes_.finished();
    auto* r = replica_of(a.group);
    if (failed_ || !r || r->incarnation() != a.incarnation || r->fenced() || r->retiring) return;
    if (a.failed) return fence(*r, *a.failed);
    tell({policy::event_kind::applied, a.group, {}, a.last, 0, a.replies.size()});
    auto const version = r->consensus().members().version;
    r->applied(a.last, std::move(a.replies));
    keeper_.applied(*r, clock_.now());
    exchange_.applied(*this, *r);
    if (r->consensus().members().version != version) members_changed(*r);
    take_due_reads(*r);
    wake(*r);
  }

  // A Ready without writes is durable as soon as those before it are, so that a group may give several in one turn.
  jobs collect() {
    jobs committed;
    while (!awake_.empty()) {
      auto& r = *awake_.back();
      awake_.pop_back();
      r.awake = false;
      if (!r.fenced() && !r.retiring) r.drive();
      note_role(r);  // a lost leadership need not come with a Ready
      while (!failed_ && !r.fenced() && !r.retiring && r.consensus().has_ready()) {
        collect(r, r.take_ready(), committed);
        note_role(r);
      }
    }
    return committed;
  }

  void collect(replica_type& r, raft::ready out, jobs& committed) {
    if (out.has_writes()) {
      r.last_batch = batches_.open_number();
      policy::log_write write;
      write.group = r.group();
      r.care.size.written(out.entries);
      write.entries = std::move(out.entries);
      write.state = out.state;
      batches_.open().groups.push_back(std::move(write));
    }
    mail(r, std::move(out.early));
    auto const held = !r.held.empty();
    hold(r, out.number, std::move(out.late));
    release(r);
    if (!held && !r.held.empty()) holding_.push_back(&r);
    take_due_reads(r);
    for (auto const& request : out.fetches) lanes_.fetch(r.group(), r.incarnation(), request);
    if (!out.committed.empty())
      committed.push_back({r.group(), r.incarnation(), r.machine(), r.machine_seen(), std::move(out.committed), std::move(out.configuration)});
    exchange_.wanted(*this, r, out.snapshots);
    if (out.removed) leave(r);
  }

  void hold(replica_type& r, ticket number, std::vector<raft::message> late) {
    if (r.held.empty() || r.held.back().batch != r.last_batch) {
      r.held.push_back({number, r.last_batch, std::move(late)});
    } else {
      r.held.back().number = number;
      std::move(late.begin(), late.end(), std::back_inserter(r.held.back().late));
    }
  }

  void release_all() {
    for (auto* r : std::exchange(holding_, {})) {
      release(*r);
      if (!r->held.empty()) holding_.push_back(r);
    }
  }

  // What waited for the disk and is durable now: the messages leave, the consensus is told (SAFETY.md §1, §2).
  void release(replica_type& r) {
    std::optional<ticket> durable;
    while (!r.held.empty() && r.held.front().batch <= batches_.written()) {
      durable = r.held.front().number;
      mail(r, std::move(r.held.front().late));
      r.held.pop_front();
    }
    if (!durable || r.fenced()) return;
    r.consensus().persisted(*durable);
    wake(r);
  }

  void send() {
    if (failed_) return;
    mailbag_.empty_into([this](store_id to, policy::envelope mail) { transport_.send(to, std::move(mail)); });
  }

  void take_due_reads(replica_type& r) {
    for (auto& use : r.ready_reads()) {
      tell({policy::event_kind::read_answered, r.group(), {}, {}, 0, 0});
      due_reads_.push_back({r.machine(), r.machine_seen(), std::move(use)});
    }
  }

  void commit() {
    auto const number = batches_.open_number();
    stall_told_ = false;
    lanes_.commit(batches_.begin(clock_.now()), number);
  }

  // --- time ---------------------------------------------------------------------------------------------------------

  void arm_tick() {
    if (failed_) return;
    executor_.post_after(options_.tick_interval, [weak = this->weak_from_this()] {
      if (auto const self = weak.lock()) self->inbox_->push(tick_due{});
    });
  }

  void pass_time() {
    if (failed_) return;
    auto const now = clock_.now();
    auto const stalled = batches_.in_flight(now) > options_.disk_stall_max;
    if (stalled && !std::exchange(stall_told_, true)) tell({policy::event_kind::disk_stalled, {}, {}, {}, 0, 0});
    exchange_.refill(options_.tick_interval);
    for (auto& [group, r] : replicas_) {
      if (stalled) r->consensus().abdicate();
      r->tick(now);
      keeper_.tick(*this, *r, now);
      exchange_.tick(*this, *r);
      wake(*r);
    }
    arm_tick();
  }

  // --- ends -----------------------------------------------------------------------------------------------------------

  void fence(replica_type& r, failure const& why) {
    tell({policy::event_kind::fenced, r.group(), {}, {}, 0, static_cast<std::uint64_t>(why.code)});
    r.fence(why);
  }

  // The store serves nothing more: after a failed write nothing that depends on it may be acknowledged (I-31).
  void close(failure why) {
    if (failed_) return;
    failed_ = why;
    auto const stopped = why.code == error_code::stopped;
    if (stopped) tell({policy::event_kind::stopped, {}, {}, {}, 0, 0});
    else tell({policy::event_kind::fenced, {}, {}, {}, 0, static_cast<std::uint64_t>(why.code)});
    transport_.stop();
    for (auto& [group, r] : replicas_) r->answer_all(why);
    if (door_) door_->close();
    batches_.open() = {};
    mailbag_ = {};
  }

  void finish_stop() {
    if (when_stopped_.empty() || !lanes_.idle()) return;
    if constexpr (policy::PersistentMachine<machine>)
      if (!std::exchange(synced_, true)) return sync_machines();
    for (auto& done : std::exchange(when_stopped_, {})) done();
  }

  // A failure loses nothing: the log still holds it.
  void sync_machines()
    requires policy::PersistentMachine<machine>
  {
    std::vector<std::shared_ptr<machine>> all;
    for (auto const& [group, hosted] : hosted_) all.push_back(hosted.target);
    lanes_.run(policy::lane::apply,
               [all = std::move(all)] {
                 for (auto const& m : all) static_cast<void>(m->sync());
                 return done{};
               },
               [](store&, done) {});
  }

  // What was queued and never taken in is answered all the same.
  void step_calls_only() {
    for (auto& item : inbox_->drain()) {
      if (auto* c = std::get_if<call<store>>(&item)) c->run(*this);
      if (auto* p = std::get_if<proposal_arrived<answer>>(&item)) take(*p);
      if (auto* r = std::get_if<read_arrived<reader>>(&item)) take(*r);
      if (auto* m = std::get_if<change_arrived>(&item)) take(*m);
      if (auto* t = std::get_if<transfer_arrived>(&item)) take(*t);
      if (auto* g = std::get_if<greeting_arrived>(&item)) take(*g);
    }
    for (auto& done : std::exchange(when_stopped_, {})) done();
  }

  // --- small things -----------------------------------------------------------------------------------------------

  // A call of a client. Over the bound it is refused without entering, but not from inside the call.
  template <class Call>
  void enter(Call what) {
    if (auto back = inbox_->offer(std::move(what)))
      executor_.post([back = std::move(*back)]() mutable { back.done(rejected(error_code::busy, "too many calls wait for the store")); });
  }

  // The replica of a call, awake; or the call is answered.
  template <class Done>
  replica_type* find(group_id group, Done& done) {
    if (failed_) {
      done(failure{*failed_});
      return nullptr;
    }
    auto* r = replica_of(group);
    if (r && r->retiring) r = nullptr;
    if (!r) done(rejected(error_code::not_found, "this store has no peer of group " + std::to_string(group.value)));
    else wake(*r);
    return r;
  }

  replica_type* replica_of(group_id group) {
    auto const it = replicas_.find(group);
    return it == replicas_.end() ? nullptr : it->second.get();
  }

  // The replica that asked for some work, if it still has a use for the result.
  replica_type* replica_of(group_id group, std::uint64_t incarnation) {
    auto* r = replica_of(group);
    return r && r->incarnation() == incarnation && !r->retiring ? r : nullptr;
  }

  void wake(replica_type& r) {
    if (!std::exchange(r.awake, true)) awake_.push_back(&r);
  }

  void mail(replica_type& r, std::vector<raft::message> messages) {
    for (auto& m : messages)
      if (auto const to = r.store_of(m.to); to != store_id{}) mailbag_.add(to, r.group(), std::move(m));
  }

  void mail_snapshot(replica_type& r, raft::snapshot_message m) {
    if (auto const to = r.store_of(m.to); to != store_id{}) mailbag_.add(to, r.group(), std::move(m));
  }

  void note_dropped(std::uint64_t count) {
    dropped_ += count;
    tell({policy::event_kind::mail_dropped, {}, {}, {}, 0, count});
  }

  void tell(policy::event const& what) { observer_.on(what); }
  void note_role(replica_type& r) {
    r.look_at_role();
    auto const now = r.consensus().brief();
    if (now == std::exchange(r.told, now)) return;
    tell({policy::event_kind::role_changed, r.group(), now.term, {}, now.leader.value, static_cast<std::uint64_t>(now.role)});
  }

  options const options_;
  random random_;
  executor& executor_;
  std::shared_ptr<inbox_type> inbox_;
  std::shared_ptr<typename P::log> log_;       // disk lane
  lanes_type lanes_;
  std::shared_ptr<snapshots> files_;
  snapshot_exchange<store> exchange_;
  log_keeper<store> keeper_;
  typename P::transport transport_;
  typename P::clock clock_;
  typename P::observer observer_;

  std::optional<failure> failed_;
  std::optional<doorkeeper> door_;
  std::map<group_id, hosted_group> hosted_;
  std::map<group_id, std::unique_ptr<replica_type>> replicas_;
  std::vector<replica_type*> leaving_;         // no members any more, since this turn
  std::size_t retiring_ = 0;                   // replicas that are being cleared away
  std::vector<replica_type*> awake_;           // something has happened to them since they were last looked at
  std::vector<replica_type*> holding_;         // they wait for the disk
  std::vector<due_read<machine, reader>> due_reads_;
  log_batches batches_;
  mailbag mailbag_;
  std::uint64_t incarnations_ = 0;
  std::uint64_t dropped_ = 0;
  std::map<store_id, failure> refused_by_;
  bool stall_told_ = false;
  bool synced_ = false;
  std::vector<unique_function<void()>> when_stopped_;
};

}  // namespace tinykv::raftstore
