#include <tinykv/wire/rpc.hpp>

#include <tinykv/core/random.hpp>
#include <tinykv/wire/peer.hpp>

#include "support/catch.hpp"

using namespace tinykv;

TEST_CASE("a client hello reads back, with a cluster and with any", "[wire][rpc]") {
  for (std::uint64_t const cluster : {std::uint64_t{0}, std::uint64_t{7}, ~std::uint64_t{0}}) {
    auto const got = wire::decode_client_hello(wire::encode(wire::client_hello{cluster_id{cluster}}));
    REQUIRE(got);
    CHECK(got->cluster == cluster_id{cluster});
  }
  CHECK(wire::decode_client_hello("").error().code == error_code::corrupt);
  CHECK(wire::decode_client_hello("\x08\x02").error().code == error_code::version_mismatch);
}

TEST_CASE("a call reads back", "[wire][rpc]") {
  for (auto const& body : {std::string{}, std::string{"\0x", 2}, std::string(100000, 'y')}) {
    wire::call const v{~std::uint64_t{0}, 65535, duration{1234567890123}, bytes::copy_of(body)};
    auto const got = wire::decode_call(wire::encode(v));
    REQUIRE(got);
    CHECK(*got == v);
  }
  CHECK(wire::decode_call(wire::encode(wire::call{1, 2, duration{-5}, {}}))->patience == duration{0});
}

TEST_CASE("a call without a number, or with numbers out of range, is malformed", "[wire][rpc]") {
  CHECK_FALSE(wire::decode_call(""));
  CHECK_FALSE(wire::decode_call("\x10\x01"));                                                // no id
  CHECK_FALSE(wire::decode_call("\x08\x01\x10\x80\x80\x04"));                                // method 65536
  CHECK_FALSE(wire::decode_call("\x08\x01\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));    // patience above 2^63
  CHECK(wire::decode_call("\x08\x01"));
}

TEST_CASE("an answer reads back: a reply, an empty one, a failure", "[wire][rpc]") {
  auto const echo = [](result<bytes> v) {
    auto got = wire::decode_answer(wire::encode(wire::answer{5, std::move(v)}));
    REQUIRE(got);
    CHECK(got->id == 5);
    return std::move(got->outcome);
  };
  CHECK(echo(bytes::copy_of("reply")).value() == bytes::copy_of("reply"));
  CHECK(echo(bytes{}).value().empty());
  auto const why = conflict(error_code::compare_failed, "another value", 42);
  CHECK(echo(why).error() == why);
  CHECK_FALSE(wire::decode_answer(""));
  CHECK_FALSE(wire::decode_answer("\x08\x01\x12\x00"));  // a failure that says nothing
}

TEST_CASE("the text of a failure is bounded", "[wire][rpc][bounds]") {
  auto const long_one = rejected(error_code::io, std::string(1U << 20, 'x'));
  auto const bytes = wire::encode(wire::answer{1, long_one});
  CHECK(bytes.size() < 5000);
  CHECK(wire::decode_answer(bytes)->outcome.error().detail.size() == 4096);
}

TEST_CASE("no bytes make a decoder of calls do anything but answer", "[wire][rpc][fuzz]") {
  std::vector<std::string> const seeds{wire::encode(wire::client_hello{cluster_id{3}}),
                                       wire::encode(wire::call{3, 4, duration{5}, bytes::copy_of("body")}),
                                       wire::encode(wire::answer{3, rejected(error_code::busy, "why")})};
  tinykv::random draw{2};
  for (int round = 0; round < 20000; ++round) {
    auto data = seeds[draw.below(seeds.size())];
    data[draw.below(data.size())] = static_cast<char>(draw.next());
    if (draw.chance(300)) data.resize(draw.below(data.size() + 1));
    if (auto const got = wire::decode_call(data)) CHECK(got->id != 0);
    if (auto const got = wire::decode_answer(data)) CHECK(got->id != 0);
    if (auto const got = wire::decode_client_hello(data)) (void)got;
  }
}
