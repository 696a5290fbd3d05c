#include <tinykv/wire/frame_joiner.hpp>

#include "support/catch.hpp"

using namespace tinykv;
using raft::priority;
using wire::frame_header;
using wire::frame_joiner;
using wire::frame_kind;

namespace {

std::string frame(frame_header header, std::string_view piece) {
  auto const head = wire::encode(header);
  return std::string{head.data(), head.size()}.append(piece);
}
std::string mail(priority of, bool more, std::string_view piece) { return frame({frame_kind::mail, of, more}, piece); }

}  // namespace

TEST_CASE("every header reads back, and every other pair of bytes is refused", "[wire][frame]") {
  int good = 0;
  for (int kind = 0; kind < 256; ++kind)
    for (int flags = 0; flags < 256; ++flags) {
      std::string const bytes{static_cast<char>(kind), static_cast<char>(flags)};
      auto const header = wire::decode_frame_header(bytes);
      if (!header) {
        CHECK(header.error().code == error_code::corrupt);
        continue;
      }
      ++good;
      auto const again = wire::encode(*header);
      CHECK(bytes == std::string(again.data(), again.size()));
    }
  CHECK(good == 5 * 3 * 2);
  CHECK_FALSE(wire::decode_frame_header(""));
  CHECK_FALSE(wire::decode_frame_header("\1"));
}

TEST_CASE("messages of different priorities interleave at frame borders", "[wire][frame]") {
  frame_joiner joiner{100};
  CHECK_FALSE(joiner.push(mail(priority::bulk, true, "slow "))->has_value());
  CHECK_FALSE(joiner.push(mail(priority::normal, true, "mid "))->has_value());
  auto const urgent = mail(priority::urgent, false, "vote");
  auto const vote = joiner.push(urgent);
  REQUIRE(vote->has_value());
  CHECK((*vote)->body == "vote");
  CHECK((*vote)->priority == priority::urgent);
  CHECK((*joiner.push(mail(priority::normal, false, "dle")))->body == "mid dle");
  auto const last = joiner.push(mail(priority::bulk, false, "copy"));
  CHECK((*last)->body == "slow copy");
  CHECK((*last)->kind == frame_kind::mail);
  auto const next = mail(priority::bulk, false, "next");
  CHECK((*joiner.push(next))->body == "next");  // nothing of the last one is left
}

TEST_CASE("a message at the bound is taken, one above it is refused before it is whole", "[wire][frame][bounds]") {
  frame_joiner joiner{8};
  auto const whole = mail(priority::normal, false, "12345678");
  CHECK((*joiner.push(whole))->body == "12345678");
  CHECK(frame_joiner{8}.push(mail(priority::normal, false, "123456789")).error().code == error_code::too_large);
  CHECK_FALSE(joiner.push(mail(priority::normal, true, "1234567"))->has_value());
  CHECK(joiner.push(mail(priority::normal, true, "89")).error().code == error_code::too_large);
}

TEST_CASE("each priority has a bound of its own", "[wire][frame][bounds]") {
  frame_joiner joiner{4};
  CHECK(joiner.push(mail(priority::bulk, true, "1234")));
  CHECK(joiner.push(mail(priority::urgent, true, "1234")));
  CHECK((*joiner.push(mail(priority::bulk, false, "")))->body == "1234");
}

TEST_CASE("pieces that do not belong together are refused", "[wire][frame]") {
  frame_joiner joiner{100};
  CHECK(joiner.push(mail(priority::normal, true, "a")));
  CHECK(joiner.push(frame({frame_kind::call, priority::normal, false}, "b")).error().code == error_code::corrupt);
  CHECK(frame_joiner{100}.push(mail(priority::normal, true, "")).error().code == error_code::corrupt);  // could go on for ever
  CHECK(frame_joiner{100}.push("\1").error().code == error_code::corrupt);
}
