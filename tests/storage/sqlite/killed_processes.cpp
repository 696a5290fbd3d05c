#include <tinykv/storage/sqlite/sqlite_kv.hpp>
#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include <tinykv/core/random.hpp>

#include "storage/sqlite/files.hpp"
#include "support/catch.hpp"

#include <csignal>
#include <cstring>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace tinykv;
using namespace tinykv::tests;
using storage::sqlite_kv;
using storage::sqlite_kv_options;
using storage::sqlite_log;
using storage::sqlite_log_options;

// Children only compute, write numbers into a pipe and _exit: a failed step ends them with its number as exit status.
namespace {

class child {
 public:
  template <class Body>
  explicit child(Body body) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      body([fd = ends[1]](std::uint64_t number) {
        if (::write(fd, &number, sizeof number) != sizeof number) ::_exit(99);
      });
      ::_exit(0);
    }
    ::close(ends[1]);
    out_ = ends[0];
  }
  child(child const&) = delete;
  child& operator=(child const&) = delete;
  ~child() {
    if (pid_ > 0) end(SIGKILL);
    ::close(out_);
  }
  /// The next number, or none when the child is gone.
  std::optional<std::uint64_t> next() {
    std::uint64_t number = 0;
    return ::read(out_, &number, sizeof number) == sizeof number ? std::optional{number} : std::nullopt;
  }
  /// Sends `signal` (0 = none), waits, gives the exit status (-1 = killed).
  int end(int signal) {
    if (signal != 0) ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::uint64_t last_of_the_rest(std::uint64_t last) {
    while (auto const number = next()) last = *number;
    return last;
  }

 private:
  pid_t pid_ = 0;
  int out_ = -1;
};

sqlite_log_options log_options(std::string path) {
  sqlite_log_options options;
  options.path = std::move(path);
  options.wal_bytes = 64 << 10;
  options.checkpoint_pages = 20;
  options.dead_bytes_max = 30'000;
  options.move_bytes_max = 2'000;
  return options;
}
sqlite_kv_options kv_options(std::string path) {
  sqlite_kv_options options;
  options.path = std::move(path);
  options.families = {"a", "b"};
  options.checkpoint_bytes = 100'000;
  return options;
}

/// Commit i: entry i of group 1, truncated 10 behind; group 2 is rewritten from its start; group 3 was written once.
policy::log_batch log_batch_of(std::uint64_t i) {
  auto const entry = [](std::uint64_t index, std::uint64_t term, std::size_t size) {
    return raft::entry{log_index{index}, tinykv::term{term}, raft::entry_kind::command,
                       bytes::copy_of(std::string(size, static_cast<char>('a' + term % 26)))};
  };
  policy::log_batch batch;
  batch.groups.resize(2);
  batch.groups[0].group = group_id{1};
  batch.groups[0].entries = {entry(i, i, 200 + i * 97 % 3000)};
  if (i > 10) batch.groups[0].truncated = raft::truncation{{log_index{i - 10}, tinykv::term{i - 10}}, {}};
  batch.groups[1].group = group_id{2};
  batch.groups[1].entries = {entry(1, i, 10), entry(2, i, 10)};
  for (auto& write : batch.groups) write.state = raft::hard_state{tinykv::term{i}, peer_id{i}, log_index{}};
  if (i == 1) {
    batch.groups.emplace_back().group = group_id{3};
    batch.groups.back().entries = {entry(1, 1, 500), entry(2, 1, 500)};
    batch.store_record = bytes::copy_of(std::string_view{"first"});
  }
  return batch;
}
/// How many commits the log holds; complains unless it is exactly their effect.
std::uint64_t commits_of(std::string const& path) {
  auto log = sqlite_log::open(log_options(path));
  INFO((log ? "" : log.error().detail));
  REQUIRE(log.has_value());
  auto const all = log->load();
  INFO((all ? "" : all.error().detail));
  REQUIRE(all.has_value());
  if (all->groups.empty()) return 0;
  REQUIRE(all->groups.size() == 3);
  auto const n = all->groups[0].state.term.value;
  CHECK(all->groups[1].state.term.value == n);
  CHECK(all->groups[0].last == log_index{n});
  CHECK(all->groups[0].truncated.at.index.value == (n > 10 ? n - 10 : 0));
  CHECK(all->groups[0].tail.back() == log_batch_of(n).groups[0].entries[0]);
  CHECK(all->groups[1].tail == log_batch_of(n).groups[1].entries);
  CHECK(all->groups[2].tail == log_batch_of(1).groups[2].entries);
  CHECK(all->store_record == log_batch_of(1).store_record);
  return n;
}

policy::kv_batch kv_batch_of(std::uint64_t i) {
  policy::kv_batch batch;
  for (std::uint8_t f = 0; f < 2; ++f) {
    batch.put({f}, bytes::copy_of(std::string_view{"latest"}), bytes::copy_of(std::to_string(i)));
    batch.put({f}, bytes::copy_of("k" + std::to_string(i * 7919 % 1000)), bytes::copy_of(std::string(500, 'v')));
  }
  return batch;
}
/// How many batches the engine holds; complains unless both families end at the same one.
std::uint64_t batches_of(std::string const& path) {
  auto const engine = sqlite_kv::open(kv_options(path));
  INFO((engine ? "" : engine.error().detail));
  REQUIRE(engine.has_value());
  auto const view = engine->view().value();
  auto const first = view.get({0}, "latest").value();
  CHECK(view.get({1}, "latest").value() == first);
  auto const n = first ? std::stoull(first->str()) : 0;
  if (n > 0) CHECK(view.get({1}, "k" + std::to_string(n * 7919 % 1000)).value().has_value());
  CHECK(!view.get({0}, "k" + std::to_string((n + 1) * 7919 % 1000)).value().has_value() == (n < 999));
  return n;
}

void sleep_some(tinykv::random& dice) { ::usleep(static_cast<useconds_t>(dice.below(30'000))); }

/// Files of this process may not grow beyond `bytes`: writes then fail as on a disk that is full.
void limit_files(std::uint64_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit const limit{bytes, bytes};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(98);
}

}  // namespace

TEST_CASE("kill -9 at any moment loses no acknowledged commit", "[storage][sqlite][crash]") {
  temporary_directory directory;
  auto const path = directory.file("log");
  tinykv::random dice{3};
  std::uint64_t there = 0;
  std::uint64_t most_in_a_life = 0;
  for (int life = 0; life < 25; ++life) {
    child process{[&](auto tell) {
      auto log = sqlite_log::open(log_options(path));
      if (!log || !log->load()) ::_exit(1);
      tell(there);
      for (auto i = there + 1;; ++i) {
        if (!log->commit(log_batch_of(i))) ::_exit(2);
        tell(i);
      }
    }};
    if (dice.chance(700)) process.next();  // else it may be killed while it opens the file
    sleep_some(dice);
    CHECK(process.end(SIGKILL) == -1);
    auto const acknowledged = process.last_of_the_rest(there);
    auto const found = commits_of(path);
    CHECK(found >= acknowledged);
    CHECK(found <= acknowledged + 1);
    most_in_a_life = std::max(most_in_a_life, found - there);
    there = found;
  }
  CHECK(there > 50);
  CHECK(most_in_a_life > 5);
}

TEST_CASE("kill -9 at any moment leaves a prefix of the batches, the synced ones at least", "[storage][sqlite][crash]") {
  temporary_directory directory;
  auto const path = directory.file("data");
  tinykv::random dice{4};
  std::uint64_t there = 0;
  for (int life = 0; life < 25; ++life) {
    child process{[&](auto tell) {
      auto engine = sqlite_kv::open(kv_options(path));
      if (!engine) ::_exit(1);
      tell(there);
      for (auto i = there + 1;; ++i) {
        if (!engine->write(kv_batch_of(i))) ::_exit(2);
        if (i % 5 != 0) continue;
        if (!engine->sync()) ::_exit(3);
        tell(i);
      }
    }};
    if (dice.chance(700)) process.next();
    sleep_some(dice);
    CHECK(process.end(SIGKILL) == -1);
    auto const synced = process.last_of_the_rest(there);
    auto const found = batches_of(path);
    CHECK(found >= synced);
    there = found;
  }
  CHECK(there > 50);
}

TEST_CASE("a full disk ends a log with disk_full, and what was acknowledged is there", "[storage][sqlite][full]") {
  for (std::uint64_t const limit : {71'111U, 100'000U, 150'001U}) {
    temporary_directory directory;
    auto const path = directory.file("log");
    child process{[&](auto tell) {
      limit_files(limit);
      auto options = log_options(path);
      options.wal_bytes = 0;
      options.checkpoint_pages = limit == 100'000 ? 5 : 1'000'000;  // fails in a checkpoint, or in a commit
      options.dead_bytes_max = ~std::uint64_t{0};
      auto log = sqlite_log::open(options);
      if (!log || !log->load()) ::_exit(1);
      for (std::uint64_t i = 1;; ++i) {
        auto batch = log_batch_of(i);
        batch.groups[0].truncated.reset();
        auto const committed = log->commit(batch);
        if (committed) {
          tell(i);
          continue;
        }
        if (committed.error().outcome != outcome::fatal) ::_exit(2);
        if (committed.error().code != error_code::disk_full) ::_exit(3);
        if (committed.error().detail.find(path) == std::string::npos) ::_exit(4);
        rlimit const unlimited{limit, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &unlimited);  // as if space had been freed: it stays failed all the same
        for (int again = 0; again < 3; ++again)
          if (auto const next = log->commit(log_batch_of(i)); next || next.error() != committed.error()) ::_exit(5);
        return;
      }
    }};
    auto const acknowledged = process.last_of_the_rest(0);
    INFO("limit " << limit);
    CHECK(process.end(0) == 0);
    CHECK(acknowledged > 2);
    auto log = sqlite_log::open(log_options(path)).value();
    auto const all = log.load();
    REQUIRE(all.has_value());
    REQUIRE(all->groups.size() == 3);
    CHECK(all->groups[0].last >= log_index{acknowledged});
    CHECK(all->groups[0].last <= log_index{acknowledged + 1});
    CHECK(all->groups[1].state.term.value == all->groups[0].last.value);
    auto next = log_batch_of(all->groups[0].last.value + 1);
    next.groups[0].truncated.reset();
    CHECK(log.commit(next).has_value());  // with space again the log goes on
  }
}

TEST_CASE("a full disk ends an engine with disk_full, and what was synced is there", "[storage][sqlite][full]") {
  for (std::uint64_t const limit : {200'000U, 333'333U}) {
    temporary_directory directory;
    auto const path = directory.file("data");
    child process{[&](auto tell) {
      limit_files(limit);
      auto engine = sqlite_kv::open(kv_options(path));
      if (!engine) ::_exit(1);
      for (std::uint64_t i = 1;; ++i) {
        auto written = engine->write(kv_batch_of(i));
        if (written) written = engine->sync();
        if (written) {
          tell(i);
          continue;
        }
        if (written.error().outcome != outcome::fatal) ::_exit(2);
        if (written.error().code != error_code::disk_full) ::_exit(3);
        if (auto const next = engine->write(kv_batch_of(i)); next || next.error() != written.error()) ::_exit(4);
        if (auto const next = engine->sync(); next || next.error() != written.error()) ::_exit(5);
        return;
      }
    }};
    auto const synced = process.last_of_the_rest(0);
    INFO("limit " << limit);
    CHECK(process.end(0) == 0);
    CHECK(synced > 2);
    auto const found = batches_of(path);
    CHECK(found >= synced);
    CHECK(found <= synced + 1);
  }
}

TEST_CASE("a disk that is full from the start gives no half-made file", "[storage][sqlite][full]") {
  for (std::uint64_t limit = 0; limit < 80'000; limit += 5'003) {
    temporary_directory directory;
    child process{[&](auto) {
      limit_files(limit);
      if (auto const log = sqlite_log::open(log_options(directory.file("log")));
          !log && log.error().code != error_code::disk_full)
        ::_exit(2);
      if (auto const engine = sqlite_kv::open(kv_options(directory.file("data")));
          !engine && engine.error().code != error_code::disk_full)
        ::_exit(3);
    }};
    INFO("limit " << limit);
    CHECK(process.end(0) == 0);
    CHECK(commits_of(directory.file("log")) == 0);
    CHECK(batches_of(directory.file("data")) == 0);
  }
}
