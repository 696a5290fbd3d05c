#include <tinykv/raftstore/proposals.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace tinykv;

namespace {

/// Proposals that answer into a list: "<name> ok <reply>" or "<name> unknown <code>".
struct fixture {
  raftstore::proposals<int> open;
  std::vector<std::string> answers;

  void add(std::string name, std::uint64_t index, std::uint64_t of_term, std::chrono::nanoseconds deadline = std::chrono::hours{1}) {
    open.add({log_index{index}, term{of_term}}, instant{deadline}, [this, name = std::move(name)](result<int> got) {
      if (got) return answers.push_back(name + " ok " + std::to_string(*got));
      auto const outcome_name = got.error().outcome == outcome::unknown ? " unknown " : " another outcome ";
      answers.push_back(name + outcome_name + std::string{name_of(got.error().code)});
    });
  }
};

position at(std::uint64_t index, std::uint64_t of_term) { return {log_index{index}, term{of_term}}; }

}  // namespace

TEST_CASE("a proposal is answered with success only for its own entry: same index and same term", "[raftstore][proposals]") {
  fixture f;
  f.add("a", 7, 2);
  f.open.applied(at(7, 3), 1);  // another leader's entry stands there
  CHECK(f.answers == std::vector<std::string>{"a unknown leadership_lost"});
  f.add("b", 8, 4);
  f.open.applied(at(8, 4), 2);
  CHECK(f.answers.back() == "b ok 2");
  CHECK(f.open.size() == 0);
}

TEST_CASE("an applied entry that was not proposed here answers nobody above it", "[raftstore][proposals]") {
  fixture f;
  f.add("a", 7, 2);
  f.open.applied(at(6, 2), 1);
  CHECK(f.answers.empty());
  f.open.applied(at(7, 2), 2);
  CHECK(f.answers == std::vector<std::string>{"a ok 2"});
}

TEST_CASE("a proposal whose index was passed over is unknown", "[raftstore][proposals]") {
  fixture f;
  f.add("a", 7, 2);
  f.add("b", 8, 2);
  f.open.applied(at(8, 2), 5);
  CHECK(f.answers == std::vector<std::string>{"a unknown leadership_lost", "b ok 5"});
}

TEST_CASE("a proposal that was answered by its deadline is not answered again when it is applied", "[raftstore][proposals]") {
  fixture f;
  f.add("a", 7, 2, std::chrono::seconds{1});
  f.add("b", 8, 2, std::chrono::seconds{2});
  f.open.expire(instant{std::chrono::seconds{1}});
  CHECK(f.answers == std::vector<std::string>{"a unknown deadline"});
  f.open.applied(at(7, 2), 1);
  f.open.applied(at(8, 2), 2);
  CHECK(f.answers == std::vector<std::string>{"a unknown deadline", "b ok 2"});
}
