#pragma once

#include <tinykv/policy/executor.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/raftstore/apply.hpp>
#include <tinykv/raftstore/inbox.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tinykv::raftstore {

/// What the apply lane knows of a machine. Belongs to that lane, but `closed`.
struct machine_state {
  bool broken = false;  ///< It has given up.
  position applied;     ///< The last position that went in.
  std::atomic<bool> closed{false};  ///< Its state is being replaced or was cleared away: a view taken now is of no use. Any thread.
};
/// Committed entries on their way into the machine of one group.
template <class Machine>
struct apply_job {
  group_id group;                    ///< Whose.
  std::uint64_t incarnation = 0;     ///< Of the replica.
  std::shared_ptr<Machine> target;   ///< Into which machine.
  std::shared_ptr<machine_state> state;  ///< Of the apply lane.
  std::vector<raft::entry> entries;  ///< At least one.
  std::optional<raft::membership> configuration;  ///< What the last entry puts in force.
};
/// A read that may look at the machine now.
template <class Machine, class Reader>
struct due_read {
  std::shared_ptr<Machine> target;  ///< At which machine.
  std::shared_ptr<machine_state> state;  ///< Of the apply lane.
  Reader use;                       ///< Who looks.
};

/// Hands work to the lanes. Results come back through the inbox; the store says `finished()` for each, so that its end
/// can wait for what is under way. Home lane only.
template <policy::Executor Executor, policy::LogStorage Log, class Machine, class Inbox>
class lanes {
 public:
  /// Runs on `where`; `log` belongs to the disk lane.
  lanes(Executor& where, std::shared_ptr<Log> log, std::shared_ptr<Inbox> inbox)
      : where_(where), log_(std::move(log)), inbox_(std::move(inbox)) {}

  bool idle() const { return under_way_ == 0; }  ///< True iff nothing is under way.
  void finished() { --under_way_; }              ///< A result has come back.

  /// Disk lane: one log batch; answered by `batch_written`.
  void commit(policy::log_batch batch, std::uint64_t number) {
    on_disk([batch = std::move(batch), number, log = log_, inbox = inbox_] {
      inbox->push(batch_written{number, log->commit(batch)});
    });
  }
  /// Disk lane, between batches; answered by `entries_fetched`.
  void fetch(group_id group, std::uint64_t incarnation, raft::fetch_request const& request) {
    on_disk([group, incarnation, request, log = log_, inbox = inbox_] {
      auto entries = log->fetch(group, request.from, request.to, request.bytes_max);
      inbox->push(entries_fetched{group, incarnation, request, std::move(entries)});
    });
  }
  /// Apply lane: all jobs of a turn in one task; each answered by `entries_applied`. A machine that has given up is not
  /// touched again: a later task that succeeded would hide the entries that are missing in it.
  void apply(std::vector<apply_job<Machine>> jobs) {
    if (jobs.empty()) return;
    under_way_ += jobs.size();
    where_.post_on(policy::lane::apply, [jobs = std::move(jobs), inbox = inbox_] {
      for (auto const& job : jobs) {
        entries_applied<typename Machine::reply> out{job.group, job.incarnation, job.entries.back().index, {}, {}};
        using applied = decltype(apply_entries(*job.target, job.entries, job.configuration));
        auto replies = job.state->broken ? applied{given_up()} : apply_entries(*job.target, job.entries, job.configuration);
        job.state->broken = !replies;
        if (replies) job.state->applied = position_of(job.entries.back());
        if (replies) out.replies = std::move(*replies);
        else out.failed = std::move(replies).error();
        inbox->push(std::move(out));
      }
    });
  }
  /// Read lane (a machine without views: apply lane): all reads of a turn in one task, answered by `reads_done`. The view is taken there, after the
  /// apply that the reads waited for.
  template <class Reader>
  void read(std::vector<due_read<Machine, Reader>> due) {
    if (due.empty()) return;
    constexpr auto lane = policy::ViewableMachine<Machine> ? policy::lane::read : policy::lane::apply;
    ++under_way_;
    where_.post_on(lane, [due = std::move(due), inbox = inbox_]() mutable {
      for (auto& read : due) {
        if constexpr (policy::ViewableMachine<Machine>) {
          auto view = std::as_const(*read.target).view();
          if (read.state->closed) read.use(closed());  // asked after the view was taken
          else read.use(std::move(view));
        } else {
          if (read.state->broken) read.use(given_up());
          else if (read.state->closed) read.use(closed());
          else read.use(std::cref(*read.target));
        }
      }
      due.clear();
      inbox->push(reads_done{});
    });
  }
  /// Any lane: `work()` there, then `then(store, what it gave)` on the home lane, unless the store has failed meanwhile.
  template <class Work, class Then>
  void run(policy::lane lane, Work work, Then then) {
    ++under_way_;
    where_.post_on(lane, [work = std::move(work), then = std::move(then), inbox = inbox_]() mutable {
      inbox->push(typename Inbox::work_done_type{[out = work(), then = std::move(then)](auto& store) mutable { then(store, std::move(out)); }});
    });
  }

 private:
  static failure closed() { return rejected(error_code::busy, "the state is being replaced here; read again, or elsewhere"); }
  static failure given_up() { return fatal(error_code::machine_failed, "the state machine has given up"); }

  template <class F>
  void on_disk(F work) {
    ++under_way_;
    if constexpr (Log::blocks) where_.post_on(policy::lane::disk, std::move(work));
    else work();
  }

  Executor& where_;
  std::shared_ptr<Log> log_;
  std::shared_ptr<Inbox> inbox_;
  std::uint64_t under_way_ = 0;
};

}  // namespace tinykv::raftstore
