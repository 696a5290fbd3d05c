// The sample of docs/policies/state_machine.md, "Test yours": what stands between the marks is quoted there.

#include "support/catch.hpp"

// [sample]
#include <tinykv/testing/conformance/state_machine.hpp>

#include <cstdio>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace sample {

/// Your machine: here a set of names. Answers whether the name is new.
class guest_list {
 public:
  using reply = bool;
  using view_type = std::shared_ptr<std::set<std::string> const>;

  bool apply(tinykv::log_index, std::string_view name) {
    auto next = std::make_shared<std::set<std::string>>(*state_->now);  // a view that is out never changes
    auto const fresh = next->insert(std::string{name}).second;
    std::lock_guard const lock{state_->mutex};
    state_->now = std::move(next);
    return fresh;
  }
  tinykv::result<view_type> view() const {
    std::lock_guard const lock{state_->mutex};
    return state_->now;
  }

 private:
  struct state {
    std::mutex mutex;  // guards the pointer only
    view_type now = std::make_shared<std::set<std::string>>();
  };
  std::unique_ptr<state> state_ = std::make_unique<state>();
};

/// How the suite gets at it, and what it is tried with.
struct guests {
  using machine = guest_list;
  tinykv::result<guest_list> fresh() { return guest_list{}; }
  std::vector<tinykv::bytes> commands() {
    std::vector<tinykv::bytes> out;
    for (auto const* name : {"ada", "alan", "ada", "grace", "barbara", "alan", "leslie", "barbara"})
      out.push_back(tinykv::bytes::copy_of(std::string_view{name}));
    return out;
  }
  std::set<std::string> show(guest_list::view_type const& view) { return *view; }
};

/// Any test framework will do, or none. Returns how many cases failed.
int run_machine_suite() {
  int failed = 0;
  for (auto const& each : tinykv::testing::state_machine_suite(guests{})) {
    auto const report = each.run();
    failed += report.complaints().empty() ? 0 : 1;
    for (auto const& complaint : report.complaints()) std::printf("%s: %s\n", each.name.c_str(), complaint.c_str());
  }
  return failed;
}

}  // namespace sample
// [sample]

TEST_CASE("the sample of how to test a machine runs", "[conformance][state_machine][docs]") { CHECK(sample::run_machine_suite() == 0); }
