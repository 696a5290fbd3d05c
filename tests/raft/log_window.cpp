#include <tinykv/raft/log_window.hpp>

#include "harness.hpp"

#include <tinykv/core/random.hpp>

using namespace raft_tests;

namespace {

raft::log_window of(std::initializer_list<std::uint64_t> terms) {
  raft::log_window w;
  std::uint64_t i = 0;
  for (auto const t : terms) w.append(entry(++i, t));
  return w;
}

}  // namespace

TEST_CASE("the terms of all uncompacted entries are known, also of evicted ones", "[raft][window]") {
  auto w = of({1, 1, 2, 4, 4});
  w.evict(log_index{4}, 0, 0);
  CHECK(w.window_first() == log_index{5});
  std::vector<std::uint64_t> const terms{0, 1, 1, 2, 4, 4};
  for (std::uint64_t i = 0; i <= 5; ++i) CHECK(w.term_at(log_index{i}) == term{terms[i]});
  CHECK_FALSE(w.term_at(log_index{6}));
  CHECK_FALSE(w.holds(log_index{4}));
  CHECK(w.holds(log_index{5}));
}

TEST_CASE("below a truncation nothing is known, at it the term is", "[raft][window]") {
  raft::log_window w;
  w.restore(at(5, 3), {{log_index{6}, term{4}}}, log_index{7}, {entry(7, 4)});
  CHECK_FALSE(w.term_at(log_index{4}));
  CHECK(w.term_at(log_index{5}) == term{3});
  CHECK(w.term_at(log_index{6}) == term{4});
  CHECK(w.window_first() == log_index{7});
  CHECK(w.last_term() == term{4});
  w.cut(log_index{7});
  CHECK(w.last() == log_index{6});
  CHECK(w.last_term() == term{4});
}

TEST_CASE("an empty log ends with its truncation", "[raft][window]") {
  raft::log_window w;
  w.restore(at(5, 3), {}, log_index{5}, {});
  CHECK(w.last() == log_index{5});
  CHECK(w.last_term() == term{3});
  CHECK(w.window_first() == log_index{6});
  w.append(entry(6, 3));
  CHECK(w.last_term() == term{3});
  w.cut(log_index{6});
  CHECK(w.last_term() == term{3});
}

TEST_CASE("an entry that returns after a cut has its new term", "[raft][window]") {
  auto w = of({1, 1, 2, 2});
  w.cut(log_index{2});
  w.append(entry(2, 7));
  CHECK(w.term_at(log_index{2}) == term{7});
  CHECK(w.last() == log_index{2});
  CHECK(w.size() == 2);
}

TEST_CASE("eviction stops at what it may let go and at what may stay", "[raft][window]") {
  auto w = of({1, 1, 1, 1, 1, 1});
  w.evict(log_index{2}, 0, 0);
  CHECK(w.size() == 4);
  w.evict(log_index{6}, ~std::uint64_t{0}, 3);
  CHECK(w.size() == 3);
  w.evict(log_index{6}, 2 * raft::cost_of(entry(1, 1)), 3);
  CHECK(w.size() == 2);
  CHECK(w.bytes() == 2 * raft::cost_of(entry(1, 1)));
}

TEST_CASE("where a conflict can end is the same by search and by definition", "[raft][window]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    tinykv::random draw{seed};
    raft::log_window w;
    auto const start = draw.below(4);
    std::uint64_t t = 1;
    w.restore(at(start, start == 0 ? 0 : 1), {}, log_index{start}, {});
    for (auto n = draw.below(12); n > 0; --n) {
      t += draw.below(3);
      w.append(entry(w.last().value + 1, t));
    }
    for (std::uint64_t i = start; i < w.last().value + 3; ++i)
      for (std::uint64_t of_term = 0; of_term < t + 2; ++of_term) {
        auto expected = std::min(i, w.last().value);
        while (expected > start && *w.term_at(log_index{expected}) > term{of_term}) --expected;
        CHECK(w.last_not_above(log_index{i}, term{of_term}) == log_index{expected});
      }
  }
}
