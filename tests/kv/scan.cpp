#include <tinykv/kv/scan.hpp>

#include "support/catch.hpp"

#include <tinykv/kv/kv_machine.hpp>
#include <tinykv/storage/memory_kv.hpp>

using namespace tinykv;

namespace {

using machine = kv::kv_machine<storage::memory_kv>;

machine holding(std::vector<std::string> const& keys, std::string start = {}, std::string end = {}) {
  auto out = machine::open(storage::memory_kv{kv::family_names()}, group_id{1});
  REQUIRE(out->bootstrap({group_id{1}, std::move(start), std::move(end), {}, {}}));
  std::uint64_t index = 5;
  for (auto const& key : keys)
    CHECK(out->apply(log_index{++index}, codec::encode({group_id{1}, {0, 0}, {{key, "v" + key, false, {}}}})).ok());
  return std::move(*out);
}

std::string keys_of(machine const& m, kv::scan_range range) {
  auto const page = m.view()->scan(std::move(range));
  REQUIRE(page);
  std::string out;
  for (auto const& [key, value] : page->pairs) out += key.str();
  return page->more ? out + "+" : out;
}

kv::scan_range from_to(std::string start, std::string end, bool reverse = false) {
  kv::scan_range out;
  out.start = std::move(start);
  out.end = std::move(end);
  out.reverse = reverse;
  return out;
}

}  // namespace

TEST_CASE("a scan gives the keys of [start, end) in order, and in reverse the same ones backwards", "[kv][scan]") {
  auto const m = holding({"a", "b", "c", "d"});
  CHECK(keys_of(m, {}) == "abcd");
  CHECK(keys_of(m, from_to("b", "d")) == "bc");
  CHECK(keys_of(m, from_to("b", "")) == "bcd");
  CHECK(keys_of(m, from_to("bb", "cc")) == "c");
  CHECK(keys_of(m, from_to("", "", true)) == "dcba");
  CHECK(keys_of(m, from_to("b", "d", true)) == "cb");
  CHECK(keys_of(m, from_to("b", "b")) == "");
  CHECK(keys_of(m, from_to("d", "b")) == "");
  CHECK(keys_of(m, from_to("d", "b", true)) == "");
}

TEST_CASE("a limit stops a scan and says so only when something is left", "[kv][scan]") {
  auto const m = holding({"a", "b", "c"});
  auto const limited = [&](std::uint64_t limit, bool reverse = false) {
    auto range = from_to("", "", reverse);
    range.limit = limit;
    return keys_of(m, range);
  };
  CHECK(limited(0) == "");
  CHECK(limited(2) == "ab+");
  CHECK(limited(2, true) == "cb+");
  CHECK(limited(3) == "abc");
}

TEST_CASE("a bound in bytes stops a scan, which gives one pair in any case", "[kv][scan]") {
  auto const m = holding({"a", "b", "c"});  // three bytes each: "a" and "va"
  auto range = from_to("", "");
  range.bytes_max = 6;
  CHECK(keys_of(m, range) == "ab+");
  range.bytes_max = 1;
  CHECK(keys_of(m, range) == "a+");
  range.keys_only = true;
  range.bytes_max = 3;
  CHECK(keys_of(m, range) == "abc");
}

TEST_CASE("a scan ends with its region", "[kv][scan]") {
  auto m = holding({"c", "d"}, "c", "e");
  CHECK(keys_of(m, {}) == "cd");
  CHECK(keys_of(m, from_to("", "", true)) == "dc");
  CHECK(keys_of(m, from_to("x", "")) == "");
  CHECK(keys_of(m, from_to("", "b", true)) == "");
}

TEST_CASE("a prefix is a range, also when it ends in the last byte", "[kv][scan]") {
  CHECK(kv::end_of_prefix("ab") == "ac");
  CHECK(kv::end_of_prefix("a\xff") == "b");
  CHECK(kv::end_of_prefix("\xff\xff") == "");
  auto const m = holding({"a", "ab", "ab\xff", "ac", "\xff", "\xff" "a"});
  auto const with = [&](std::string prefix) {
    kv::scan_range range;
    range.narrow_to_prefix(prefix);
    return keys_of(m, range);
  };
  CHECK(with("ab") == "abab\xff");
  CHECK(with("\xff") == "\xff\xff" "a");
  CHECK(with("") == "aabab\xff" "ac\xff\xff" "a");
}
