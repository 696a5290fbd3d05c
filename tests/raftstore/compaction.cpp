#include <tinykv/raftstore/compaction.hpp>

#include "support/catch.hpp"

#include <string>

namespace raft = tinykv::raft;
namespace raftstore = tinykv::raftstore;
using raftstore::compaction_options;
using raftstore::compaction_target;
using raftstore::compaction_view;
using raftstore::log_size;
using tinykv::log_index;
using tinykv::term;

namespace {

compaction_options rule() {
  compaction_options out;
  out.entries_max = 100;
  out.bytes_max = 10'000;
  out.entries_kept = 10;
  out.follower_entries_max = 500;
  out.follower_bytes_max = 50'000;
  out.hold_bytes_max = 1'000'000;
  return out;
}
compaction_view log(std::uint64_t truncated, std::uint64_t applied, std::uint64_t bytes = 0) {
  return {log_index{truncated}, log_index{applied}, bytes, {}, {}};
}
std::uint64_t target(compaction_view const& v) { return compaction_target(rule(), v).value; }

std::vector<raft::entry> entries(std::uint64_t first, std::uint64_t count, std::size_t size) {
  std::vector<raft::entry> out;
  for (std::uint64_t i = 0; i < count; ++i)
    out.push_back({log_index{first + i}, term{1}, raft::entry_kind::command, tinykv::bytes::adopt(std::string(size, 'x'))});
  return out;
}

}  // namespace

TEST_CASE("a log is left alone below its bounds, and cut to what is kept above them", "[raftstore][compaction]") {
  CHECK(target(log(50, 150)) == 50);
  CHECK(target(log(50, 151)) == 141);
  CHECK(target(log(50, 60, 10'000)) == 50);
  CHECK(target(log(50, 60, 10'001)) == 60);  // few but large: keeping ten would keep them all
}

TEST_CASE("a slow follower is waited for, but not for ever", "[raftstore][compaction]") {
  auto v = log(0, 400);
  v.slowest = log_index{30};
  CHECK(target(v) == 30);
  v.slowest = log_index{395};
  CHECK(target(v) == 390);
  v.slowest = log_index{30};
  v.applied = log_index{501};
  CHECK(target(v) == 491);  // too many entries
  v.applied = log_index{400};
  v.bytes = 50'001;
  CHECK(target(v) == 400);  // too many bytes
  v.bytes = 0;
  v.slowest = log_index{0};
  CHECK(target(v) == 0);
}

TEST_CASE("what a snapshot under way goes on from is not cut, up to a bound of its own", "[raftstore][compaction]") {
  auto v = log(20, 10'000, 1'000'000);
  v.hold = log_index{70};
  CHECK(target(v) == 70);
  v.bytes = 1'000'001;
  CHECK(target(v) == 10'000);
  v.bytes = 1'000'000;
  v.hold = log_index{10};
  CHECK(target(v) == 20);  // never backwards
}

TEST_CASE("the size of a log follows what is written, replaced and compacted", "[raftstore][compaction]") {
  constexpr std::size_t each = 10'000 - 64;
  log_size size;
  size.restore(log_index{0}, 0);
  size.written(entries(1, 100, each));
  CHECK(size.bytes() == 1'000'000);
  size.written(entries(51, 10, each));  // replaces 51..100
  CHECK(size.bytes() <= 600'000 + log_size::mark_bytes);
  CHECK(size.bytes() >= 600'000 - log_size::mark_bytes);
  size.compacted(log_index{30});
  CHECK(size.bytes() <= 300'000 + 2 * log_size::mark_bytes);
  CHECK(size.bytes() >= 300'000 - log_size::mark_bytes);
  size.compacted(log_index{60});
  CHECK(size.bytes() == 0);
  size.written(entries(61, 3, 36));
  CHECK(size.bytes() == 300);
}

TEST_CASE("the size of a log that was there at the start counts", "[raftstore][compaction]") {
  log_size size;
  size.restore(log_index{500}, 77'000);
  CHECK(size.bytes() == 77'000);
  size.written(entries(501, 1, 36));
  CHECK(size.bytes() == 77'100);
  size.compacted(log_index{400});  // within the first mark: not known how much
  CHECK(size.bytes() == 77'100);
  size.compacted(log_index{500});
  CHECK(size.bytes() == 100);
}

TEST_CASE("many small writes leave few marks behind", "[raftstore][compaction]") {
  log_size size;
  size.restore(log_index{0}, 0);
  for (std::uint64_t i = 1; i <= 10'000; ++i) size.written(entries(i, 1, 36));
  CHECK(size.bytes() == 1'000'000);
  size.compacted(log_index{5000});
  CHECK(size.bytes() <= 500'000 + log_size::mark_bytes);
  CHECK(size.bytes() >= 500'000);
}
