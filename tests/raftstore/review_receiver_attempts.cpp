#include <tinykv/raftstore/snapshot_receiver.hpp>

#include "support/catch.hpp"

#include <string>

namespace raft = tinykv::raft;
namespace raftstore = tinykv::raftstore;
using raftstore::snapshot_receiver;
using tinykv::log_index;
using tinykv::peer_id;
using tinykv::term;

namespace {

raft::snapshot_message piece(std::uint64_t offset) {
  raft::snapshot_message m;
  m.from = peer_id{1};
  m.to = peer_id{2};
  m.term = term{1};
  m.id = 7;
  m.at = {log_index{9}, term{1}};
  m.size = 300;
  m.offset = offset;
  m.data = tinykv::bytes::copy_of(std::string(100, 'x'));
  return m;
}

// A piece that is taken in: the attempt that its write belongs to.
std::uint64_t taken(snapshot_receiver& r, std::uint64_t offset) {
  auto const what = r.take(piece(offset));
  REQUIRE(what.to_write);
  CHECK(what.to_write->create == (offset == 0));
  return what.to_write->attempt;
}

void receive_whole(snapshot_receiver& r) {
  for (std::uint64_t offset = 0; offset < 300; offset += 100) {
    CHECK_FALSE(r.whole());
    auto const answer = r.written(taken(r, offset), 100);
    REQUIRE(answer);
    CHECK_FALSE(answer->refused);
    CHECK(answer->offset == offset + 100);
  }
  CHECK(r.whole());
}

}  // namespace

TEST_CASE("a write on the lane behind one that failed is not counted for the same file begun anew", "[raftstore][snapshots]") {
  snapshot_receiver r{raftstore::snapshot_options{}};
  auto const first = taken(r, 0);
  auto const second = taken(r, 100);
  r.failed(first);  // no room
  auto const asked = r.take(piece(200));
  REQUIRE(asked.answer);
  CHECK(asked.answer->refused);
  CHECK(asked.answer->offset == 0);
  CHECK_FALSE(r.written(second, 100));  // there was room for this one, at a wrong place
  receive_whole(r);
}

TEST_CASE("a late failure of an earlier attempt does not end the present one", "[raftstore][snapshots]") {
  snapshot_receiver r{raftstore::snapshot_options{}};
  auto const first = taken(r, 0);
  auto const second = taken(r, 100);
  r.failed(first);
  auto const again = taken(r, 0);
  r.failed(second);
  auto const answer = r.written(again, 100);
  REQUIRE(answer);
  CHECK(answer->offset == 100);
}
