#include <tinykv/raftstore/reads.hpp>

#include "support/catch.hpp"

#include <vector>

using namespace tinykv;

namespace {

instant at(int seconds) { return {std::chrono::seconds{seconds}}; }

}  // namespace

TEST_CASE("a read is ready when the machine has applied its index, and not one entry before", "[raftstore][reads]") {
  raftstore::reads<int> waiting;
  auto const id = waiting.add(at(9), [](result<int>) {});
  CHECK(waiting.ready(log_index{100}).empty());  // its index is not known yet
  waiting.grant(id, log_index{5});
  CHECK(waiting.ready(log_index{4}).empty());
  CHECK(waiting.size() == 1);
  CHECK(waiting.ready(log_index{5}).size() == 1);
  CHECK(waiting.size() == 0);
}

TEST_CASE("reads become ready by their indices, not in the order in which they came", "[raftstore][reads]") {
  raftstore::reads<int> waiting;
  std::vector<int> used;
  auto const first = waiting.add(at(9), [&](result<int>) { used.push_back(1); });
  auto const second = waiting.add(at(9), [&](result<int>) { used.push_back(2); });
  waiting.grant(first, log_index{7});
  waiting.grant(second, log_index{6});
  for (auto& use : waiting.ready(log_index{6})) use(0);
  CHECK(used == std::vector{2});
  for (auto& use : waiting.ready(log_index{8})) use(0);
  CHECK(used == std::vector{2, 1});
}

TEST_CASE("a read is answered once: what comes after its refusal or deadline is passed over", "[raftstore][reads]") {
  raftstore::reads<int> waiting;
  std::vector<error_code> refused;
  auto const note = [&](result<int> got) {
    if (!got) refused.push_back(got.error().code);
  };
  auto const first = waiting.add(at(1), note);
  auto const second = waiting.add(at(2), note);
  auto const third = waiting.add(at(2), note);
  waiting.grant(third, log_index{3});
  waiting.expire(at(1));  // a deadline is over when it is reached
  CHECK(refused == std::vector{error_code::deadline});
  waiting.refuse(second, rejected(error_code::leadership_lost));
  waiting.grant(first, log_index{1});
  waiting.grant(second, log_index{1});
  waiting.refuse(first, rejected(error_code::busy));
  CHECK(refused == std::vector{error_code::deadline, error_code::leadership_lost});
  CHECK(waiting.ready(log_index{2}).empty());
  waiting.refuse_all(rejected(error_code::stopped));  // also one that has its index
  CHECK(refused.back() == error_code::stopped);
  CHECK(waiting.size() == 0);
}
