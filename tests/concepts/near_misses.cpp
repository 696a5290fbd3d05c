// For each policy one class that fits, and for each requirement one that misses it by a little.

#include <tinykv/policy/clock.hpp>
#include <tinykv/policy/executor.hpp>
#include <tinykv/policy/kv_engine.hpp>
#include <tinykv/policy/log_storage.hpp>
#include <tinykv/policy/observer.hpp>
#include <tinykv/policy/rpc.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/policy/transport.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <memory>

using namespace tinykv;
using namespace tinykv::policy;

namespace near_misses {

// --- Clock ---
struct clock_fits {
  instant now() const noexcept { return {}; }
};
static_assert(Clock<clock_fits>);
struct clock_throws {
  instant now() const { return {}; }
};
static_assert(!Clock<clock_throws>);
struct clock_changes {
  instant now() noexcept { return {}; }
};
static_assert(!Clock<clock_changes>);
struct clock_of_duration {
  duration now() const noexcept { return {}; }
};
static_assert(!Clock<clock_of_duration>);
struct clock_pinned : clock_fits {
  clock_pinned(clock_pinned&&) = delete;
};
static_assert(!Clock<clock_pinned>);
struct clock_without_now {};
static_assert(!Clock<clock_without_now>);
static_assert(!BoundedClock<clock_fits>);
struct bounded_clock_fits : clock_fits {
  std::uint32_t drift_ppm() const noexcept { return 1; }
};
static_assert(BoundedClock<bounded_clock_fits>);
struct bounded_clock_throws : clock_fits {
  std::uint32_t drift_ppm() const { return 1; }
};
static_assert(!BoundedClock<bounded_clock_throws>);
struct bounded_clock_of_signed : clock_fits {
  std::int32_t drift_ppm() const noexcept { return 1; }
};
static_assert(!BoundedClock<bounded_clock_of_signed>);
struct bounded_clock_changes : clock_fits {
  std::uint32_t drift_ppm() noexcept { return 1; }
};
static_assert(!BoundedClock<bounded_clock_changes>);
struct bounded_clock_without_clock {  // a drift of nothing
  std::uint32_t drift_ppm() const noexcept { return 1; }
};
static_assert(!BoundedClock<bounded_clock_without_clock>);

// --- Executor ---
struct executor_fits {
  void post(task) {}
  void post_after(duration, task) {}
  void post_on(lane, task) {}
};
static_assert(Executor<executor_fits>);
struct executor_without_post {
  void post_after(duration, task) {}
  void post_on(lane, task) {}
};
static_assert(!Executor<executor_without_post>);
struct executor_without_timers {
  void post(task) {}
  void post_on(lane, task) {}
};
static_assert(!Executor<executor_without_timers>);
struct executor_without_lanes {
  void post(task) {}
  void post_after(duration, task) {}
};
static_assert(!Executor<executor_without_lanes>);
struct executor_of_pointers : executor_fits {
  void post(void (*)()) {}
};
static_assert(!Executor<executor_of_pointers>);
struct executor_that_borrows : executor_fits {
  void post_on(lane, task&) {}  // the task must be its own
};
static_assert(!Executor<executor_that_borrows>);
struct executor_of_lane_numbers : executor_fits {
  void post_on(int, task) {}
};
static_assert(!Executor<executor_of_lane_numbers>);
struct executor_of_milliseconds : executor_fits {
  void post_after(std::chrono::milliseconds, task) {}  // would cut nanoseconds off
};
static_assert(!Executor<executor_of_milliseconds>);

// --- Observer ---
struct observer_fits {
  void on(event const&) noexcept {}
};
static_assert(Observer<observer_fits>);
struct observer_throws {
  void on(event const&) {}
};
static_assert(!Observer<observer_throws>);
struct observer_that_changes {
  void on(event&) noexcept {}
};
static_assert(!Observer<observer_that_changes>);
struct observer_pinned : observer_fits {
  observer_pinned(observer_pinned&&) = delete;
};
static_assert(!Observer<observer_pinned>);
struct observer_of_kinds {
  void on(event_kind) noexcept {}
};
static_assert(!Observer<observer_of_kinds>);

// --- LogStorage ---
struct log_fits {
  static constexpr bool durable = false;
  static constexpr bool blocks = false;
  result<log_contents> load() { return log_contents{}; }
  result<done> commit(log_batch const&) { return done{}; }
  result<std::vector<raft::entry>> fetch(group_id, log_index, log_index, std::uint64_t) { return std::vector<raft::entry>{}; }
};
static_assert(LogStorage<log_fits>);
struct log_without_promise {  // does not say whether it is durable
  static constexpr bool blocks = false;
  result<log_contents> load();
  result<done> commit(log_batch const&);
  result<std::vector<raft::entry>> fetch(group_id, log_index, log_index, std::uint64_t);
};
static_assert(!LogStorage<log_without_promise>);
struct log_that_may_block {  // does not say whether it blocks
  static constexpr bool durable = false;
  result<log_contents> load();
  result<done> commit(log_batch const&);
  result<std::vector<raft::entry>> fetch(group_id, log_index, log_index, std::uint64_t);
};
static_assert(!LogStorage<log_that_may_block>);
struct log_commit_says_nothing : log_fits {
  void commit(log_batch const&) {}
};
static_assert(!LogStorage<log_commit_says_nothing>);
struct log_commit_takes_over : log_fits {
  result<done> commit(log_batch&&);
};
static_assert(!LogStorage<log_commit_takes_over>);
struct log_load_cannot_fail : log_fits {
  log_contents load();
};
static_assert(!LogStorage<log_load_cannot_fail>);
struct log_fetch_without_bound : log_fits {
  result<std::vector<raft::entry>> fetch(group_id, log_index, log_index);
};
static_assert(!LogStorage<log_fetch_without_bound>);
struct log_pinned : log_fits {
  log_pinned(log_pinned&&) = delete;
};
static_assert(!LogStorage<log_pinned>);
struct log_without_load : log_fits {
  void load() = delete;
};
static_assert(!LogStorage<log_without_load>);
struct log_load_of_groups : log_fits {
  result<std::vector<group_log>> load();  // forgets the store's own record
};
static_assert(!LogStorage<log_load_of_groups>);
struct log_commit_by_bool : log_fits {
  bool commit(log_batch const&);
};
static_assert(!LogStorage<log_commit_by_bool>);
struct log_fetch_cannot_fail : log_fits {
  std::vector<raft::entry> fetch(group_id, log_index, log_index, std::uint64_t);
};
static_assert(!LogStorage<log_fetch_cannot_fail>);
struct log_fetch_of_bare_index : log_fits {
  result<std::vector<raft::entry>> fetch(group_id, std::uint64_t, std::uint64_t, std::uint64_t);
};
static_assert(!LogStorage<log_fetch_of_bare_index>);

// --- KvEngine ---
struct cursor_fits {
  void seek(std::string_view) {}
  void seek_before(std::string_view) {}
  void next() {}
  void prev() {}
  bool valid() const { return false; }
  std::string_view key() const { return {}; }
  std::string_view value() const { return {}; }
  std::optional<failure> error() const { return {}; }
};
static_assert(KvCursor<cursor_fits>);
struct cursor_forward_only : cursor_fits {
  void prev() = delete;
};
static_assert(!KvCursor<cursor_forward_only>);
struct cursor_of_copies : cursor_fits {
  std::string key() const { return {}; }
};
static_assert(!KvCursor<cursor_of_copies>);
struct cursor_without_error : cursor_fits {
  void error() const {}
};
static_assert(!KvCursor<cursor_without_error>);
struct cursor_without_seek : cursor_fits {
  void seek(std::string_view) = delete;
};
static_assert(!KvCursor<cursor_without_seek>);
struct cursor_without_seek_before : cursor_fits {
  void seek_before(std::string_view) = delete;
};
static_assert(!KvCursor<cursor_without_seek_before>);
struct cursor_that_stays : cursor_fits {
  void next() = delete;
};
static_assert(!KvCursor<cursor_that_stays>);
struct cursor_valid_changes : cursor_fits {
  bool valid() { return false; }
};
static_assert(!KvCursor<cursor_valid_changes>);
struct cursor_of_copied_values : cursor_fits {
  bytes value() const { return {}; }
};
static_assert(!KvCursor<cursor_of_copied_values>);
struct view_fits {
  result<std::optional<bytes>> get(family, std::string_view) const { return std::optional<bytes>{}; }
  cursor_fits cursor(family) const { return {}; }
};
static_assert(KvView<view_fits>);
struct view_absent_is_empty : view_fits {
  result<bytes> get(family, std::string_view) const { return bytes{}; }
};
static_assert(!KvView<view_absent_is_empty>);
struct view_that_changes {
  result<std::optional<bytes>> get(family, std::string_view) { return std::optional<bytes>{}; }
  cursor_fits cursor(family) const { return {}; }
};
static_assert(!KvView<view_that_changes>);
struct view_get_cannot_fail : view_fits {
  std::optional<bytes> get(family, std::string_view) const { return {}; }
};
static_assert(!KvView<view_get_cannot_fail>);
struct view_without_cursor : view_fits {
  void cursor(family) const {}
};
static_assert(!KvView<view_without_cursor>);
struct view_cursor_changes {
  result<std::optional<bytes>> get(family, std::string_view) const { return std::optional<bytes>{}; }
  cursor_fits cursor(family) { return {}; }
};
static_assert(!KvView<view_cursor_changes>);
struct view_of_family_numbers : view_fits {
  result<std::optional<bytes>> get(int, std::string_view) const { return std::optional<bytes>{}; }
};
static_assert(!KvView<view_of_family_numbers>);
struct view_pinned : view_fits {
  view_pinned(view_pinned&&) = delete;
};
static_assert(!KvView<view_pinned>);
struct engine_fits {
  using view_type = view_fits;
  static constexpr bool durable = true;
  result<done> write(kv_batch const&) { return done{}; }
  result<done> sync() { return done{}; }
  result<view_fits> view() { return view_fits{}; }
};
static_assert(KvEngine<engine_fits>);
struct engine_without_sync {
  using view_type = view_fits;
  static constexpr bool durable = true;
  result<done> write(kv_batch const&);
  result<view_fits> view();
};
static_assert(!KvEngine<engine_without_sync>);
struct engine_sync_says_nothing : engine_fits {
  void sync() {}
};
static_assert(!KvEngine<engine_sync_says_nothing>);
struct engine_of_another_view : engine_fits {
  result<int> view() { return 0; }
};
static_assert(!KvEngine<engine_of_another_view>);
struct engine_without_promise {
  using view_type = view_fits;
  result<done> write(kv_batch const&);
  result<done> sync();
  result<view_fits> view();
};
static_assert(!KvEngine<engine_without_promise>);
struct engine_pinned : engine_fits {
  engine_pinned(engine_pinned&&) = delete;
};
static_assert(!KvEngine<engine_pinned>);
struct engine_write_says_nothing : engine_fits {
  void write(kv_batch const&) {}
};
static_assert(!KvEngine<engine_write_says_nothing>);
struct engine_write_takes_over : engine_fits {
  result<done> write(kv_batch&&);
};
static_assert(!KvEngine<engine_write_takes_over>);
struct engine_view_cannot_fail : engine_fits {
  view_fits view() { return {}; }
};
static_assert(!KvEngine<engine_view_cannot_fail>);
struct engine_without_view_type {
  static constexpr bool durable = true;
  result<done> write(kv_batch const&);
  result<done> sync();
  result<view_fits> view();
};
static_assert(!KvEngine<engine_without_view_type>);
struct engine_of_no_view : engine_fits {
  using view_type = view_without_cursor;
  result<view_without_cursor> view() { return view_without_cursor{}; }
};
static_assert(!KvEngine<engine_of_no_view>);
struct writer_view_fits : engine_fits {
  result<view_fits> writer_view() { return view_fits{}; }
};
static_assert(WriterViewEngine<writer_view_fits> && !WriterViewEngine<engine_fits>);
struct writer_view_cannot_fail : engine_fits {
  view_fits writer_view() { return {}; }
};
static_assert(!WriterViewEngine<writer_view_cannot_fail>);
struct writer_view_of_another_type : engine_fits {
  result<int> writer_view() { return 0; }
};
static_assert(!WriterViewEngine<writer_view_of_another_type>);

// --- StateMachine and what refines it ---
struct machine_fits {
  using reply = int;
  int apply(log_index, std::string_view) { return 0; }
};
static_assert(StateMachine<machine_fits> && !BatchMachine<machine_fits> && !ViewableMachine<machine_fits>);
struct machine_without_reply {
  int apply(log_index, std::string_view) { return 0; }
};
static_assert(!StateMachine<machine_without_reply>);
struct machine_of_another_reply {
  using reply = std::string;
  int apply(log_index, std::string_view) { return 0; }
};
static_assert(!StateMachine<machine_of_another_reply>);
struct machine_of_bare_index {
  using reply = int;
  int apply(std::uint64_t, std::string_view) { return 0; }
};
static_assert(!StateMachine<machine_of_bare_index>);
struct machine_of_string : machine_fits {
  int apply(log_index, std::string&) { return 0; }
};
static_assert(!StateMachine<machine_of_string>);
struct machine_pinned : machine_fits {
  machine_pinned(machine_pinned&&) = delete;
};
static_assert(!StateMachine<machine_pinned>);
struct machine_of_pinned_replies {
  struct reply {
    reply() = default;
    reply(reply&&) = delete;
  };
  reply apply(log_index, std::string_view) { return {}; }
};
static_assert(!StateMachine<machine_of_pinned_replies>);
struct machine_that_says_nothing : machine_fits {
  void apply(log_index, std::string_view) {}
};
static_assert(!StateMachine<machine_that_says_nothing>);
struct machine_without_index : machine_fits {
  int apply(std::string_view) { return 0; }
};
static_assert(!StateMachine<machine_without_index>);
struct machine_that_may_fail : machine_fits {
  result<int> apply(log_index, std::string_view) { return 0; }  // a failure would have to be in the reply
};
static_assert(!StateMachine<machine_that_may_fail>);
struct batch_fits : machine_fits {
  result<done> apply_batch(std::span<command const>, position, std::vector<int>&) { return done{}; }
};
static_assert(BatchMachine<batch_fits> && !PersistentMachine<batch_fits>);
struct batch_without_position : machine_fits {
  result<done> apply_batch(std::span<command const>, std::vector<int>&) { return done{}; }
};
static_assert(!BatchMachine<batch_without_position>);
struct batch_that_cannot_fail : machine_fits {
  void apply_batch(std::span<command const>, position, std::vector<int>&) {}
};
static_assert(!BatchMachine<batch_that_cannot_fail>);
struct batch_of_other_replies : machine_fits {
  result<done> apply_batch(std::span<command const>, position, std::vector<std::string>&) { return done{}; }
};
static_assert(!BatchMachine<batch_of_other_replies>);
struct batch_that_changes_commands : machine_fits {
  result<done> apply_batch(std::span<command>, position, std::vector<int>&) { return done{}; }
};
static_assert(!BatchMachine<batch_that_changes_commands>);
struct batch_without_apply {
  using reply = int;
  result<done> apply_batch(std::span<command const>, position, std::vector<int>&) { return done{}; }
};
static_assert(!BatchMachine<batch_without_apply>);
struct persistent_fits : batch_fits {
  position applied() { return {}; }
  log_index durable() { return {}; }
  result<done> sync() { return done{}; }
};
static_assert(PersistentMachine<persistent_fits>);
struct persistent_of_index : persistent_fits {
  log_index applied() { return {}; }  // the term is due beside the index
};
static_assert(!PersistentMachine<persistent_of_index>);
struct persistent_by_single_entries : machine_fits {
  position applied() { return {}; }
  log_index durable() { return {}; }
  result<done> sync() { return done{}; }
};
static_assert(!PersistentMachine<persistent_by_single_entries>);
struct persistent_without_durable : persistent_fits {
  void durable() = delete;
};
static_assert(!PersistentMachine<persistent_without_durable>);
struct persistent_durable_by_position : persistent_fits {
  position durable() { return {}; }
};
static_assert(!PersistentMachine<persistent_durable_by_position>);
struct persistent_sync_says_nothing : persistent_fits {
  void sync() {}
};
static_assert(!PersistentMachine<persistent_sync_says_nothing>);
struct persistent_applied_may_fail : persistent_fits {
  result<position> applied() { return position{}; }
};
static_assert(!PersistentMachine<persistent_applied_may_fail>);
struct viewable_fits : machine_fits {
  using view_type = int;
  result<int> view() const { return 0; }
};
static_assert(ViewableMachine<viewable_fits>);
struct viewable_that_changes : machine_fits {
  using view_type = int;
  result<int> view() { return 0; }
};
static_assert(!ViewableMachine<viewable_that_changes>);
struct viewable_without_type : machine_fits {
  result<int> view() const { return 0; }
};
static_assert(!ViewableMachine<viewable_without_type>);
struct viewable_that_cannot_fail : machine_fits {
  using view_type = int;
  int view() const { return 0; }
};
static_assert(!ViewableMachine<viewable_that_cannot_fail>);
struct viewable_of_another_type : machine_fits {
  using view_type = int;
  result<long> view() const { return 0L; }
};
static_assert(!ViewableMachine<viewable_of_another_type>);
struct durable_machine : machine_fits {
  static constexpr bool durable_state = true;
};
static_assert(is_durable_machine<durable_machine> && !is_durable_machine<machine_fits>);

// --- Transport ---
struct transport_fits {
  result<done> start(store_identity const&, receive_sink&) { return done{}; }
  void send(store_id, envelope) noexcept {}
  void stop() noexcept {}
};
static_assert(Transport<transport_fits>);
struct transport_send_throws : transport_fits {
  void send(store_id, envelope) {}
};
static_assert(!Transport<transport_send_throws>);
struct transport_stop_throws : transport_fits {
  void stop() {}
};
static_assert(!Transport<transport_stop_throws>);
struct transport_start_cannot_fail : transport_fits {
  void start(store_identity const&, receive_sink&) {}
};
static_assert(!Transport<transport_start_cannot_fail>);
struct transport_without_identity : transport_fits {
  result<done> start(receive_sink&) { return done{}; }
};
static_assert(!Transport<transport_without_identity>);
struct transport_to_peers : transport_fits {
  void send(peer_id, envelope) noexcept {}
};
static_assert(!Transport<transport_to_peers>);
struct transport_pinned : transport_fits {
  transport_pinned(transport_pinned&&) = delete;
};
static_assert(!Transport<transport_pinned>);
struct transport_that_borrows : transport_fits {
  void send(store_id, envelope&) noexcept {}  // the envelope must be its own
};
static_assert(!Transport<transport_that_borrows>);
struct transport_of_one_message : transport_fits {
  void send(store_id, group_message) noexcept {}
};
static_assert(!Transport<transport_of_one_message>);
struct transport_without_stop : transport_fits {
  void stop() noexcept = delete;
};
static_assert(!Transport<transport_without_stop>);
struct transport_takes_the_sink : transport_fits {
  result<done> start(store_identity const&, std::unique_ptr<receive_sink>) { return done{}; }
};
static_assert(!Transport<transport_takes_the_sink>);
struct addressed_fits : transport_fits {
  void set_peer(store_id, std::string) {}
};
static_assert(AddressedTransport<addressed_fits> && !AddressedTransport<transport_fits>);
struct addressed_by_peers : transport_fits {
  void set_peer(peer_id, std::string) {}
};
static_assert(!AddressedTransport<addressed_by_peers>);
struct addressed_that_borrows : transport_fits {
  void set_peer(store_id, std::string&) {}
};
static_assert(!AddressedTransport<addressed_that_borrows>);

// --- Rpc ---
struct rpc_fits {
  result<done> serve(rpc_handler) { return done{}; }
  void call(std::string const&, rpc_request, duration, rpc_reply) noexcept {}
  void stop() noexcept {}
};
static_assert(Rpc<rpc_fits>);
struct rpc_without_deadline : rpc_fits {
  void call(std::string const&, rpc_request, rpc_reply) noexcept {}
};
static_assert(!Rpc<rpc_without_deadline>);
struct rpc_call_throws : rpc_fits {
  void call(std::string const&, rpc_request, duration, rpc_reply) {}
};
static_assert(!Rpc<rpc_call_throws>);
struct rpc_stop_throws : rpc_fits {
  void stop() {}
};
static_assert(!Rpc<rpc_stop_throws>);
struct rpc_serve_cannot_fail : rpc_fits {
  void serve(rpc_handler) {}
};
static_assert(!Rpc<rpc_serve_cannot_fail>);
struct rpc_pinned : rpc_fits {
  rpc_pinned(rpc_pinned&&) = delete;
};
static_assert(!Rpc<rpc_pinned>);
struct rpc_without_reply : rpc_fits {
  void call(std::string const&, rpc_request, duration) noexcept {}
};
static_assert(!Rpc<rpc_without_reply>);
struct rpc_to_stores : rpc_fits {
  void call(store_id, rpc_request, duration, rpc_reply) noexcept {}
};
static_assert(!Rpc<rpc_to_stores>);
struct rpc_without_stop : rpc_fits {
  void stop() noexcept = delete;
};
static_assert(!Rpc<rpc_without_stop>);

}  // namespace near_misses

TEST_CASE("near-misses of the policies are refused at compile time", "[concepts]") { SUCCEED("see the static_asserts"); }
