#include <tinykv/core/result.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>

using tinykv::error_code;
using tinykv::outcome;
using tinykv::result;

namespace {

result<int> half(int n) {
  if (n % 2 != 0) return tinykv::rejected(error_code::invalid_argument, "odd", 7);
  return n / 2;
}

}  // namespace

TEST_CASE("a result is a value or a failure", "[core][result]") {
  auto const good = half(4);
  CHECK(good);
  CHECK(*good == 2);
  auto const bad = half(3);
  CHECK_FALSE(bad);
  CHECK(bad.error() == tinykv::failure{outcome::rejected, error_code::invalid_argument, 7, "odd"});
}

TEST_CASE("a value that can be had from a failure is told apart from it", "[core][result]") {
  result<std::string, std::string> const error{tinykv::unexpected{std::string{"no"}}};
  CHECK_FALSE(error);
  result<tinykv::failure> const about{tinykv::unexpected{tinykv::rejected(error_code::busy)}};
  CHECK_FALSE(about);
}

TEST_CASE("and_then goes on with a value and transform maps it; both pass an error through", "[core][result]") {
  CHECK(*half(8).and_then(half) == 2);
  CHECK(half(6).and_then(half).error().detail == "odd");
  int calls = 0;
  auto const counted = [&](int n) { return ++calls, std::to_string(n); };
  CHECK(*half(8).transform(counted) == "4");
  CHECK_FALSE(half(3).transform(counted));
  CHECK(calls == 1);
}

TEST_CASE("a value that only moves can be taken out", "[core][result]") {
  result<std::unique_ptr<int>> r{std::make_unique<int>(5)};
  auto const taken = *std::move(r);
  CHECK(*taken == 5);
}

TEST_CASE("value_or gives the other one only when there is none", "[core][result]") {
  CHECK(half(4).value_or(9) == 2);
  CHECK(half(3).value_or(9) == 9);
}

TEST_CASE("the four outcomes are told by their makers and all codes have a name", "[core][result]") {
  CHECK(tinykv::rejected(error_code::busy).outcome == outcome::rejected);
  CHECK(tinykv::unknown(error_code::busy).outcome == outcome::unknown);
  CHECK(tinykv::conflict(error_code::busy).outcome == outcome::conflict);
  CHECK(tinykv::fatal(error_code::busy).outcome == outcome::fatal);
  for (std::uint16_t code = 1; code <= 23; ++code) CHECK(tinykv::name_of(static_cast<error_code>(code)) != "unlisted");
  CHECK(tinykv::name_of(static_cast<error_code>(9999)) == "unlisted");
}
