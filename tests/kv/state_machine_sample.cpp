// The sample of docs/policies/state_machine.md: what stands between the marks is quoted there.

#include "support/catch.hpp"

// [sample]
#include <tinykv/policy/snapshottable_machine.hpp>
#include <tinykv/policy/state_machine.hpp>

#include <charconv>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sample {

/// Counts words. Keeps everything in memory: its durability is that of the log.
class word_count {
 public:
  using reply = std::uint64_t;  // how often the word was seen
  using counts = std::map<std::string, reply>;
  using view_type = std::shared_ptr<counts const>;

  reply apply(tinykv::log_index, std::string_view word) {
    auto next = std::make_shared<counts>(*state_->now);  // a view that is out never changes
    auto const seen = ++(*next)[std::string{word}];
    std::lock_guard const lock{state_->mutex};
    state_->now = std::move(next);
    return seen;
  }
  tinykv::result<view_type> view() const {  // any thread, beside apply
    std::lock_guard const lock{state_->mutex};
    return state_->now;
  }
  tinykv::result<tinykv::done> save(tinykv::policy::snapshot_writer& out) const {  // apply lane: keep the state small
    if (auto written = out.write("words 1"); !written) return written;             // the format, for those who come later
    for (auto const& [word, seen] : *state_->now)
      if (auto written = out.write(std::to_string(seen) + " " + word); !written) return written;
    return tinykv::done{};
  }
  tinykv::result<tinykv::done> restore(tinykv::policy::snapshot_reader& in, tinykv::position) {
    auto const format = in.next();
    if (!format) return format.error();
    if (!*format || (*format)->view() != "words 1")
      return tinykv::fatal(tinykv::error_code::version_mismatch, "the snapshot is not of this version");
    auto next = std::make_shared<counts>();
    for (;;) {
      auto const record = in.next();
      if (!record) return record.error();
      if (!*record) break;
      auto const text = (*record)->view();
      reply seen = 0;
      auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), seen);
      if (error != std::errc{} || end == text.data() + text.size() || *end != ' ')
        return tinykv::fatal(tinykv::error_code::corrupt, "the snapshot holds no count");
      (*next)[std::string{end + 1, text.data() + text.size()}] = seen;
    }
    std::lock_guard const lock{state_->mutex};
    state_->now = std::move(next);
    return tinykv::done{};
  }

 private:
  struct state {
    std::mutex mutex;  // guards the pointer only
    view_type now = std::make_shared<counts>();
  };
  std::unique_ptr<state> state_ = std::make_unique<state>();  // machines are moved in
};

static_assert(tinykv::policy::StateMachine<word_count>);
static_assert(tinykv::policy::ViewableMachine<word_count>);     // reads run beside apply
static_assert(!tinykv::policy::PersistentMachine<word_count>);  // restored from a snapshot, then replayed from the log
static_assert(tinykv::policy::SnapshottableMachine<word_count>);

}  // namespace sample
// [sample]

TEST_CASE("the sample of the state machine's page counts, and its views never change", "[docs][state_machine]") {
  sample::word_count machine;
  CHECK(machine.apply(tinykv::log_index{1}, "raft") == 1);
  auto const before = *machine.view();
  auto moved = std::move(machine);
  CHECK(moved.apply(tinykv::log_index{4}, "raft") == 2);
  CHECK(before->at("raft") == 1);
  CHECK((*moved.view())->at("raft") == 2);
}

TEST_CASE("the sample of the page on StateMachine comes back from its snapshot", "[kv][docs]") {
  struct records : tinykv::policy::snapshot_writer, tinykv::policy::snapshot_reader {
    tinykv::result<tinykv::done> write(std::string_view record) override {
      all.emplace_back(record);
      return tinykv::done{};
    }
    tinykv::result<std::optional<tinykv::bytes>> next() override {
      if (at == all.size()) return std::optional<tinykv::bytes>{};
      return std::optional{tinykv::bytes::copy_of(all[at++])};
    }
    std::vector<std::string> all;
    std::size_t at = 0;
  } snapshot;
  sample::word_count one;
  for (auto const* word : {"two words", "", "two words"}) one.apply(tinykv::log_index{1}, word);
  REQUIRE(one.save(snapshot));
  sample::word_count other;
  other.apply(tinykv::log_index{1}, "gone");
  REQUIRE(other.restore(snapshot, {}));
  CHECK(**other.view() == sample::word_count::counts{{"", 1}, {"two words", 2}});
  snapshot.all = {"words 2"};
  snapshot.at = 0;
  CHECK(other.restore(snapshot, {}).error().code == tinykv::error_code::version_mismatch);
  snapshot.all = {"words 1", "x words"};
  snapshot.at = 0;
  CHECK(other.restore(snapshot, {}).error().code == tinykv::error_code::corrupt);
}
