#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/core/task.hpp>
#include <tinykv/core/time.hpp>
#include <tinykv/policy/transport.hpp>
#include <tinykv/raft/values/ready.hpp>
#include <tinykv/raftstore/options.hpp>

#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace tinykv::raftstore {

/// Mail of a store whose greeting was accepted.
struct mail_arrived {
  store_identity from;    ///< Who.
  policy::envelope mail;  ///< What.
};
/// A store has connected.
struct greeting_arrived {
  store_identity from;                   ///< Who it is.
  store_id to;                           ///< Whom it looks for.
  policy::receive_sink::verdict answer;  ///< Tells it.
};
/// Another store refuses this one.
struct refusal_arrived {
  store_id by;     ///< Which.
  failure reason;  ///< Why.
};
/// The disk lane has finished a log batch.
struct batch_written {
  std::uint64_t number = 0;  ///< Which.
  result<done> outcome;      ///< How.
};
/// The disk lane has answered a fetch.
struct entries_fetched {
  group_id group;                            ///< Whose.
  std::uint64_t incarnation = 0;             ///< Of the replica that asked.
  raft::fetch_request request;               ///< What was asked.
  result<std::vector<raft::entry>> entries;  ///< What there is.
};
/// The apply lane has finished a task of one group.
template <class Reply>
struct entries_applied {
  group_id group;                                   ///< Whose.
  std::uint64_t incarnation = 0;                    ///< Of the replica that asked.
  log_index last;                                   ///< Everything up to here is in the machine.
  std::vector<std::pair<position, Reply>> replies;  ///< Of the commands.
  std::optional<failure> failed;                    ///< The machine gave up.
};
/// A lane has finished a piece of work; what follows from it, on the home lane.
template <class Store>
struct work_done {
  unique_function<void(Store&)> then;  ///< Not called when the store has failed meanwhile.
};
/// A client wants other members.
struct change_arrived {
  group_id group;                                          ///< Of which group.
  raft::membership target;                                 ///< The voters and learners to come.
  instant deadline;                                        ///< Until when it is waited for.
  unique_function<void(result<raft::membership>)> done;    ///< Told the configuration then in force.
};
/// A client wants another leader.
struct transfer_arrived {
  group_id group;                           ///< Of which group.
  peer_id to;                               ///< Who is to lead.
  instant deadline;                         ///< Until when it is waited for.
  unique_function<void(result<tinykv::done>)> done;  ///< Told how it went.
};
/// How a read is confirmed.
enum class read_mode : std::uint8_t {
  index,  ///< By a round of the leader; any peer can answer (SAFETY.md §7).
  log,    ///< By an entry of its own in the log; only the leader answers.
};
/// The read lane has finished the reads of a turn.
struct reads_done {};
/// The tick timer has fired.
struct tick_due {};
/// A client proposes a command.
template <class Answer>
struct proposal_arrived {
  group_id group;    ///< To which group.
  bytes command;     ///< What.
  instant deadline;  ///< Until when it is waited for.
  Answer done;       ///< Takes the reply.
};
/// A client reads.
template <class Reader>
struct read_arrived {
  group_id group;                     ///< Which group.
  instant deadline;                   ///< Until when it is waited for.
  Reader done;                        ///< Takes the view.
  read_mode mode = read_mode::index;  ///< How it is confirmed.
};
/// Something to be done with the store, on the home lane.
template <class Store>
struct call {
  unique_function<void(Store&)> run;  ///< What.
};

/// Everything that enters a store, from any thread; the only lock of `raftstore/`. The first item after a drain wakes the
/// home lane, so that one turn takes in all that has gathered. Also the sink of the store's transport.
///
/// Mail is bounded: over the bounds appends are dropped, and at a far higher one votes and heartbeats; Raft repairs both.
/// Completions are never dropped; the lanes bound them.
template <class Store, class Reply, class Answer, class Reader>
class inbox final : public policy::receive_sink {
 public:
  /// One thing that happened.
  using item = std::variant<mail_arrived, greeting_arrived, refusal_arrived, batch_written, entries_fetched,
                            entries_applied<Reply>, proposal_arrived<Answer>, read_arrived<Reader>, change_arrived, transfer_arrived,
                            work_done<Store>, reads_done, tick_due, call<Store>>;
  using work_done_type = work_done<Store>;  ///< What lanes push.

  /// Empty, with the bounds of the store.
  explicit inbox(options const& bounds) : bounds_(bounds) {}
  /// Before the first push: `wake` is called from any thread, outside the lock, and must lead to a drain.
  void wake_by(unique_function<void()> wake) { wake_ = std::move(wake); }

  /// Queues.
  void push(item what) {
    auto lock = std::unique_lock{mutex_};
    add(std::move(lock), std::move(what));
  }
  /// Queues a call of a client, or gives it back when too many wait.
  template <class Call>
  std::optional<Call> offer(Call what) {
    auto lock = std::unique_lock{mutex_};
    if (calls_ >= bounds_.inbox_calls_max) return std::optional<Call>{std::move(what)};
    ++calls_;
    add(std::move(lock), std::move(what));
    return std::nullopt;
  }
  void greeted(store_identity const& from, store_id to, verdict answer) noexcept override {
    push(greeting_arrived{from, to, std::move(answer)});
  }
  void refused(store_id by, failure reason) noexcept override { push(refusal_arrived{by, std::move(reason)}); }
  void received(store_identity const& from, policy::envelope mail) noexcept override {
    std::uint64_t bytes = 0;
    for (auto const& m : mail.messages)
      for (auto const& e : m.message.entries) bytes += raft::cost_of(e);
    for (auto const& s : mail.snapshots) bytes += s.message.data.size();
    auto const urgent = mail.priority == policy::priority::urgent && bytes == 0;  // the priority is the sender's word
    auto lock = std::unique_lock{mutex_};
    auto& count = urgent ? urgent_ : messages_;
    auto const count_max = urgent ? bounds_.inbox_urgent_max : bounds_.inbox_messages_max;
    auto const messages = mail.messages.size() + mail.snapshots.size();
    if (count + messages > count_max || (!urgent && bytes_ > 0 && bytes_ + bytes > bounds_.inbox_bytes_max)) {
      dropped_ += messages;
      return;
    }
    count += messages;
    bytes_ += bytes;
    add(std::move(lock), mail_arrived{from, std::move(mail)});
  }

  /// Everything, in order.
  std::vector<item> drain() {
    auto const lock = std::lock_guard{mutex_};
    calls_ = messages_ = urgent_ = bytes_ = 0;
    return std::exchange(items_, {});
  }
  /// How many messages were dropped since the last call.
  std::uint64_t take_dropped() {
    auto const lock = std::lock_guard{mutex_};
    return std::exchange(dropped_, 0);
  }

 private:
  void add(std::unique_lock<std::mutex> lock, item what) {
    auto const first = items_.empty();
    items_.push_back(std::move(what));
    lock.unlock();
    if (first && wake_) wake_();
  }

  options const bounds_;
  unique_function<void()> wake_;
  std::mutex mutex_;
  std::vector<item> items_;
  std::uint64_t calls_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t urgent_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace tinykv::raftstore
