#include <tinykv/codec/kv_command.hpp>

#include "support/catch.hpp"

#include <tinykv/core/random.hpp>

using namespace tinykv;
using codec::kv_command;

namespace {

kv_command one(codec::kv_write write) { return {group_id{1}, {0, 0}, {write}}; }

kv_command rich() {
  return {group_id{7},
          {3, 4},
          {{"a", "1", false, {}},
           {"b", {}, false, {}},
           {"c", "", true, ""},
           {"d", "new", true, {}},
           {"e", {}, true, "old"},
           {std::string_view{"\0\xff", 2}, "x", false, {}}}};
}

}  // namespace

TEST_CASE("a command comes back as it was encoded, absent and empty values told apart", "[codec][kv_command]") {
  auto const data = codec::encode(rich());
  auto const back = codec::decode_kv_command(data);
  REQUIRE(back);
  CHECK(*back == rich());
}

TEST_CASE("the stored form of a command is pinned", "[codec][kv_command]") {
  // Logs outlive versions: a change of these bytes is a change of the format number.
  auto const data = codec::encode({group_id{7}, {3, 4}, {{"k", "v", false, {}}, {"k", {}, true, "v"}}});
  CHECK(data.str() == std::string("\x01\x00\x07\x03\x04\x00\x02\x01\x01k\x01v\x06\x01k\x01v", 17));
}

TEST_CASE("no prefix of a command is a command, nor is one with bytes behind", "[codec][kv_command]") {
  auto const data = codec::encode(rich()).str();
  for (std::size_t n = 0; n < data.size(); ++n) CHECK_FALSE(codec::decode_kv_command(std::string_view{data}.substr(0, n)));
  CHECK_FALSE(codec::decode_kv_command(data + '\0'));
}

TEST_CASE("commands of a later version are refused whole", "[codec][kv_command]") {
  auto data = codec::encode(one({"k", "v", false, {}})).str();
  for (std::size_t const at : {std::size_t{0}, std::size_t{1}}) {  // format, flags
    auto later = data;
    later[at] = '\x02';
    auto const back = codec::decode_kv_command(later);
    REQUIRE_FALSE(back);
    CHECK(back.error().code == error_code::version_mismatch);
  }
  for (int shape : {4, 5, 8, 255}) {  // expected without a condition; bits that have no meaning yet
    auto odd = data;
    odd[7] = static_cast<char>(shape);
    CHECK_FALSE(codec::decode_kv_command(odd));
  }
}

TEST_CASE("an extension of a command is passed over unless its tag says that it matters", "[codec][kv_command]") {
  auto const data = codec::encode(one({"k", "v", false, {}})).str();
  auto const with = [&](std::string const& extension) {
    return data.substr(0, 5) + static_cast<char>(extension.size()) + extension + data.substr(6);
  };
  CHECK(codec::decode_kv_command(with(std::string("\x05\x02hi", 4))));
  CHECK(codec::decode_kv_command(with(std::string("\x80\x02hi", 4))).error().code == error_code::version_mismatch);
  CHECK_FALSE(codec::decode_kv_command(with(std::string("\x05\x09hi", 4))));
}

TEST_CASE("a command without writes or with an empty key is malformed", "[codec][kv_command]") {
  CHECK_FALSE(codec::decode_kv_command(codec::encode({group_id{1}, {0, 0}, {}})));
  CHECK_FALSE(codec::decode_kv_command(codec::encode(one({"", "v", false, {}}))));
}

TEST_CASE("a count of writes that cannot follow takes no memory", "[codec][kv_command]") {
  CHECK_FALSE(codec::decode_kv_command(std::string("\x01\x00\x01\x00\x00\x00\xff\xff\xff\xff\x0f", 11)));
}

TEST_CASE("no garbage is taken for a command and decoded beyond its end", "[codec][kv_command]") {
  tinykv::random dice{11};
  auto const good = codec::encode(rich()).str();
  for (int round = 0; round < 20000; ++round) {
    auto bad = good;
    for (auto n = dice.between(1, 4); n > 0; --n) {
      auto const at = dice.below(bad.size());
      bad[at] = static_cast<char>(dice.next());
    }
    bad.resize(dice.between(0, bad.size()));
    auto const back = codec::decode_kv_command(bad);
    if (back) CHECK(codec::decode_kv_command(codec::encode(*back)));
  }
}

TEST_CASE("admission names the bound that a command breaks", "[codec][kv_command]") {
  codec::kv_limits limits;
  limits.key_bytes_max = 4;
  limits.value_bytes_max = 8;
  limits.command_bytes_max = 128;
  limits.writes_max = 3;
  CHECK(codec::admit(one({"1234", "12345678", false, {}}), limits));
  auto const hint = [&](kv_command const& command) {
    auto const verdict = codec::admit(command, limits);
    return verdict ? 0 : verdict.error().hint;
  };
  CHECK(hint(one({"12345", "", false, {}})) == 4);
  CHECK(hint(one({"k", "123456789", false, {}})) == 8);
  CHECK(hint(one({"k", "", true, "123456789"})) == 8);
  CHECK(hint({group_id{1}, {}, {4, {"k", "v", false, {}}}}) == 3);
  CHECK(hint({group_id{1}, {}, {3, {"1234", "12345678", false, {}}}}) == 128);
  CHECK_FALSE(codec::admit(one({"", "v", false, {}}), limits));
  CHECK_FALSE(codec::admit({group_id{1}, {}, {}}, limits));
}

TEST_CASE("what is admitted fits the bound when it is encoded", "[codec][kv_command]") {
  codec::kv_limits const limits;
  std::string const value(limits.value_bytes_max, 'v');
  std::string const key(limits.key_bytes_max, 'k');
  auto const largest = one({key, value, true, value});
  REQUIRE(codec::admit(largest, limits));
  CHECK(codec::encode(largest).size() <= limits.command_bytes_max);
}
