// The sample of docs/policies/state_machine.md: what stands between the marks is quoted there.

#include "support/catch.hpp"

// [sample]
#include <tinykv/policy/state_machine.hpp>

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

 private:
  struct state {
    std::mutex mutex;  // guards the pointer only
    view_type now = std::make_shared<counts>();
  };
  std::unique_ptr<state> state_ = std::make_unique<state>();  // machines are moved in
};

static_assert(tinykv::policy::StateMachine<word_count>);
static_assert(tinykv::policy::ViewableMachine<word_count>);     // reads run beside apply
static_assert(!tinykv::policy::PersistentMachine<word_count>);  // replayed from the log at each start

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
