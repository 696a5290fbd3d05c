#include <tinykv/core/id.hpp>

#include "support/catch.hpp"

#include <type_traits>
#include <unordered_set>

using namespace tinykv;

namespace {

template <class A, class B>
concept mixes = std::is_convertible_v<A, B> || std::is_constructible_v<A, B> || std::is_assignable_v<A&, B>;
template <class A, class B>
concept compares = requires(A a, B b) { a == b; } || requires(A a, B b) { a < b; };
template <class A, class B>
concept subtracts = requires(A a, B b) { a - b; };

// A term where an index is due does not compile, nor the bare number.
static_assert(!mixes<term, log_index> && !mixes<log_index, term>);
static_assert(!mixes<store_id, peer_id> && !mixes<group_id, store_id> && !mixes<read_id, ticket>);
static_assert(!compares<term, log_index> && !compares<store_id, peer_id>);
static_assert(!subtracts<term, log_index>);
static_assert(!std::is_convertible_v<std::uint64_t, term>);
static_assert(!std::is_convertible_v<term, std::uint64_t>);
static_assert(!compares<term, std::uint64_t>);
static_assert(!std::is_assignable_v<term&, std::uint64_t>);
static_assert(std::is_trivially_copyable_v<term> && sizeof(term) == 8);

}  // namespace

TEST_CASE("numbers of a kind are compared, counted on and measured", "[core][id]") {
  log_index i{5};
  CHECK(i++ == log_index{5});
  CHECK(++i == log_index{7});
  CHECK(i + 3 == log_index{10});
  CHECK(i - 3 == log_index{4});
  CHECK(log_index{9} - log_index{4} == 5);
  CHECK(log_index{} == log_index{0});
  CHECK(log_index{2} < log_index{10});
}

TEST_CASE("positions are ordered by index first", "[core][id]") {
  CHECK(position{log_index{1}, term{9}} < position{log_index{2}, term{1}});
  CHECK(position{log_index{2}, term{1}} < position{log_index{2}, term{2}});
  CHECK(position{log_index{2}, term{1}} != position{log_index{2}, term{2}});
}

TEST_CASE("numbers can be keys", "[core][id]") {
  std::unordered_set<store_id> set{store_id{1}, store_id{2}, store_id{1}};
  CHECK(set.size() == 2);
}
