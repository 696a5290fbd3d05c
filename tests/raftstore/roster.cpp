#include <tinykv/raftstore/roster.hpp>

#include "support/catch.hpp"

using tinykv::cluster_id;
using tinykv::store_id;
using tinykv::raftstore::roster;

namespace {

tinykv::store_identity store(std::uint64_t id, std::uint64_t epoch = 1, std::uint64_t number = 10, std::uint8_t uuid = 1) {
  tinykv::store_identity out;
  out.cluster = cluster_id{1};
  out.store = store_id{id};
  out.uuid.octets[3] = uuid;
  out.start = {epoch, number};
  return out;
}

roster of_store_1() { return roster{store(1)}; }

bool refused(roster const& r, tinykv::store_identity const& from, std::uint64_t to = 1) {
  auto const got = r.judge(from, store_id{to});
  if (got) return false;
  CHECK(got.error().outcome == tinykv::outcome::rejected);
  CHECK(got.error().code == tinykv::error_code::identity_refused);
  CHECK_FALSE(got.error().detail.empty());
  return true;
}

}  // namespace

TEST_CASE("a store that was never met is news", "[raftstore][roster]") {
  CHECK(*of_store_1().judge(store(2), store_id{1}) == roster::verdict::news);
}

TEST_CASE("the latest start is known, a later one is news", "[raftstore][roster]") {
  auto r = of_store_1();
  r.remember(store(2, 3, 10));
  CHECK(*r.judge(store(2, 3, 10), store_id{1}) == roster::verdict::known);
  CHECK(*r.judge(store(2, 4, 11), store_id{1}) == roster::verdict::news);
  CHECK(*r.judge(store(2, 4, 10), store_id{1}) == roster::verdict::news);
}

TEST_CASE("another cluster, another address, the own id, no id and another consensus are refused", "[raftstore][roster]") {
  auto const r = of_store_1();
  auto foreign = store(2);
  foreign.cluster = cluster_id{9};
  CHECK(refused(r, foreign));
  CHECK(refused(r, store(2), 3));
  CHECK(refused(r, store(1)));
  CHECK(refused(r, store(0)));
  auto solo = store(2);
  solo.consensus = tinykv::consensus_kind::solo;
  CHECK(refused(r, solo));
}

TEST_CASE("a wiped directory, an older copy and a second process are refused", "[raftstore][roster]") {
  auto r = of_store_1();
  r.remember(store(2, 3, 10));
  CHECK(refused(r, store(2, 9, 10, 77)));  // another uuid, whatever its epoch
  CHECK(refused(r, store(2, 2, 10)));      // restored from a copy
  CHECK(refused(r, store(2, 3, 11)));      // the same epoch with another number
  CHECK(*r.judge(store(2, 3, 10), store_id{1}) == roster::verdict::known);
}

TEST_CASE("mail counts only from the latest start", "[raftstore][roster]") {
  auto r = of_store_1();
  CHECK_FALSE(r.is_latest(store(2)));
  r.remember(store(2, 3, 10));
  CHECK(r.is_latest(store(2, 3, 10)));
  r.remember(store(2, 4, 12));
  CHECK_FALSE(r.is_latest(store(2, 3, 10)));
  CHECK_FALSE(r.is_latest(store(2, 4, 13)));
  CHECK_FALSE(r.is_latest(store(2, 4, 12, 9)));
  CHECK(r.is_latest(store(2, 4, 12)));
}

TEST_CASE("a roster is what was stored of it", "[raftstore][roster]") {
  auto r = of_store_1();
  r.remember(store(2, 3, 10));
  r.remember(store(7, ~std::uint64_t{0}, ~std::uint64_t{0}, 255));
  r.begin(99);
  auto const back = roster::decode(r.encode());
  REQUIRE(back);
  CHECK(back->self() == r.self());
  CHECK(back->self().start == tinykv::start_number{2, 99});
  CHECK(back->is_latest(store(2, 3, 10)));
  CHECK(back->is_latest(store(7, ~std::uint64_t{0}, ~std::uint64_t{0}, 255)));
}

TEST_CASE("more stores than the bound are not remembered", "[raftstore][roster][bounds]") {
  auto r = of_store_1();
  for (std::uint64_t id = 2; id < 2 + roster::stores_max; ++id) {
    REQUIRE(r.judge(store(id), store_id{1}));
    r.remember(store(id));
  }
  CHECK(refused(r, store(1000000)));
  CHECK(*r.judge(store(2), store_id{1}) == roster::verdict::known);
}
