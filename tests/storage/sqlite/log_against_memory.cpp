#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include <tinykv/core/random.hpp>
#include <tinykv/storage/memory_log.hpp>

#include "storage/temporary_directory.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <map>

using namespace tinykv;
using namespace tinykv::tests;

namespace {

/// Batches such as stores write, and a few that only a strange one would.
class writer_of_batches {
 public:
  explicit writer_of_batches(std::uint64_t seed) : dice_(seed) {}

  policy::log_batch next(policy::log_contents const& now) {
    policy::log_batch batch;
    std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> bounds;  // group: truncated, last
    for (auto const& g : now.groups) bounds[g.group.value] = {g.truncated.at.index.value, g.last.value};
    for (auto writes = dice_.between(1, 4); writes > 0; --writes) {
      policy::log_write w;
      // Low groups are busy, high ones lag.
      auto const spread = dice_.between(1, 6);
      auto const group = 1 + dice_.below(spread);
      w.group = group_id{group};
      auto& [truncated, last] = bounds[group];
      if (dice_.chance(30)) {
        w.drop_entries = true;
        last = truncated;
        if (dice_.chance(700)) {
          truncated = last += dice_.below(30);
          w.truncated = truncation(truncated);
        }
      } else if (dice_.chance(group < 4 ? 250 : 30)) {
        truncated += dice_.below(last - truncated + 1);
        w.truncated = truncation(truncated);
      }
      if (dice_.chance(850)) {
        auto const back = dice_.chance(200) ? dice_.below(last - truncated + 1) : 0;
        last -= back;
        for (auto count = dice_.between(1, 5); count > 0; --count) w.entries.push_back(entry(++last));
      }
      if (dice_.chance(600)) {
        auto const commit = truncated + dice_.below(last - truncated + 1);
        w.state = raft::hard_state{tinykv::term{term_}, peer_id{group}, log_index{commit}};
      }
      batch.groups.push_back(std::move(w));
    }
    if (dice_.chance(50)) batch.store_record = bytes::copy_of("record " + std::to_string(term_));
    ++term_;
    return batch;
  }
  tinykv::random& dice() { return dice_; }

 private:
  raft::truncation truncation(std::uint64_t at) { return {{log_index{at}, tinykv::term{term_}}, {term_, {}, {}, {}}}; }
  raft::entry entry(std::uint64_t index) {
    auto const kind = dice_.chance(100) ? raft::entry_kind::configuration : raft::entry_kind::command;
    auto const size = static_cast<std::size_t>(dice_.chance(100) ? dice_.below(3000) : dice_.below(60));
    return {log_index{index}, tinykv::term{term_}, kind, bytes::copy_of(std::string(size, static_cast<char>(term_)))};
  }
  tinykv::random dice_;
  std::uint64_t term_ = 1;
};

void compare(policy::log_contents const& got, policy::log_contents const& want) {
  REQUIRE(got.store_record == want.store_record);
  // A group whose last trace was dropped may be forgotten: a zero state says the same.
  auto const is_trace = [](policy::group_log const& g) {
    return !(g.state == raft::hard_state{}) || !(g.truncated == raft::truncation{}) || !g.runs.empty();
  };
  std::vector<policy::group_log> a;
  std::vector<policy::group_log> b;
  std::copy_if(got.groups.begin(), got.groups.end(), std::back_inserter(a), is_trace);
  std::copy_if(want.groups.begin(), want.groups.end(), std::back_inserter(b), is_trace);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].group == b[i].group);
    REQUIRE(a[i].state == b[i].state);
    REQUIRE(a[i].truncated == b[i].truncated);
    REQUIRE(a[i].runs == b[i].runs);
    REQUIRE(a[i].last == b[i].last);
    REQUIRE(a[i].tail == b[i].tail);
    REQUIRE(a[i].configurations == b[i].configurations);
    REQUIRE(a[i].bytes == b[i].bytes);
  }
}

}  // namespace

TEST_CASE("sqlite_log and memory_log agree on every history, however the file is compacted", "[storage][sqlite][random]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    temporary_directory directory;
    writer_of_batches writer{seed};
    auto& dice = writer.dice();
    storage::sqlite_log_options options;
    options.path = directory.file("log");
    options.wal_bytes = 0;
    options.checkpoint_pages = static_cast<std::uint32_t>(dice.between(1, 60));
    options.record_bytes_max = dice.between(1, 3000);
    options.dead_bytes_max = dice.chance(500) ? 0 : dice.below(20'000);
    options.move_bytes_max = dice.between(1, 2000);
    options.drop_rows_max = static_cast<std::uint32_t>(dice.between(1, 8));
    std::optional log{storage::sqlite_log::open(options).value()};
    REQUIRE(log->load());
    storage::memory_log model;
    for (int round = 0; round < 150; ++round) {
      auto const batch = writer.next(model.load().value());
      REQUIRE(model.commit(batch));
      REQUIRE(log->commit(batch));
      if (dice.chance(60)) {
        log.reset();
        log.emplace(storage::sqlite_log::open(options).value());
        auto const got = log->load();
        INFO((got ? "" : got.error().detail));
        REQUIRE(got.has_value());
        compare(*got, model.load().value());
      }
      auto const now = model.load().value();
      for (auto const& g : now.groups) {
        if (!dice.chance(200)) continue;
        auto const low = g.truncated.at.index + dice.below(3);
        auto const from = low + dice.below(g.last.value - g.truncated.at.index.value + 2);
        auto const to = from + dice.below(8);
        auto const bytes_max = dice.below(3000);
        auto const got = log->fetch(g.group, from, to, bytes_max);
        auto const want = model.fetch(g.group, from, to, bytes_max);
        REQUIRE(got.has_value() == want.has_value());
        if (want) REQUIRE(*got == *want);
        if (!want) REQUIRE(got.error().code == want.error().code);
      }
    }
    CHECK(log->usage().rows < 151);  // something was let go
  }
}
