#pragma once

#include <tinykv/policy/clock.hpp>
#include <tinykv/policy/executor.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// How the suite gets at an executor under test, which it makes anew for each case:
///
///     auto& executor();                            // the model
///     auto clock();                                // the clock that post_after means
///     bool run_until(std::function<bool()> fact);  // runs the home lane until the fact holds; false if it gives up
///     void end();                                  // destroys the executor, on the thread that ran the home lane
template <class R>
concept ExecutorRig = requires(R& rig, std::function<bool()> fact) {
  { rig.executor() };
  requires policy::Executor<std::remove_reference_t<decltype(rig.executor())>>;
  { rig.clock() } -> policy::Clock;
  { rig.run_until(fact) } -> std::same_as<bool>;
  rig.end();
};

namespace detail {

/// Counts how often a task ran and how many copies of it are left.
class counted {
 public:
  task make(std::function<void()> body = [] {}) {
    return [ran = ran_, left = left_, body = std::move(body)] {
      ++*ran;
      body();
    };
  }
  int ran() const { return *ran_; }
  bool all_gone() const { return left_.use_count() == 1; }

 private:
  std::shared_ptr<std::atomic<int>> ran_ = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<int> left_ = std::make_shared<int>();
};

}  // namespace detail

/// The promises of `policy/executor.hpp`, for the model that `make()` gives a rig of.
template <class Make>
  requires ExecutorRig<typename std::invoke_result_t<Make&>::element_type>
std::vector<conformance_case> executor_suite(Make make) {
  using std::chrono::milliseconds;
  std::vector<conformance_case> suite;
  auto const add = [&](std::string name, auto body) {
    suite.push_back({std::move(name), [make, body]() mutable {
                       report out;
                       auto const rig = make();
                       body(*rig, out);
                       return out;
                     }});
  };

  add("home tasks run in the order of post, one after the other, and not inside it", [](auto& rig, report& out) {
    auto const seen = std::make_shared<std::vector<int>>();
    auto const inside = std::make_shared<bool>(false);
    rig.executor().post([&rig, seen, inside] {
      *inside = true;
      rig.executor().post([seen, inside] { seen->push_back(*inside ? -1 : 3); });
      seen->push_back(1);
      *inside = false;
    });
    rig.executor().post([seen, inside] { seen->push_back(*inside ? -1 : 2); });
    out.expect(seen->empty(), "no task runs inside the call that posts it");
    out.expect(rig.run_until([=] { return seen->size() == 3; }), "all home tasks run");
    out.expect(*seen == std::vector{1, 2, 3}, "home tasks keep the order of post");
  });

  add("a timer runs on the home lane, once, never early by the clock", [](auto& rig, report& out) {
    auto const early = std::make_shared<int>(0);
    detail::counted fired;
    rig.executor().post([&rig, early, &fired] {
      for (auto const delay : {0, 1, 3, 10, 25}) {
        auto const start = rig.clock().now();
        rig.executor().post_after(milliseconds{delay}, fired.make([&rig, early, start, delay] {
          if (rig.clock().now() - start < milliseconds{delay}) ++*early;
        }));
      }
    });
    out.expect(rig.run_until([&] { return fired.ran() == 5; }), "every timer runs");
    out.expect(*early == 0, "no timer is early");
  });

  add("the tasks of a lane run in order, one at a time, not inside the call that posts them", [](auto& rig, report& out) {
    auto const seen = std::make_shared<std::vector<int>>();
    auto const answers = std::make_shared<int>(0);
    auto const early = std::make_shared<bool>(false);
    rig.executor().post([&rig, seen, answers, early] {
      for (int i = 0; i < 50; ++i)
        rig.executor().post_on(policy::lane::disk, [&rig, seen, answers, i] {
          seen->push_back(i);
          rig.executor().post([answers] { ++*answers; });
        });
      *early = *answers != 0;
    });
    out.expect(rig.run_until([=] { return *answers == 50; }), "every lane task runs, and its answer arrives at home");
    out.expect(!*early, "no answer arrives while a home task runs");
    std::vector<int> want;
    for (int i = 0; i < 50; ++i) want.push_back(i);
    out.expect(*seen == want, "the tasks of a lane keep the order of post_on");
  });

  add("each lane works", [](auto& rig, report& out) {
    auto const answers = std::make_shared<int>(0);
    rig.executor().post([&rig, answers] {
      for (std::size_t lane = 0; lane < policy::lane_count; ++lane)
        rig.executor().post_on(static_cast<policy::lane>(lane),
                               [&rig, answers] { rig.executor().post([answers] { ++*answers; }); });
    });
    out.expect(rig.run_until([=] { return *answers == static_cast<int>(policy::lane_count); }), "all lanes run tasks");
  });

  add("a task is run or destroyed, once, also at the end", [](auto& rig, report& out) {
    detail::counted ran;
    detail::counted left;
    rig.executor().post(ran.make([&rig, &left] {
      rig.executor().post_after(std::chrono::hours{1}, left.make());
    }));
    out.expect(rig.run_until([&] { return ran.ran() == 1; }), "the home task runs");
    out.expect(ran.all_gone(), "a task that ran is destroyed");
    rig.end();
    out.expect(left.ran() == 0 && left.all_gone(), "a waiting timer is destroyed with the executor, unrun");
    out.expect(ran.ran() == 1, "a task runs once");
  });

  return suite;
}

}  // namespace tinykv::testing
