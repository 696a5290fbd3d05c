#include <tinykv/testing/conformance/state_machine.hpp>

#include <tinykv/codec/kv_command.hpp>
#include <tinykv/core/random.hpp>
#include <tinykv/kv/kv_machine.hpp>
#include <tinykv/storage/memory_kv.hpp>

#include "support/catch.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace tinykv;

namespace {

bytes text(std::string_view s) { return bytes::copy_of(s); }

// --- machines that keep the promises ---

struct counter {
  using reply = std::int64_t;
  reply apply(log_index, std::string_view command) { return value += command == "up" ? 1 : -1; }
  std::int64_t value = 0;
};
struct counter_sample {
  using machine = counter;
  result<counter> fresh() { return counter{}; }
  std::vector<bytes> commands() {
    std::vector<bytes> out;
    for (auto const* each : {"up", "up", "down", "up", "?", "down", "up", "up", "up"}) out.push_back(text(each));
    return out;
  }
};

/// What a disk holds of an engine: all batches in order, and how many of them are synced.
struct engine_disk {
  std::vector<policy::kv_batch> batches;
  std::size_t synced = 0;

  /// The power fails: some of what was not synced is gone.
  void crash() {
    auto const unsynced = batches.size() - synced;
    batches.resize(synced + tinykv::random{batches.size()}.below(unsynced + 1));
    synced = batches.size();
  }
};

class crashing_engine {
 public:
  using view_type = storage::memory_view;
  static constexpr bool durable = true;

  explicit crashing_engine(std::shared_ptr<engine_disk> disk) : disk_(std::move(disk)) {
    for (auto const& batch : disk_->batches) REQUIRE(memory_.write(batch));
  }
  result<done> write(policy::kv_batch const& batch) {
    disk_->batches.push_back(batch);
    return memory_.write(batch);
  }
  result<done> sync() {
    disk_->synced = disk_->batches.size();
    return done{};
  }
  result<view_type> view() const { return memory_.view(); }

 private:
  std::shared_ptr<engine_disk> disk_;
  storage::memory_kv memory_{kv::family_names()};
};

template <class Engine>
struct kv_sample {
  using machine = kv::kv_machine<Engine>;
  using pairs = std::vector<std::pair<std::string, std::string>>;

  static result<machine> open(Engine engine) {
    auto made = machine::open(std::move(engine), group_id{1});
    if (!made) return made;
    region const first{group_id{1}, "a", "y", {1, 1}, {{peer_id{1}, store_id{1}, peer_role::voter}}};
    if (auto begun = made->bootstrap(first); !begun) return begun.error();
    return made;
  }
  std::vector<bytes> commands() {
    using codec::kv_write;
    auto const one = [](std::vector<kv_write> writes, region_epoch epoch = {0, 0}) {
      return codec::encode({group_id{1}, epoch, std::move(writes)});
    };
    auto const cas = [&](std::string_view key, std::optional<std::string_view> before, std::optional<std::string_view> after) {
      return one({kv_write{key, after, true, before}});
    };
    return {one({{"k", "1", false, {}}}), cas("k", "1", "2"), cas("k", "1", "3"), one({{"k", {}, false, {}}}), cas("k", {}, ""),
            cas("k", "", "4"), one({{"z", "1", false, {}}}), one({{"m", "1", false, {}}}, {9, 9}),
            one({{"m", "a", false, {}}, {"n", "b", true, std::nullopt}}), one({{"m", "c", false, {}}, {"n", "d", true, "wrong"}}),
            cas("m", "a", {}), text({"\x01\0\x01", 3}), cas("n", "b", "c")};
  }
  pairs show(typename machine::view_type const& view) {
    pairs out;
    kv::scan_range all;
    auto const page = view.scan(all);
    if (!page) return {{"error", page.error().detail}};
    for (auto const& [key, value] : page->pairs) out.emplace_back(key.str(), value.str());
    return out;
  }
};

struct kv_in_memory : kv_sample<storage::memory_kv> {
  result<machine> fresh() { return open(storage::memory_kv{kv::family_names()}); }
};
struct kv_on_disk : kv_sample<crashing_engine> {
  struct latest {
    std::shared_ptr<engine_disk> disk;
  };
  std::shared_ptr<latest> of = std::make_shared<latest>();

  result<machine> fresh() {
    of->disk = std::make_shared<engine_disk>();
    return open(crashing_engine{of->disk});
  }
  result<machine> reopen(machine) {
    of->disk->crash();
    return open(crashing_engine{of->disk});
  }
};

}  // namespace

TEST_CASE("the counter keeps the promises of StateMachine", "[conformance][state_machine]") {
  for (auto const& each : testing::state_machine_suite(counter_sample{})) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

TEST_CASE("kv_machine keeps the promises of StateMachine and its refinements", "[conformance][state_machine][kv]") {
  auto const in_memory = testing::state_machine_suite(kv_in_memory{});
  auto const on_disk = testing::state_machine_suite(kv_on_disk{});
  CHECK(in_memory.size() == 13);  // 5 of every machine, 1 of batches, 2 of persistent ones, 3 of views, 2 of snapshots
  CHECK(on_disk.size() == 15);    // and 2 of crashes
  for (auto const& suite : {in_memory, on_disk})
    for (auto const& each : suite) {
      INFO(each.name);
      CHECK(each.run().text() == "");
    }
}

// --- machines that break one promise each -----------------------------------------------------------------------------

namespace {

enum class fault {
  none,
  replies_by_chance,
  replies_by_address,
  hidden_state_by_chance,
  wants_consecutive_indices,
  keeps_the_command,
  throws_at_malformed,
  forgets_when_moved,
  counts_by_batches,
  judges_on_the_state_before_the_batch,
  loses_a_reply,
  replaces_the_replies,
  applied_is_the_last_command,
  applied_has_an_old_term,
  applied_stays_without_commands,
  durable_is_applied,
  sync_says_nothing,
  sync_that_does_not,
  applied_before_its_data,
  data_before_applied,
  stale_view,
  live_view,
  half_a_batch_in_a_view,
  saves_a_part,
  keeps_what_it_had,
  restored_without_position,
  restored_without_sync,
  takes_any_format,
  loses_the_note,
  restores_for_ever,
};

/// What a faulty machine has: the last value of each key, and how often it was written.
struct contents {
  std::map<std::string, std::pair<std::string, int>> values;
  position applied;
  std::optional<bytes> note;  // of a replacement under way
  std::uint64_t salt = 0;
};

/// Sets "key=value"; "key?value=next" only if the value is that. Answers what was there before, and the count of writes.
class faulty {
 public:
  using reply = std::tuple<std::string, int, bool>;
  static constexpr bool durable_state = true;
  struct disk {
    contents written;  // visible
    contents synced;   // survives
  };
  struct view_type {
    std::shared_ptr<contents const> then;
    std::shared_ptr<contents const> const* now;  // of a live view
    std::shared_ptr<std::mutex> mutex;
    contents read() const {
      std::lock_guard const hold{*mutex};
      return now ? **now : *then;
    }
  };

  faulty(fault what, std::shared_ptr<disk> where) : fault_(what), disk_(std::move(where)), state_(disk_->written) {
    durable_ = state_.applied.index;
    if (fault_ == fault::hidden_state_by_chance) state_.salt = next_salt();
    publish();
  }
  faulty(faulty&& other) noexcept
      : fault_(other.fault_), disk_(other.disk_), state_(other.state_), durable_(other.durable_), shown_(other.shown_),
        mutex_(other.mutex_) {
    if (fault_ == fault::forgets_when_moved) state_.values.clear();
  }
  faulty& operator=(faulty&&) noexcept = default;

  reply apply(log_index at, std::string_view command) {
    std::vector<reply> replies;
    policy::command const one{{at, state_.applied.term}, command};
    static_cast<void>(apply_batch({&one, 1}, one.at, replies));
    return replies.empty() ? reply{} : replies.back();
  }
  result<done> apply_batch(std::span<policy::command const> commands, position through, std::vector<reply>& replies) {
    auto const before = state_;
    if (fault_ == fault::replaces_the_replies) replies.clear();
    for (auto const& c : commands) {
      auto const answer = apply_one(c, fault_ == fault::judges_on_the_state_before_the_batch ? before : state_);
      if (fault_ == fault::loses_a_reply && &c == &commands.back() && commands.size() == 3) continue;
      replies.push_back(answer);
      if (fault_ == fault::half_a_batch_in_a_view && &c == &commands.front()) publish();
    }
    if (fault_ == fault::counts_by_batches && !commands.empty()) ++state_.values["batches"].second;
    auto const has_command = !commands.empty();
    auto const old_term = state_.applied.term;
    if (fault_ != fault::applied_stays_without_commands || has_command) state_.applied = through;
    if (fault_ == fault::applied_is_the_last_command && has_command) state_.applied = commands.back().at;
    if (fault_ == fault::applied_has_an_old_term && old_term != term{}) state_.applied.term = old_term;
    disk_->written = state_;
    if (fault_ == fault::applied_before_its_data) disk_->synced.applied = through;
    if (fault_ == fault::data_before_applied) disk_->synced.values = state_.values;
    if (fault_ != fault::half_a_batch_in_a_view || commands.size() < 2) publish();
    return done{};
  }
  position applied() const { return state_.applied; }
  log_index durable() const { return fault_ == fault::durable_is_applied ? state_.applied.index + 1 : durable_; }
  result<done> sync() {
    if (fault_ != fault::sync_that_does_not) disk_->synced = disk_->written;
    if (fault_ != fault::sync_says_nothing) durable_ = state_.applied.index;
    return done{};
  }
  result<done> save(policy::snapshot_writer& out) const {
    if (auto written = out.write("format 1"); !written) return written;
    for (auto const& [key, value] : state_.values)
      if (fault_ != fault::saves_a_part || key != "a")
        if (auto written = out.write(key + '=' + value.first + '#' + std::to_string(value.second)); !written) return written;
    return done{};
  }
  result<done> begin_restore(bytes note) {
    state_.note = std::move(note);
    disk_->written = state_;
    if (fault_ != fault::loses_the_note) disk_->synced = state_;
    return done{};
  }
  std::optional<bytes> restoring() const { return state_.note; }
  result<done> restore(policy::snapshot_reader& in, position at) {
    auto const format = in.next();
    if (!format) return format.error();
    auto const known = *format && (*format)->view() == "format 1";
    if (!known && fault_ != fault::takes_any_format) return fatal(error_code::version_mismatch, "an unknown format");
    if (fault_ != fault::keeps_what_it_had) state_.values.clear();
    for (auto record = in.next(); record && *record; record = in.next()) {
      auto const line = (*record)->str();
      auto const equals = line.find('='), hash = line.rfind('#');
      state_.values[line.substr(0, equals)] = {line.substr(equals + 1, hash - equals - 1), std::stoi(line.substr(hash + 1))};
    }
    if (fault_ != fault::restored_without_position) state_.applied = at;
    if (fault_ != fault::restores_for_ever) state_.note.reset();
    disk_->written = state_;
    publish();
    return fault_ == fault::restored_without_sync ? result<done>{} : sync();
  }
  result<view_type> view() const {
    std::lock_guard const hold{*mutex_};
    return view_type{*shown_, fault_ == fault::live_view ? shown_.get() : nullptr, mutex_};
  }

 private:
  static std::uint64_t next_salt() {
    static std::uint64_t count = 0;
    return ++count;
  }
  void publish() {
    static auto const empty = std::make_shared<contents const>();
    std::lock_guard const hold{*mutex_};
    auto next = fault_ == fault::stale_view ? std::exchange(behind_, std::make_shared<contents const>(state_))
                                            : std::make_shared<contents const>(state_);
    *shown_ = next ? std::move(next) : empty;
  }
  reply apply_one(policy::command const& c, contents const& judged) {
    std::string_view const command = fault_ == fault::keeps_the_command && !kept_.empty() ? std::exchange(kept_, c.data) : c.data;
    if (fault_ == fault::keeps_the_command) kept_ = c.data;
    if (fault_ == fault::wants_consecutive_indices && std::exchange(last_, c.at.index) + 1 != c.at.index) return {"gap", 0, false};
    auto const equals = command.find('=');
    if (equals == command.npos) {
      if (fault_ == fault::throws_at_malformed) throw std::runtime_error{"no command"};
      return {"malformed", 0, false};
    }
    auto key = std::string{command.substr(0, equals)};
    std::optional<std::string> condition;
    if (auto const asks = key.find('?'); asks != key.npos) {
      condition = key.substr(asks + 1);
      key.resize(asks);
    }
    auto const seen = judged.values.find(key);
    auto const found = seen == judged.values.end() ? std::pair<std::string, int>{} : seen->second;
    if (condition && found.first != *condition) return {found.first, found.second, false};
    auto& slot = state_.values[key];
    slot.first = std::string{command.substr(equals + 1)};
    ++slot.second;
    auto count = found.second + 1;
    if (fault_ == fault::replies_by_chance) count += static_cast<int>(next_salt());
    if (fault_ == fault::replies_by_address) count += static_cast<int>(reinterpret_cast<std::uintptr_t>(disk_.get()) >> 4);
    if (fault_ == fault::hidden_state_by_chance && slot.second == 4) count += static_cast<int>(state_.salt);
    return {found.first, count, true};
  }

  fault fault_;
  std::shared_ptr<disk> disk_;
  contents state_;
  log_index durable_;
  log_index last_;
  std::string_view kept_;
  std::shared_ptr<contents const> behind_;
  std::shared_ptr<std::shared_ptr<contents const>> shown_ = std::make_shared<std::shared_ptr<contents const>>();
  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
};
static_assert(policy::ReplaceableMachine<faulty> && policy::ViewableMachine<faulty>);

struct faulty_sample {
  using machine = faulty;
  fault what;
  struct latest {
    std::shared_ptr<faulty::disk> disk;
  };
  std::shared_ptr<latest> of = std::make_shared<latest>();

  result<faulty> fresh() {
    of->disk = std::make_shared<faulty::disk>();
    return faulty{what, of->disk};
  }
  result<faulty> reopen(faulty) {
    of->disk->written = of->disk->synced;
    return faulty{what, of->disk};
  }
  std::vector<bytes> commands() {
    std::vector<bytes> out;
    for (auto const* each : {"a=1", "a?1=2", "b=1", "a?1=3", "nothing", "a?2=4", "b?1=2", "c?=1", "c?=2", "a=5", "b=3"})
      out.push_back(text(each));
    return out;
  }
  auto show(faulty::view_type const& view) { return view.read().values; }
};

/// All complaints about a machine with this fault.
std::string complaints(fault what) {
  std::string out;
  for (auto const& each : testing::state_machine_suite(faulty_sample{what, std::make_shared<faulty_sample::latest>()})) out += each.run().text();
  return out;
}

}  // namespace

TEST_CASE("the suite of StateMachine finds each broken promise, and says which", "[conformance][state_machine]") {
  CHECK(complaints(fault::none) == "");
  struct planted {
    fault what;
    std::string complaint;
  };
  auto const each = GENERATE(values<planted>({
      {fault::replies_by_chance, "the same commands give the same replies"},
      {fault::replies_by_address, "the same commands give the same replies"},
      {fault::hidden_state_by_chance, "the same commands give the same state, as later commands find it"},
      {fault::wants_consecutive_indices, "commands at consecutive indices answer as those with gaps between them"},
      {fault::keeps_the_command, "a command is not looked at when its call has returned"},
      {fault::throws_at_malformed, "nothing is thrown: no command"},
      {fault::forgets_when_moved, "a machine that was moved goes on as the one it was"},
      {fault::counts_by_batches, "the state does not depend on where batches are cut"},
      {fault::judges_on_the_state_before_the_batch, "replies do not depend on where batches are cut"},
      {fault::loses_a_reply, "a batch adds one reply per command to those that are there"},
      {fault::replaces_the_replies, "a batch adds one reply per command to those that are there"},
      {fault::applied_is_the_last_command, "applied() is where the batch ends, above its last command"},
      {fault::applied_has_an_old_term, "applied() is where the batch ends, above its last command"},
      {fault::applied_stays_without_commands, "applied() moves with a batch of no commands"},
      {fault::durable_is_applied, "durable() never passes applied()"},
      {fault::sync_says_nothing, "after sync() durable() is applied()"},
      {fault::sync_that_does_not, "what was durable is there after a crash"},
      {fault::applied_before_its_data, "the commands above applied() bring a machine to the state of one pass"},
      {fault::data_before_applied, "the commands above applied() bring a machine to the state of one pass"},
      {fault::stale_view, "a view sees the command that was applied before it"},
      {fault::live_view, "a view never changes"},
      {fault::half_a_batch_in_a_view, "a view sees the whole batch that was applied before it"},
      {fault::saves_a_part, "a restored machine goes on as the one that was saved"},
      {fault::keeps_what_it_had, "a restored machine goes on as the one that was saved"},
      {fault::restored_without_position, "after a restore applied() is the last position in the snapshot"},
      {fault::restored_without_sync, "restore syncs before it returns"},
      {fault::takes_any_format, "a snapshot of an unknown format is an error"},
      {fault::loses_the_note, "the note is there after a crash"},
      {fault::restores_for_ever, "a restore that has ended is not under way"},
  }));
  auto const found = complaints(each.what);
  CAPTURE(static_cast<int>(each.what), each.complaint, found);
  CHECK(found.find(each.complaint) != std::string::npos);
}
