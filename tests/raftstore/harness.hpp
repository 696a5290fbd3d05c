#pragma once

#include <tinykv/raft/core.hpp>
#include <tinykv/raftstore/store.hpp>
#include <tinykv/runtime/manual_executor.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/storage/memory_snapshots.hpp>
#include <tinykv/transport/loopback.hpp>

#include "support/catch.hpp"

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// Stores on executors that are turned by hand. A disk is slow as long as its lane is not run.
namespace raftstore_tests {

namespace policy = tinykv::policy;
namespace raft = tinykv::raft;
namespace raftstore = tinykv::raftstore;
using namespace std::chrono_literals;
using policy::lane;
using raft::message_kind;
using raft::role;
using tinykv::error_code;
using tinykv::group_id;
using tinykv::log_index;
using tinykv::outcome;
using tinykv::peer_id;
using tinykv::store_id;
using tinykv::term;

inline tinykv::bytes text(std::string_view s) { return tinykv::bytes::copy_of(s); }

/// Counts; "throw" throws. What it is told is kept outside, so that tests see it.
struct counter {
  using reply = std::int64_t;
  struct seen {
    std::vector<std::string> commands;
    std::vector<log_index> at;
  };
  reply apply(log_index at, std::string_view command) {
    if (told) {
      told->commands.emplace_back(command);
      told->at.push_back(at);
    }
    if (command == "throw") throw std::runtime_error{"no"};
    return ++value;
  }
  std::int64_t value = 0;
  std::shared_ptr<seen> told;
};

/// A log on a disk that blocks. What is committed outlives the store; the next commit fails when it is told to.
class disk_log {
 public:
  static constexpr bool durable = true;
  static constexpr bool blocks = true;
  struct disk {
    tinykv::storage::memory_log log;
    std::vector<policy::log_batch> batches;
    bool broken = false;
  };

  disk_log() : disk_(std::make_shared<disk>()) {}
  explicit disk_log(std::shared_ptr<disk> where) : disk_(std::move(where)) {}
  tinykv::result<policy::log_contents> load() { return disk_->log.load(); }
  tinykv::result<tinykv::done> commit(policy::log_batch const& batch) {
    if (disk_->broken) return tinykv::fatal(error_code::io, "broken");
    disk_->batches.push_back(batch);
    return disk_->log.commit(batch);
  }
  tinykv::result<std::vector<raft::entry>> fetch(group_id g, log_index from, log_index to, std::uint64_t bytes_max) {
    return disk_->log.fetch(g, from, to, bytes_max);
  }

 private:
  std::shared_ptr<disk> disk_;
};
static_assert(policy::LogStorage<disk_log>);

/// Loopback that keeps a copy of what is sent, and loses what it is told to.
class tapped {
 public:
  struct tap {
    std::vector<std::pair<store_id, policy::envelope>> sent;
    std::function<bool(store_id)> lost;
    policy::receive_sink* sink = nullptr;
    bool stopped = false;
    std::function<void()> on_start;

    std::size_t count(message_kind kind) const {
      std::size_t n = 0;
      for (auto const& [to, mail] : sent)
        for (auto const& m : mail.messages) n += m.message.kind == kind;
      return n;
    }
  };

  tapped(tinykv::transport::loopback inner, std::shared_ptr<tap> where) : inner_(std::move(inner)), tap_(std::move(where)) {}
  tinykv::result<tinykv::done> start(tinykv::store_identity const& self, policy::receive_sink& sink) {
    tap_->sink = &sink;
    if (tap_->on_start) tap_->on_start();
    return inner_.start(self, sink);
  }
  void send(store_id to, policy::envelope mail) noexcept {
    tap_->sent.emplace_back(to, mail);
    if (!tap_->lost || !tap_->lost(to)) inner_.send(to, std::move(mail));
  }
  void stop() noexcept {
    if (tap_) tap_->stopped = true;
    inner_.stop();
  }

 private:
  tinykv::transport::loopback inner_;
  std::shared_ptr<tap> tap_;
};
static_assert(policy::Transport<tapped>);

/// Keeps every event.
struct listening {
  std::shared_ptr<std::vector<policy::event>> events = std::make_shared<std::vector<policy::event>>();
  void on(policy::event const& e) noexcept { events->push_back(e); }
};

/// Snapshot files that outlive the store.
class kept_files {
 public:
  static constexpr bool durable = true;
  using slot = policy::snapshot_slot;

  explicit kept_files(std::shared_ptr<tinykv::storage::memory_snapshots> where) : files_(std::move(where)) {}
  tinykv::result<tinykv::done> create(group_id g, slot s) { return files_->create(g, s); }
  tinykv::result<tinykv::done> append(group_id g, slot s, std::string_view data) { return files_->append(g, s, data); }
  tinykv::result<tinykv::done> sync(group_id g, slot s) { return files_->sync(g, s); }
  tinykv::result<std::optional<std::uint64_t>> size(group_id g, slot s) { return files_->size(g, s); }
  tinykv::result<tinykv::bytes> read(group_id g, slot s, std::uint64_t offset, std::size_t count) { return files_->read(g, s, offset, count); }
  tinykv::result<tinykv::done> publish(group_id g, slot s) { return files_->publish(g, s); }
  tinykv::result<tinykv::done> remove(group_id g, slot s) { return files_->remove(g, s); }

 private:
  std::shared_ptr<tinykv::storage::memory_snapshots> files_;
};
static_assert(policy::SnapshotStorage<kept_files>);

/// Files for a machine that can be saved, none for another.
template <class Machine>
struct files_for {
  using type = policy::no_snapshots;
};
template <policy::SnapshottableMachine Machine>
struct files_for<Machine> {
  using type = kept_files;
};

template <class Machine>
struct composition : tinykv::defaults {
  using machine = Machine;
  using snapshots = typename files_for<Machine>::type;
  using log = disk_log;
  using transport = tapped;
  using executor = tinykv::runtime::manual_executor;
  using clock = tinykv::runtime::manual_clock;
  using observer = listening;
};

/// What a call was answered, and how often.
template <class T>
struct answered {
  std::vector<tinykv::result<T>> all;
  bool once() const { return all.size() == 1; }
  bool ok() const { return once() && all[0].has_value(); }
  tinykv::failure const& why() const {
    REQUIRE(all.size() == 1);
    REQUIRE_FALSE(all[0]);
    return all[0].error();
  }
};

/// One store with everything that it runs on.
template <class Machine = counter>
struct host {
  using store_type = raftstore::store<composition<Machine>>;
  using reply = typename Machine::reply;

  host(tinykv::transport::loopback::hub& hub, std::uint64_t id, raftstore::options o) : hub_(hub), id_(id), options(std::move(o)) {}

  void open(Machine machine = {}) {
    tap = std::make_shared<tapped::tap>();
    observer = {};
    auto parts = [&]() -> tinykv::parts<composition<Machine>> {
      if constexpr (policy::SnapshottableMachine<Machine>)
        return {std::move(machine), disk_log{disk}, tapped{{hub_, store_id{id_}}, tap}, tinykv::runtime::manual_clock{executor},
                observer, kept_files{files}};
      else
        return {std::move(machine), disk_log{disk}, tapped{{hub_, store_id{id_}}, tap}, tinykv::runtime::manual_clock{executor},
                observer};
    };
    store = store_type::create({tinykv::cluster_id{1}, store_id{id_}}, parts(), executor, options);
    ++options.seed;
  }
  /// Runs everything that is queued; the disk only when it works.
  bool run() {
    auto any = false;
    for (auto more = true; more;) {
      more = executor.run_home();
      if (apply_works) more = executor.run_lane(lane::apply) || more;
      more = executor.run_lane(lane::read) || more;
      if (disk_works) more = executor.run_lane(lane::disk) || more;
      if (snapshots_work) more = executor.run_lane(lane::snapshot) || more;
      any = any || more;
    }
    return any;
  }
  std::shared_ptr<answered<reply>> propose(std::string_view command, tinykv::duration patience = 60s) {
    auto out = std::make_shared<answered<reply>>();
    store->propose(group_id{1}, text(command), patience, [out](tinykv::result<reply> r) { out->all.push_back(std::move(r)); });
    return out;
  }
  std::shared_ptr<answered<std::int64_t>> read(tinykv::duration patience = 60s, raftstore::read_mode mode = raftstore::read_mode::index) {
    auto out = std::make_shared<answered<std::int64_t>>();
    store->read(group_id{1}, patience, [out](tinykv::result<typename store_type::view> v) {
      if (v) out->all.emplace_back(v->get().value);
      else out->all.emplace_back(std::move(v).error());
    }, mode);
    return out;
  }
  std::shared_ptr<answered<raft::membership>> change(raft::membership target, tinykv::duration patience = 60s) {
    auto out = std::make_shared<answered<raft::membership>>();
    store->change_membership(group_id{1}, std::move(target), patience, [out](tinykv::result<raft::membership> r) { out->all.push_back(std::move(r)); });
    return out;
  }
  std::shared_ptr<answered<tinykv::done>> transfer(std::uint64_t to, tinykv::duration patience = 60s) {
    auto out = std::make_shared<answered<tinykv::done>>();
    store->transfer(group_id{1}, peer_id{to}, patience, [out](tinykv::result<tinykv::done> r) { out->all.push_back(std::move(r)); });
    return out;
  }
  bool leads() const {
    auto const* core = store ? store->peek(group_id{1}) : nullptr;
    return core && core->brief().role == role::leader;
  }
  raft::status see() const { return store->peek(group_id{1})->status(); }
  std::size_t told(policy::event_kind kind) const {
    std::size_t n = 0;
    for (auto const& e : *observer.events) n += e.kind == kind;
    return n;
  }

  tinykv::transport::loopback::hub& hub_;
  std::uint64_t id_;
  raftstore::options options;
  tinykv::runtime::manual_executor executor;
  bool disk_works = true;
  bool apply_works = true;
  bool snapshots_work = true;
  std::shared_ptr<disk_log::disk> disk = std::make_shared<disk_log::disk>();
  std::shared_ptr<tinykv::storage::memory_snapshots> files = std::make_shared<tinykv::storage::memory_snapshots>();
  std::shared_ptr<tapped::tap> tap;
  listening observer;
  std::shared_ptr<store_type> store;
};

/// Stores 1..n in one process; their clocks go side by side.
template <class Machine = counter>
struct cluster {
  explicit cluster(std::uint64_t n, std::function<void(raftstore::options&)> const& with = {}) {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t id = 1; id <= n; ++id) ids.push_back(id);
    for (auto const id : ids) {
      auto o = raftstore::static_cluster(ids, id * 1000);
      if (with) with(o);
      hosts.emplace(id, std::make_unique<host<Machine>>(hub, id, o));
      hosts.at(id)->open();
    }
  }
  host<Machine>& operator[](std::uint64_t id) { return *hosts.at(id); }
  /// A store with an empty directory, which waits to be added.
  host<Machine>& join(std::uint64_t id, std::function<void(raftstore::options&)> const& with = {}) {
    auto o = raftstore::static_cluster({}, id * 1000);
    o.first_group.first_start = raftstore::first_start::join;
    if (with) with(o);
    hosts.emplace(id, std::make_unique<host<Machine>>(hub, id, o));
    hosts.at(id)->open();
    return *hosts.at(id);
  }
  /// Until `what` holds.
  void run_until(std::function<bool()> const& what) {
    for (int i = 0; i < 3000 && !what(); ++i) run_for(20ms);
    REQUIRE(what());
  }

  void settle() {
    for (auto more = true; more;) {
      more = false;
      for (auto& [id, h] : hosts) more = h->run() || more;
    }
  }
  void run_for(tinykv::duration span) {
    settle();
    for (; span > 0ns; span -= 20ms) {
      for (auto& [id, h] : hosts) h->executor.advance(20ms);
      settle();
    }
  }
  /// Waits for a leader; gives it. Its first entry is applied everywhere.
  host<Machine>& leader(std::uint64_t other_than = 0) {
    for (int i = 0; i < 1000; ++i) {
      for (auto& [id, h] : hosts)
        if (id != other_than && h->leads()) {
          run_for(400ms);
          if (h->leads()) return *h;
        }
      run_for(20ms);
    }
    FAIL("nobody leads");
    return *hosts.begin()->second;
  }
  host<Machine>& follower() {
    auto& l = leader();
    for (auto& [id, h] : hosts)
      if (h.get() != &l) return *h;
    FAIL("nobody follows");
    return l;
  }

  tinykv::transport::loopback::hub hub;
  std::map<std::uint64_t, std::unique_ptr<host<Machine>>> hosts;
};

}  // namespace raftstore_tests
