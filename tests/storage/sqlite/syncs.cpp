#include <tinykv/storage/snapshot_files.hpp>
#include <tinykv/storage/sqlite/sqlite_kv.hpp>
#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include "storage/sqlite/files.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

// This program's own fsync and fdatasync stand before those of the C library, for SQLite as well: they note which file
// was synced, and fail on demand.
namespace {

std::mutex mutex;
std::vector<std::string> synced;
int fail_after = -1;  // so many more succeed; -1: all
int failures = -1;    // so many fail then; -1: all
std::vector<std::string> directory_held;  // at the last sync of a directory

int sync_file(int fd, long call) {
  char name[4096];
  auto const size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), name, sizeof name);
  std::lock_guard const lock{mutex};
  if (size > 0) {
    std::filesystem::path const path{std::string(name, static_cast<std::size_t>(size))};
    synced.push_back(path.filename().string());
    if (std::filesystem::is_directory(path)) {
      directory_held.clear();
      for (auto const& each : std::filesystem::directory_iterator{path}) directory_held.push_back(each.path().filename().string());
    }
  }
  if (fail_after == 0 && failures != 0) {
    if (failures > 0) --failures;
    errno = EIO;
    return -1;
  }
  if (fail_after > 0) --fail_after;
  return static_cast<int>(::syscall(call, fd));
}

/// The names of the files synced by `work`.
template <class Work>
std::vector<std::string> syncs_of(Work work) {
  synced.clear();
  work();
  return synced;
}

}  // namespace

extern "C" int fsync(int fd) { return sync_file(fd, SYS_fsync); }
extern "C" int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

using namespace tinykv;
using namespace tinykv::tests;
using names = std::vector<std::string>;

namespace {

policy::log_batch batch_of(std::uint64_t i) {
  policy::log_batch batch;
  batch.groups.resize(1);
  batch.groups[0].group = group_id{1};
  batch.groups[0].entries = {{log_index{i}, term{1}, raft::entry_kind::command, bytes::copy_of(std::string(100, 'x'))}};
  return batch;
}
policy::kv_batch puts_of(int i) {
  policy::kv_batch batch;
  batch.put({0}, bytes::copy_of("k" + std::to_string(i)), bytes::copy_of(std::string(100, 'v')));
  return batch;
}
storage::sqlite_log_options log_options(std::string path) {
  storage::sqlite_log_options options;
  options.path = std::move(path);
  options.wal_bytes = 0;
  return options;
}
storage::sqlite_kv_options kv_options(std::string path) {
  storage::sqlite_kv_options options;
  options.path = std::move(path);
  options.families = {"a"};
  return options;
}

}  // namespace

TEST_CASE("a commit of the log is one sync of its write-ahead log", "[storage][sqlite][sync]") {
  temporary_directory directory;
  auto log = storage::sqlite_log::open(log_options(directory.file("log"))).value();
  REQUIRE(log.load());
  REQUIRE(log.commit(batch_of(1)));
  for (std::uint64_t i = 2; i < 6; ++i)
    CHECK(syncs_of([&] { REQUIRE(log.commit(batch_of(i))); }) == names{"log-wal"});
}

TEST_CASE("an engine syncs when it is told to, and even when nothing was written", "[storage][sqlite][sync]") {
  temporary_directory directory;
  auto engine = storage::sqlite_kv::open(kv_options(directory.file("data"))).value();
  REQUIRE(engine.write(puts_of(0)));
  CHECK(syncs_of([&] { REQUIRE(engine.write(puts_of(1))); }).empty());
  CHECK(syncs_of([&] { REQUIRE(engine.sync()); }) == names{"data-wal"});
  CHECK(syncs_of([&] { REQUIRE(engine.sync()); }) == names{"data-wal"});
  CHECK(syncs_of([&] { REQUIRE(engine.write(puts_of(2))); }).empty());
}

TEST_CASE("a new file is synced with its directory before it is used", "[storage][sqlite][sync]") {
  temporary_directory directory;
  auto const of_directory = directory.path().filename().string();
  auto const log = syncs_of([&] { CHECK(storage::sqlite_log::open(log_options(directory.file("log")))); });
  CHECK(std::count(log.begin(), log.end(), "log.new") > 0);
  CHECK(std::count(log.begin(), log.end(), of_directory) > 0);
  CHECK(std::count(directory_held.begin(), directory_held.end(), "log") == 1);  // under its name: after it was renamed
  auto const engine = syncs_of([&] { CHECK(storage::sqlite_kv::open(kv_options(directory.file("data")))); });
  CHECK(std::count(engine.begin(), engine.end(), "data.new") > 0);
  CHECK(std::count(engine.begin(), engine.end(), of_directory) > 0);
  CHECK(std::count(directory_held.begin(), directory_held.end(), "data") == 1);
}

TEST_CASE("what a killed process left unsynced is synced before it is believed", "[storage][sqlite][sync]") {
  temporary_directory directory;
  auto const live = directory.path() / "live";
  auto const left = directory.path() / "left";
  std::filesystem::create_directory(live);
  files disk;
  {
    auto log = storage::sqlite_log::open(log_options((live / "log").string())).value();
    REQUIRE(log.load());
    REQUIRE(log.commit(batch_of(1)));
    auto engine = storage::sqlite_kv::open(kv_options((live / "data").string())).value();
    REQUIRE(engine.write(puts_of(1)));
    disk = all_files(live);
  }
  disk.erase("data-shm");
  put_files(left, disk);
  auto log = storage::sqlite_log::open(log_options((left / "log").string())).value();
  auto const by_load = syncs_of([&] { REQUIRE(log.load()->groups.size() == 1); });
  CHECK(std::count(by_load.begin(), by_load.end(), "log-wal") > 0);
  CHECK(std::count(by_load.begin(), by_load.end(), "log") > 0);
  auto const by_open = syncs_of([&] {
    auto const engine = storage::sqlite_kv::open(kv_options((left / "data").string()));
    REQUIRE(engine.has_value());
    CHECK(std::count(synced.begin(), synced.end(), "data-wal") > 0);
    CHECK(engine->view()->get({0}, "k1")->has_value());
  });
  CHECK(std::count(by_open.begin(), by_open.end(), "data") > 0);
}

TEST_CASE("a sync that fails is never tried again, wherever it fails", "[storage][sqlite][sync]") {
  for (int healthy = 0; healthy < 12; ++healthy) {
    INFO(healthy << " syncs succeed");
    temporary_directory directory;
    auto options = log_options(directory.file("log"));
    options.checkpoint_pages = 6;  // some of the syncs are those of checkpoints
    std::uint64_t acknowledged = 0;
    {
      auto log = storage::sqlite_log::open(options).value();
      REQUIRE(log.load());
      fail_after = healthy;
      result<done> failed;
      while ((failed = log.commit(batch_of(acknowledged + 1)))) ++acknowledged;
      CHECK(failed.error().outcome == outcome::fatal);
      CHECK(failed.error().code == error_code::io);
      CHECK(failed.error().detail.find("log") != std::string::npos);
      fail_after = -1;  // from now on a sync would answer that all is well
      auto const after = syncs_of([&] {
        CHECK(log.commit(batch_of(acknowledged + 1)).error() == failed.error());
        auto const closed = std::move(log);
      });
      CHECK(after.empty());
    }
    auto log = storage::sqlite_log::open(options).value();
    auto const all = log.load().value();
    auto const found = all.groups.empty() ? 0 : all.groups[0].last.value;
    CHECK(found >= acknowledged);
    CHECK(found <= acknowledged + 1);
  }
  for (int healthy = 0; healthy < 8; ++healthy) {
    INFO("engine, " << healthy << " syncs succeed");
    temporary_directory directory;
    auto options = kv_options(directory.file("data"));
    options.checkpoint_bytes = 100'000;
    auto engine = storage::sqlite_kv::open(options);
    REQUIRE(engine.has_value());
    fail_after = healthy;
    result<done> failed;
    int synced_batches = 0;
    for (int i = 1; failed; ++i) {
      failed = engine->write(puts_of(i));
      if (failed && i % 3 == 0 && (failed = engine->sync())) synced_batches = i;
    }
    CHECK(failed.error().outcome == outcome::fatal);
    CHECK(failed.error().code == error_code::io);
    fail_after = -1;
    auto const after = syncs_of([&] {
      CHECK(engine->sync().error() == failed.error());
      CHECK(engine->write(puts_of(1)).error() == failed.error());
      engine = rejected(error_code::stopped);
    });
    CHECK(after.empty());
    auto const again = storage::sqlite_kv::open(options).value();
    for (int i = 1; i <= synced_batches; ++i) CHECK(again.view()->get({0}, "k" + std::to_string(i))->has_value());
  }
}

// The kernel tells of a failed write-back once; the next sync answers that all is well although the pages are lost.
TEST_CASE("a sync that fails once ends a log, also when it was that of a checkpoint", "[storage][sqlite][sync]") {
  for (int healthy = 0; healthy < 12; ++healthy) {
    temporary_directory directory;
    auto options = log_options(directory.file("log"));
    options.checkpoint_pages = 6;
    auto log = storage::sqlite_log::open(options).value();
    INFO(healthy << " syncs succeed, one fails, all others succeed");
    REQUIRE(log.load());
    REQUIRE(log.commit(batch_of(1)));  // with it SQLite syncs the directory, once, and does not look at the result
    fail_after = healthy;
    failures = 1;
    result<done> got;
    std::uint64_t i = 2;
    for (; got && failures != 0 && i < 100; ++i) got = log.commit(batch_of(i));
    fail_after = failures = -1;
    REQUIRE(i < 100);
    CHECK(!got);
    CHECK(!log.commit(batch_of(i)));
  }
}

TEST_CASE("a snapshot file is synced with its name, and published by a synced rename", "[storage][snapshot][sync]") {
  constexpr group_id group{1};
  constexpr auto slot = policy::snapshot_slot::incoming;
  temporary_directory directory;
  auto const of_parent = directory.path().filename().string();
  std::optional<storage::snapshot_files> files;
  auto const open = [&] { files = storage::snapshot_files::open(directory.file("snapshots")).value(); };
  CHECK(syncs_of(open) == names{of_parent});  // the directory is new
  CHECK(syncs_of(open).empty());
  auto const write = [&] {
    REQUIRE(files->create(group, slot));
    REQUIRE(files->append(group, slot, "data"));
  };
  CHECK(syncs_of(write).empty());
  CHECK(syncs_of([&] { REQUIRE(files->sync(group, slot)); }) == names{"1.incoming", "snapshots"});
  CHECK(syncs_of([&] { REQUIRE(files->publish(group, slot)); }).back() == "snapshots");
  CHECK(directory_held == names{"1.current"});  // after the rename
  open();
  write();
  open();  // another process, which has not written the file itself
  CHECK(syncs_of([&] { REQUIRE(files->sync(group, slot)); }) == names{"1.incoming", "snapshots"});
}

TEST_CASE("a failed sync of a snapshot file is final, until the file is made anew", "[storage][snapshot][sync]") {
  constexpr group_id group{1};
  constexpr auto slot = policy::snapshot_slot::incoming;
  for (int failing = 0; failing < 2; ++failing) {  // the file, its directory
    temporary_directory directory;
    auto files = storage::snapshot_files::open(directory.file("snapshots")).value();
    REQUIRE(files.create(group, slot));
    REQUIRE(files.append(group, slot, "data"));
    fail_after = failing;
    failures = 1;
    auto const failed = files.sync(group, slot);
    fail_after = failures = -1;
    REQUIRE_FALSE(failed);
    CHECK(failed.error().outcome == outcome::fatal);
    CHECK(failed.error().code == error_code::io);
    CHECK(syncs_of([&] {
            CHECK(files.sync(group, slot).error() == failed.error());
            CHECK(files.append(group, slot, "more").error() == failed.error());
            CHECK(files.publish(group, slot).error() == failed.error());
          }).empty());
    CHECK_FALSE(files.size(group, policy::snapshot_slot::current)->has_value());
    REQUIRE(files.create(group, slot));
    REQUIRE(files.append(group, slot, "new"));
    REQUIRE(files.publish(group, slot));
    CHECK(read_file(directory.file("snapshots/1.current")) == "new");
  }
}
