#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include <tinykv/core/random.hpp>

#include "storage/sqlite/files.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace tinykv;
using namespace tinykv::tests;
using storage::sqlite_log;
using storage::sqlite_log_options;

namespace {

sqlite_log_options options_at(std::string path) {
  sqlite_log_options options;
  options.path = std::move(path);
  options.wal_bytes = 0;  // tests open often
  return options;
}

/// All that a log says: load, and every entry by fetch.
struct contents {
  std::optional<bytes> store_record;
  std::map<std::uint64_t, std::pair<raft::hard_state, raft::truncation>> records;
  std::map<std::uint64_t, std::vector<raft::entry>> entries;

  friend bool operator==(contents const&, contents const&) = default;
};

result<contents> read(sqlite_log& log) {
  auto loaded = log.load();
  if (!loaded) return loaded.error();
  contents out;
  out.store_record = loaded->store_record;
  for (auto const& g : loaded->groups) {
    out.records[g.group.value] = {g.state, g.truncated};
    auto& all = out.entries[g.group.value];
    while (g.truncated.at.index + all.size() < g.last) {
      auto more = log.fetch(g.group, g.truncated.at.index + all.size() + 1, g.last, 1000);
      if (!more) return more.error();
      all.insert(all.end(), more->begin(), more->end());
    }
  }
  return out;
}
result<contents> read(std::string const& path) {
  auto log = sqlite_log::open(options_at(path));
  if (!log) return log.error();
  return read(*log);
}

policy::log_write write_of(std::uint64_t group, std::uint64_t from, std::uint64_t to, std::uint64_t term,
                           std::size_t size = 20) {
  policy::log_write w;
  w.group = group_id{group};
  for (auto i = from; i <= to; ++i) {
    auto data = std::to_string(group) + "/" + std::to_string(i) + "@" + std::to_string(term) + " ";
    data.resize(std::max(size, data.size()), static_cast<char>('a' + i % 26));
    w.entries.push_back({log_index{i}, tinykv::term{term}, raft::entry_kind::command, bytes::adopt(std::move(data))});
  }
  w.state = raft::hard_state{tinykv::term{term}, peer_id{group}, log_index{from - 1}};
  return w;
}

}  // namespace

TEST_CASE("a log answers what was written or that it is damaged, whichever bit of the file flips", "[storage][sqlite][rot]") {
  temporary_directory directory;
  auto const path = directory.file("log");
  {
    auto log = sqlite_log::open(options_at(path)).value();
    REQUIRE(log.load());
    for (std::uint64_t i = 0; i < 6; ++i) {
      policy::log_batch batch;
      for (std::uint64_t g = 1; g <= 3; ++g) batch.groups.push_back(write_of(g, i * 3 + 1, i * 3 + 3, i + 1, i == 3 ? 900 : 30));
      if (i == 4) batch.groups[1].truncated = raft::truncation{{log_index{5}, term{2}}, {7, {{peer_id{2}, store_id{1}}}, {}, {}}};
      if (i == 2) batch.store_record = bytes::copy_of(std::string_view{"the store's record"});
      REQUIRE(log.commit(batch));
    }
  }
  auto const good = read_file(path);
  auto const want = read(path).value();
  REQUIRE(want.entries.at(1).size() == 18);
  CHECK(read_file(path) == good);  // reading changes nothing, so one file serves all rounds

  tinykv::random dice{7};
  std::map<std::string, int> seen;
  for (std::size_t at = 100; at < good.size(); at += 1 + static_cast<std::size_t>(dice.below(12))) {
    auto rotten = good;
    rotten[at] = static_cast<char>(rotten[at] ^ (1 << dice.below(8)));
    write_file(path, rotten);
    std::filesystem::remove(path + "-wal");
    auto const got = read(path);
    INFO("byte " << at << ": " << (got ? "read" : got.error().detail));
    if (got)
      CHECK(*got == want);
    else
      CHECK((got.error().code == error_code::corrupt && got.error().outcome == outcome::fatal));
    ++seen[got ? "untouched" : "found"];
  }
  CHECK(seen["found"] > 300);     // the records fill a good part of the file
  CHECK(seen["untouched"] > 10);  // and some of it is empty
}

TEST_CASE("rot that comes after the start is found by fetch", "[storage][sqlite][rot]") {
  temporary_directory directory;
  auto const path = directory.file("log");
  {
    auto log = sqlite_log::open(options_at(path)).value();
    REQUIRE(log.load());
    for (std::uint64_t i = 1; i <= 40; ++i) REQUIRE(log.commit({{write_of(1, i, i, 1, 200'000)}, {}}));
  }
  auto log = sqlite_log::open(options_at(path)).value();
  REQUIRE(log.load());  // more than SQLite's cache holds: the first entries are read from the file again
  auto const at = read_file(path).find("1/3@1 dddd");
  REQUIRE(at != std::string::npos);
  {
    std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(static_cast<std::streamoff>(at + 100));
    file.put('!');
  }
  CHECK(log.fetch(group_id{1}, log_index{2}, log_index{2}, 1).has_value());
  auto const got = log.fetch(group_id{1}, log_index{3}, log_index{3}, 1);
  REQUIRE(!got.has_value());
  CHECK(got.error().code == error_code::corrupt);
  CHECK(got.error().outcome == outcome::fatal);
}

TEST_CASE("rows that are lost, exchanged or old are found", "[storage][sqlite][rot]") {
  temporary_directory directory;
  auto const path = directory.file("log");
  {
    auto log = sqlite_log::open(options_at(path)).value();
    REQUIRE(log.load());
    for (std::uint64_t i = 1; i <= 5; ++i) REQUIRE(log.commit({{write_of(i, 1, 1, 1)}, {}}));
  }
  REQUIRE(read(path).has_value());
  SECTION("the first row") { run_sql(path, "DELETE FROM turn WHERE seq = 2"); }
  SECTION("the first rows, with what they held") { run_sql(path, "DELETE FROM turn WHERE seq < 4"); }
  SECTION("a row between") { run_sql(path, "DELETE FROM turn WHERE seq = 3"); }
  SECTION("all rows") { run_sql(path, "DELETE FROM turn"); }
  SECTION("one row's body in the place of another") {
    run_sql(path, "UPDATE turn SET body = (SELECT body FROM turn WHERE seq = 3) WHERE seq = 4");
  }
  SECTION("a body cut at a record's end") {
    // 16 bytes of turn, then a record: 25 and its payload, whose size stands at its byte 17.
    run_sql(path, "UPDATE turn SET body = substr(body, 1, 16) WHERE seq = 4");
  }
  SECTION("a body that is no blob") { run_sql(path, "UPDATE turn SET body = 'text' WHERE seq = 4"); }
  SECTION("a row in front that was let go long ago") {
    run_sql(path, "INSERT INTO turn SELECT 1, body FROM turn WHERE seq = 2");
  }
  auto const got = read(path);
  REQUIRE(!got.has_value());
  CHECK(got.error().code == error_code::corrupt);
}

TEST_CASE("after a crash at any byte of the write-ahead log a prefix of the commits is there", "[storage][sqlite][crash]") {
  temporary_directory directory;
  auto const live = directory.path() / "live";
  auto const crashed = directory.path() / "crashed";
  std::filesystem::create_directory(live);
  std::vector<contents> history;
  std::vector<std::uint64_t> acknowledged_at;  // size of the write-ahead log when commit n had returned
  files disk;
  {
    auto log = sqlite_log::open(options_at((live / "log").string())).value();
    REQUIRE(log.load());
    contents now;
    history.push_back(now);
    acknowledged_at.push_back(0);
    for (std::uint64_t i = 1; i <= 8; ++i) {
      policy::log_batch batch{{write_of(1, i, i, 1, i == 4 ? 9000 : 50), write_of(2, (i + 1) / 2, i, i)}, {}};
      REQUIRE(log.commit(batch));
      now.records[1] = {*batch.groups[0].state, {}};
      now.records[2] = {*batch.groups[1].state, {}};
      now.entries[1].push_back(batch.groups[0].entries[0]);
      auto& second = now.entries[2];
      second.resize(static_cast<std::size_t>((i + 1) / 2 - 1));
      second.insert(second.end(), batch.groups[1].entries.begin(), batch.groups[1].entries.end());
      history.push_back(now);
      acknowledged_at.push_back(std::filesystem::file_size(live / "log-wal"));
    }
    disk = all_files(live);
  }
  auto const wal = disk.at("log-wal");
  std::size_t reached = 0;
  for (std::size_t size = 0; size <= wal.size(); size += std::min<std::size_t>(wal.size() - size, 997) + (size == wal.size())) {
    disk["log-wal"] = wal.substr(0, size);
    put_files(crashed, disk);
    auto const got = read((crashed / "log").string());
    INFO("the write-ahead log was cut at byte " << size << (got ? "" : ": " + got.error().detail));
    REQUIRE(got.has_value());
    auto const found = std::find(history.begin(), history.end(), *got);
    REQUIRE(found != history.end());
    auto const commits = static_cast<std::size_t>(found - history.begin());
    for (std::size_t n = 0; n < acknowledged_at.size(); ++n)
      if (acknowledged_at[n] <= size) CHECK(commits >= n);
    reached = std::max(reached, commits);
  }
  CHECK(reached == 8);
}

TEST_CASE("rows in front go when nothing in them is in force", "[storage][sqlite][compaction]") {
  temporary_directory directory;
  auto const path = directory.file("log");
  auto log = sqlite_log::open(options_at(path)).value();
  REQUIRE(log.load());
  for (std::uint64_t i = 1; i <= 50; ++i) REQUIRE(log.commit({{write_of(1, i, i, 1, 1000)}, {}}));
  CHECK(log.usage().rows == 50);  // the row that the file was made with is dead at once
  policy::log_write cut;
  cut.group = group_id{1};
  cut.truncated = raft::truncation{{log_index{40}, term{1}}, {}};
  REQUIRE(log.commit({{cut}, {}}));
  CHECK(log.usage().rows == 11);
  auto const after = read(log);
  REQUIRE(after.has_value());
  CHECK(after->entries.at(1).size() == 10);
}

TEST_CASE("a group that lags does not hold the whole log back", "[storage][sqlite][compaction]") {
  temporary_directory directory;
  auto options = options_at(directory.file("log"));
  options.dead_bytes_max = 20'000;
  options.move_bytes_max = 3'000;
  auto log = sqlite_log::open(options).value();
  REQUIRE(log.load());
  policy::log_batch first{{write_of(7, 1, 20, 3, 500)}, bytes::copy_of(std::string_view{"store"})};
  first.groups[0].truncated = raft::truncation{{log_index{0}, term{0}}, {9, {{peer_id{2}, store_id{1}}}, {}, {}}};
  REQUIRE(log.commit(first));
  std::uint64_t most = 0;
  for (std::uint64_t i = 1; i <= 400; ++i) {
    auto write = write_of(1, i, i, 1, 1000);
    if (i > 5) write.truncated = raft::truncation{{log_index{i - 5}, term{1}}, {}};
    REQUIRE(log.commit({{write}, {}}));
    most = std::max(most, log.usage().bytes);
  }
  CHECK(most < 60'000);  // 400 kB were written
  auto const before = read(log);
  REQUIRE(before.has_value());
  CHECK(before->entries.at(7) == first.groups[0].entries);
  CHECK(before->records.at(7) == std::pair{*first.groups[0].state, *first.groups[0].truncated});
  CHECK(before->store_record == first.store_record);
  CHECK(before->entries.at(1).size() == 5);
  {
    auto const closed = std::move(log);
  }
  CHECK(read(options.path).value() == *before);

  SECTION("moved entries are cut by a conflict like others") {
    auto again = sqlite_log::open(options).value();
    REQUIRE(again.load());
    auto over = write_of(7, 10, 11, 8);
    REQUIRE(again.commit({{over}, {}}));
    auto const got = read(again).value().entries.at(7);
    REQUIRE(got.size() == 11);
    CHECK(got[8] == first.groups[0].entries[8]);
    CHECK(got[10] == over.entries[1]);
  }
}

TEST_CASE("a file is in use until its log is gone, not until it is moved", "[storage][sqlite]") {
  temporary_directory directory;
  auto log = sqlite_log::open(options_at(directory.file("log"))).value();
  auto moved = std::move(log);
  CHECK(sqlite_log::open(options_at(directory.file("log"))).error().code == error_code::locked);
  REQUIRE(moved.load());
  CHECK(moved.commit({{write_of(1, 1, 1, 1)}, {}}).has_value());
}

TEST_CASE("a commit that fails leaves a log that only fails", "[storage][sqlite]") {
  temporary_directory directory;
  auto const path = directory.file("log");
  {
    auto log = sqlite_log::open(options_at(path)).value();
    REQUIRE(log.load());
    REQUIRE(log.commit({{write_of(1, 1, 3, 1)}, {}}));
  }
  // A trigger stands for whatever may go wrong below.
  run_sql(path, "CREATE TRIGGER broken BEFORE INSERT ON turn WHEN new.seq = 4 BEGIN SELECT raise(FAIL, 'broken'); END");
  {
    auto log = sqlite_log::open(options_at(path)).value();
    REQUIRE(log.load());
    REQUIRE(log.commit({{write_of(1, 4, 4, 1)}, {}}));
    auto const failed = log.commit({{write_of(1, 5, 5, 1)}, {}});
    REQUIRE(!failed.has_value());
    CHECK(failed.error().outcome == outcome::fatal);
    CHECK(failed.error().detail.find(path) != std::string::npos);
    CHECK(failed.error().detail.find("broken") != std::string::npos);
    auto const after = log.commit({{write_of(2, 1, 1, 1)}, {}});
    REQUIRE(!after.has_value());
    CHECK(after.error() == failed.error());
    CHECK(!log.commit({}).has_value());
    CHECK(!log.fetch(group_id{1}, log_index{1}, log_index{1}, 1).has_value());
  }
  CHECK(read(path).value().entries.at(1).size() == 4);
}
