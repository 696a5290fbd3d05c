#include <tinykv/raftstore/doorkeeper.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>

using tinykv::cluster_id;
using tinykv::store_id;
using tinykv::raftstore::doorkeeper;
using tinykv::raftstore::roster;

namespace {

tinykv::store_identity store(std::uint64_t id, std::uint64_t epoch = 1) {
  tinykv::store_identity out;
  out.cluster = cluster_id{1};
  out.store = store_id{id};
  out.uuid.octets[3] = 1;
  out.start = {epoch, epoch};
  return out;
}

/// Store 1 of a group whose members are the stores 1, 2 and 3, and a disk that the test plays.
struct entrance {
  using verdict = std::shared_ptr<std::vector<tinykv::result<tinykv::done>>>;

  verdict greet(tinykv::store_identity const& from) {
    auto out = std::make_shared<std::vector<tinykv::result<tinykv::done>>>();
    (void)door.greeted(from, store_id{1}, [out](tinykv::result<tinykv::done> r) { out->push_back(std::move(r)); },
                       [](store_id who) { return who.value <= 3; }, [this](tinykv::bytes) { return ++batches; });
    return out;
  }
  /// Strangers with the ids from 100 up, let in.
  void meet_strangers(std::size_t count) {
    for (std::uint64_t i = 0; i < count; ++i) (void)greet(store(100 + i));
    door.written(batches);
  }

  doorkeeper door{roster{store(1)}};
  std::uint64_t batches = 0;
};

bool let_in(entrance::verdict const& told) { return told->size() == 1 && told->front().has_value(); }
bool turned_away(entrance::verdict const& told) { return told->size() == 1 && !told->front().has_value(); }

}  // namespace

TEST_CASE("a greeting waits for the batch that remembers it, not for later ones", "[raftstore][doorkeeper]") {
  entrance e;
  auto const two = e.greet(store(2));
  auto const three = e.greet(store(3));
  CHECK(two->empty());
  e.door.written(1);
  CHECK(let_in(two));
  CHECK(three->empty());
  e.door.written(2);
  CHECK(let_in(three));
  CHECK(e.door.waiting() == 0);
}

TEST_CASE("one greeting of each store waits, however often it connects while the disk hangs", "[raftstore][doorkeeper][bounds]") {
  entrance e;
  auto before = e.greet(store(2));
  for (int again = 0; again < 1000; ++again) {
    auto const now = e.greet(store(2));
    REQUIRE(turned_away(before));
    REQUIRE(before->front().error().detail == "the store has connected anew meanwhile");
    REQUIRE(e.door.waiting() == 1);
    before = now;
  }
  auto const later = e.greet(store(2, 2));
  REQUIRE(turned_away(before));
  CHECK(before->front().error().detail == "a later start of this store has come meanwhile");
  auto const other = e.greet(store(3));
  CHECK(later->empty());
  CHECK(e.door.waiting() == 2);
  e.door.written(e.batches);
  CHECK(let_in(later));
  CHECK(let_in(other));
}

TEST_CASE("stores that are no members are let in up to a bound, and never take the places of members", "[raftstore][doorkeeper][bounds]") {
  entrance e;
  e.meet_strangers(roster::strangers_max - 1);
  auto const last = e.greet(store(90));
  auto const one_more = e.greet(store(91));
  REQUIRE(turned_away(one_more));
  CHECK(one_more->front().error().code == tinykv::error_code::identity_refused);
  auto const member = e.greet(store(2));
  auto const met_before = e.greet(store(100, 2));  // a later start of one that is known
  e.door.written(e.batches);
  CHECK(let_in(last));
  CHECK(let_in(member));
  CHECK(let_in(met_before));
  CHECK(turned_away(e.greet(store(91))));
  CHECK(e.batches == roster::strangers_max + 2);  // what is turned away is not remembered
}

TEST_CASE("whoever waits when the store closes is told so, once", "[raftstore][doorkeeper]") {
  entrance e;
  auto const two = e.greet(store(2));
  e.door.close();
  REQUIRE(turned_away(two));
  CHECK(two->front().error().code == tinykv::error_code::stopped);
  e.door.written(e.batches);
  CHECK(two->size() == 1);
}
