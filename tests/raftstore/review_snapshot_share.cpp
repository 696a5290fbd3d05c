#include <tinykv/raftstore/snapshot_sender.hpp>

#include "support/catch.hpp"

#include <string>

namespace raft = tinykv::raft;
namespace raftstore = tinykv::raftstore;
using tinykv::log_index;
using tinykv::peer_id;
using tinykv::term;

namespace {

constexpr auto chunk = raft::snapshot_message::chunk_bytes_max;

raft::snapshot_message answer_to(raft::snapshot_message const& piece) {
  auto m = piece;
  m.from = piece.to;
  m.to = piece.from;
  m.offset = piece.offset + piece.data.size();
  m.data = {};
  m.answer = true;
  return m;
}

}  // namespace

TEST_CASE("a transfer that waits for its share of the rate is not given up", "[raftstore][snapshots]") {
  raftstore::snapshot_options o;
  o.patience_ticks = 5;
  raftstore::snapshot_sender sender{o};
  sender.want({peer_id{2}, term{1}, log_index{9}});
  sender.want({peer_id{3}, term{1}, log_index{9}});
  sender.making(log_index{9});
  sender.made({7, {{log_index{9}, term{1}}, {}}, 20 * chunk});
  auto whole = 0;
  for (int tick = 0; tick < 50 && whole < 2; ++tick) {
    CHECK(sender.tick().empty());
    std::uint64_t budget = chunk;  // one piece a tick, for both
    for (auto const& p : sender.take_pieces(budget)) {
      auto const m = sender.read(p, tinykv::bytes::copy_of(std::string(p.count, 'x')), peer_id{1});
      REQUIRE(m);
      if (auto const end = sender.answered(answer_to(*m))) {
        CHECK(end->sent == log_index{9});
        sender.forget(end->to);
        ++whole;
      }
    }
  }
  CHECK(whole == 2);
}

TEST_CASE("a receiver that answers nothing is given up", "[raftstore][snapshots]") {
  raftstore::snapshot_options o;
  o.patience_ticks = 5;
  raftstore::snapshot_sender sender{o};
  sender.want({peer_id{2}, term{1}, log_index{9}});
  sender.making(log_index{9});
  sender.made({7, {{log_index{9}, term{1}}, {}}, 20 * chunk});
  auto ended = 0;
  for (int tick = 0; tick < 20; ++tick) {
    auto budget = chunk;
    for (auto const& p : sender.take_pieces(budget)) sender.read(p, tinykv::bytes::copy_of(std::string(p.count, 'x')), peer_id{1});
    for (auto const& e : sender.tick()) {
      CHECK_FALSE(e.sent);
      ++ended;
    }
  }
  CHECK(ended == 1);
}
