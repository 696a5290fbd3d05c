#include <tinykv/raftstore/compaction.hpp>

#include "support/catch.hpp"

using namespace tinykv;
using raftstore::compaction_target;

namespace {

raftstore::compaction_options rule() {
  raftstore::compaction_options out;
  out.entries_max = 100;
  out.entries_kept = 20;
  out.bytes_max = 10'000;
  out.follower_entries_max = 500;
  out.follower_bytes_max = 50'000;
  return out;
}

}  // namespace

TEST_CASE("a log within its bounds keeps everything", "[raftstore][compaction]") {
  CHECK(compaction_target(rule(), {log_index{10}, log_index{110}, 10'000, {}, {}}) == log_index{10});
}

TEST_CASE("over its bound in entries a log keeps the newest, over that in bytes nothing that is applied", "[raftstore][compaction]") {
  CHECK(compaction_target(rule(), {log_index{10}, log_index{111}, 1'000, {}, {}}) == log_index{91});
  CHECK(compaction_target(rule(), {log_index{10}, log_index{50}, 10'001, {}, {}}) == log_index{50});
}

TEST_CASE("a log waits for the slowest follower, up to bounds of their own", "[raftstore][compaction]") {
  CHECK(compaction_target(rule(), {log_index{10}, log_index{200}, 1'000, log_index{40}, {}}) == log_index{40});
  CHECK(compaction_target(rule(), {log_index{10}, log_index{200}, 1'000, log_index{190}, {}}) == log_index{180});
  CHECK(compaction_target(rule(), {log_index{10}, log_index{511}, 1'000, log_index{40}, {}}) == log_index{491});
  CHECK(compaction_target(rule(), {log_index{10}, log_index{200}, 50'001, log_index{40}, {}}) == log_index{200});
}

TEST_CASE("nothing above the index of a snapshot under way goes", "[raftstore][compaction]") {
  CHECK(compaction_target(rule(), {log_index{10}, log_index{200}, 1'000, {}, log_index{60}}) == log_index{60});
  CHECK(compaction_target(rule(), {log_index{10}, log_index{200}, 60'000, {}, log_index{60}}) == log_index{60});
  CHECK(compaction_target(rule(), {log_index{70}, log_index{200}, 1'000, {}, log_index{60}}) == log_index{70});  // gone is gone
}
