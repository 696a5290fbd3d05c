#include <tinykv/raftstore/compaction.hpp>

#include "support/catch.hpp"

namespace raft = tinykv::raft;
using tinykv::log_index;
using tinykv::raftstore::log_size;
using tinykv::term;

namespace {

raft::entry small(std::uint64_t index) { return {log_index{index}, term{2}, raft::entry_kind::command, tinykv::bytes::copy_of("x")}; }

}  // namespace

TEST_CASE("a conflict after a start does not make the log look empty", "[raftstore][compaction]") {
  log_size size;
  size.restore(log_index{1000}, 50'000'000);
  size.written({small(1000)});  // another leader's entry in the last place
  CHECK(size.bytes() >= 50'000'000);
  CHECK(size.bytes() <= 50'000'000 + log_size::mark_bytes);
  // As often as it happens: what is cut does not pile up.
  for (int i = 0; i < 100; ++i) size.written({small(1000)});
  CHECK(size.bytes() <= 50'000'000 + log_size::mark_bytes);
  size.compacted(log_index{999});
  CHECK(size.bytes() == raft::cost_of(small(1000)));
}

TEST_CASE("a log that is replaced from its beginning counts only what is new", "[raftstore][compaction]") {
  log_size size;
  size.restore(log_index{0}, 0);
  size.written({small(1), small(2), small(3)});
  size.compacted(log_index{1});
  size.written({small(2)});
  CHECK(size.bytes() == raft::cost_of(small(2)));
}
