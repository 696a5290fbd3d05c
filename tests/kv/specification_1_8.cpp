#include <tinykv/storage/memory_kv.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

// The behaviours of the specification, section 1.8, under their names, over an engine with the column families of the
// original. [departure]: there is no server here; what RawGet and its like answer is what a view answers.

namespace {

using namespace tinykv;

constexpr policy::family by_default{0};
constexpr policy::family writes{1};

struct engine {
  void put(policy::family f, std::string_view key, std::string_view value) {
    policy::kv_batch batch;
    batch.put(f, bytes::copy_of(key), bytes::copy_of(value));
    REQUIRE(kv.write(batch));
  }
  void erase(policy::family f, std::string_view key) {
    policy::kv_batch batch;
    batch.erase(f, bytes::copy_of(key));
    REQUIRE(kv.write(batch));
  }
  /// "-" if there is none.
  std::string get(policy::family f, std::string_view key) const {
    auto const view = kv.view();
    REQUIRE(view);
    auto const found = (*view).get(f, key);
    REQUIRE(found);
    return *found ? std::string{(**found).view()} : "-";
  }
  std::vector<std::string> scan(policy::family f, std::string_view from, std::size_t limit) const {
    auto const view = kv.view();
    REQUIRE(view);
    auto at = (*view).cursor(f);
    std::vector<std::string> out;
    for (at.seek(from); at.valid() && out.size() < limit; at.next()) out.push_back(std::string{at.key()} + "=" + std::string{at.value()});
    return out;
  }

  storage::memory_kv kv{std::vector<std::string>{"default", "write", "lock"}};
};

}  // namespace

TEST_CASE("TestRawGet1: what was written to the storage is read", "[kv][specification][departure]") {
  engine e;
  e.put(by_default, "99", "42");
  CHECK(e.get(by_default, "99") == "42");
}

TEST_CASE("TestRawGetNotFound1: a missing key is no error", "[kv][specification][departure]") { CHECK(engine{}.get(by_default, "99") == "-"); }

TEST_CASE("TestRawPut1: a put is visible to a reader", "[kv][specification][departure]") {
  engine e;
  e.put(by_default, "99", "42");
  CHECK(e.scan(by_default, "", 9) == std::vector<std::string>{"99=42"});
}

TEST_CASE("TestRawGetAfterRawPut1: a key has a value of its own in each family", "[kv][specification][departure]") {
  engine e;
  e.put(by_default, "99", "42");
  e.put(writes, "99", "44");
  CHECK(e.get(by_default, "99") == "42");
  CHECK(e.get(writes, "99") == "44");
}

TEST_CASE("TestRawGetAfterRawDelete1: a deleted key is not found", "[kv][specification][departure]") {
  engine e;
  e.put(by_default, "99", "42");
  e.erase(by_default, "99");
  CHECK(e.get(by_default, "99") == "-");
}

TEST_CASE("TestRawDelete1: deleting leaves no value, and deleting again is no error", "[kv][specification][departure]") {
  engine e;
  e.put(by_default, "99", "42");
  e.erase(by_default, "99");
  e.erase(by_default, "99");
  CHECK(e.scan(by_default, "", 9).empty());
}

TEST_CASE("TestRawScan1: a scan gives the first keys in order, up to its limit", "[kv][specification][departure]") {
  engine e;
  for (auto const* key : {"5", "3", "1", "4", "2"}) e.put(by_default, key, std::string{"v"} + key);
  CHECK(e.scan(by_default, "1", 3) == std::vector<std::string>{"1=v1", "2=v2", "3=v3"});
}

TEST_CASE("TestRawScanAfterRawPut1: a new key appears in a scan", "[kv][specification][departure]") {
  engine e;
  for (auto const* key : {"1", "2", "4"}) e.put(by_default, key, "v");
  e.put(by_default, "3", "new");
  CHECK(e.scan(by_default, "1", 99) == std::vector<std::string>{"1=v", "2=v", "3=new", "4=v"});
}

TEST_CASE("TestRawScanAfterRawDelete1: a deleted key is passed over", "[kv][specification][departure]") {
  engine e;
  for (auto const* key : {"1", "2", "3"}) e.put(by_default, key, "v");
  e.erase(by_default, "2");
  CHECK(e.scan(by_default, "1", 99) == std::vector<std::string>{"1=v", "3=v"});
}

TEST_CASE("TestIterWithRawDelete1: a reader that was opened before a delete still sees the key", "[kv][specification][departure]") {
  engine e;
  for (auto const* key : {"1", "2", "3"}) e.put(by_default, key, "v");
  auto const before = e.kv.view();
  REQUIRE(before);
  auto at = (*before).cursor(by_default);
  at.seek("1");
  e.erase(by_default, "2");
  at.next();
  REQUIRE(at.valid());
  CHECK(at.key() == "2");
  CHECK(e.get(by_default, "2") == "-");
}

TEST_CASE("TestEngineUtil: a later operation of a batch wins, families are apart, cursors end", "[kv][specification]") {
  engine e;
  policy::kv_batch batch;
  batch.put(by_default, bytes::copy_of("a"), bytes::copy_of("a1"));
  batch.put(by_default, bytes::copy_of("b"), bytes::copy_of("b1"));
  batch.put(writes, bytes::copy_of("a"), bytes::copy_of("a2"));
  batch.put(by_default, bytes::copy_of("e"), bytes::copy_of("e1"));
  batch.erase(by_default, bytes::copy_of("e"));
  REQUIRE(e.kv.write(batch));
  CHECK(e.get(by_default, "e") == "-");
  CHECK(e.scan(by_default, "", 9) == std::vector<std::string>{"a=a1", "b=b1"});
  CHECK(e.scan(writes, "", 9) == std::vector<std::string>{"a=a2"});
  CHECK(e.scan(by_default, "aa", 9) == std::vector<std::string>{"b=b1"});
  CHECK(e.scan(by_default, "c", 9).empty());
}
