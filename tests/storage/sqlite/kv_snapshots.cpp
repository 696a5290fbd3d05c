#include <tinykv/kv/kv_machine.hpp>
#include <tinykv/raftstore/snapshot_file.hpp>
#include <tinykv/storage/snapshot_files.hpp>
#include <tinykv/storage/sqlite/sqlite_kv.hpp>

#include "storage/temporary_directory.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>
#include <unistd.h>

// The key/value machine, the SQLite engine and spool files together: what neither of them can show alone.

using namespace tinykv;
using machine = kv::kv_machine<storage::sqlite_kv>;
using policy::snapshot_slot;
using writer = raftstore::snapshot_file_writer<storage::snapshot_files>;
using reader = raftstore::snapshot_file_reader<storage::snapshot_files>;

static_assert(policy::ReplaceableMachine<machine>);
static_assert(policy::ConfigurableMachine<machine>);
static_assert(policy::RetirableMachine<machine>);

namespace {

constexpr group_id group{1};
constexpr position at{log_index{900}, term{7}};

storage::sqlite_kv_options at_path(std::string path) {
  storage::sqlite_kv_options out;
  out.path = std::move(path);
  out.families = kv::family_names();
  return out;
}
machine opened(storage::sqlite_kv_options options) {
  auto engine = storage::sqlite_kv::open(std::move(options));
  REQUIRE(engine);
  auto out = machine::open(std::move(*engine), group);
  REQUIRE(out);
  return std::move(*out);
}
machine bootstrapped(storage::sqlite_kv_options options) {
  auto out = opened(std::move(options));
  REQUIRE(out.bootstrap({group, {}, {}, {1, 1}, {}}));
  return out;
}
std::string key_of(int i) { return "key " + std::to_string(1'000'000 + i); }
/// Differs from key to key.
std::string value_of(int i, std::size_t size) { return std::to_string(i) + std::string(size - 8, static_cast<char>(i)); }
kv::kv_reply apply(machine& to, std::vector<codec::kv_write> writes) {
  return to.apply(to.applied().index + 1, codec::encode({group, {0, 0}, std::move(writes)}));
}
/// Keys [from, to) with values of `size` bytes, 64 in a command.
void fill(machine& into, int from, int to, std::size_t size) {
  for (int i = from; i < to; i += 64) {
    std::vector<std::string> text;
    std::vector<codec::kv_write> writes;
    text.reserve(128);
    for (int k = i; k < std::min(i + 64, to); ++k) {
      auto const& key = text.emplace_back(key_of(k));
      writes.push_back({key, text.emplace_back(value_of(k, size)), false, {}});
    }
    REQUIRE(apply(into, std::move(writes)).ok());
  }
}
std::uint64_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}
/// Looks, from a thread of its own, how far memory rises above what it is at the beginning.
class memory_watch {
 public:
  memory_watch() {
    ::malloc_trim(0);
    base_ = resident_bytes();
    thread_ = std::thread{[this] {
      while (!stop_) {
        auto const now = resident_bytes();
        if (now > base_ && now - base_ > most_) most_ = now - base_;
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      }
    }};
  }
  ~memory_watch() { static_cast<void>(most()); }
  std::uint64_t most() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return most_;
  }

 private:
  std::uint64_t base_ = 0;
  std::atomic<std::uint64_t> most_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

bool sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

}  // namespace

TEST_CASE("64 MiB go through a snapshot file into another machine in bounded memory", "[kv][snapshot][sqlite]") {
  tests::temporary_directory directory;
  auto files = storage::snapshot_files::open(directory.file("snapshots"));
  REQUIRE(files);
  constexpr int count = 16'384;
  constexpr std::size_t size = 4096;
  auto sender = bootstrapped(at_path(directory.file("sender")));
  fill(sender, 0, count, size);
  auto receiver = bootstrapped(at_path(directory.file("receiver")));
  for (int i = 0; i < 20; ++i) fill(receiver, count + i * 500, count + i * 500 + 200, size);  // to be cleared: 16 MiB

  memory_watch memory;
  {
    auto out = writer::create(*files, group, snapshot_slot::incoming);
    REQUIRE(out);
    REQUIRE(sender.view()->save(*out));
    CHECK(out->bytes_written() > std::uint64_t{count} * size);
    REQUIRE(out->finish({at, {}}));
  }
  CHECK(raftstore::verify_snapshot(*files, group, snapshot_slot::incoming).value().at == at);
  REQUIRE(receiver.begin_restore(bytes::copy_of(std::string_view{"64 MiB"})));
  {
    auto in = reader::open(*files, group, snapshot_slot::incoming);
    REQUIRE(in);
    REQUIRE(receiver.restore(*in, at));
  }
  auto const most = memory.most();
  INFO("extra memory: " << most / 1024 << " KiB");
  if (!sanitized()) CHECK(most < 32ULL << 20);  // a sanitizer keeps freed memory back

  CHECK(receiver.applied() == at);
  auto const view = receiver.view();
  for (int i = 0; i < count; i += 997) CHECK((*view->get(key_of(i)))->view() == value_of(i, size));
  CHECK_FALSE(view->get(key_of(count))->has_value());
  CHECK(view->scan({{}, {}, false, ~0ULL, ~0ULL, true})->pairs.size() == static_cast<std::size_t>(count));
}

TEST_CASE("a snapshot that is half in when the process ends goes on after the next start", "[kv][snapshot][sqlite]") {
  tests::temporary_directory directory;
  auto files = storage::snapshot_files::open(directory.file("snapshots"));
  REQUIRE(files);
  {
    auto sender = bootstrapped(at_path(directory.file("sender")));
    fill(sender, 0, 2000, 1000);
    auto out = writer::create(*files, group, snapshot_slot::incoming);
    REQUIRE(sender.view()->save(*out));
    REQUIRE(out->finish({at, {}}));
  }
  struct stops_early : policy::snapshot_reader {
    explicit stops_early(reader from) : below(std::move(from)) {}
    result<std::optional<bytes>> next() override {
      if (left-- == 0) return fatal(error_code::io, "stopped");
      return below.next();
    }
    reader below;
    int left = 25;
  };
  {
    auto receiver = bootstrapped(at_path(directory.file("receiver")));
    fill(receiver, 5000, 9000, 1000);
    REQUIRE(receiver.begin_restore(bytes::copy_of(std::string_view{"note"})));
    stops_early in{*reader::open(*files, group, snapshot_slot::incoming)};
    CHECK_FALSE(receiver.restore(in, at));
    CHECK(receiver.view()->scan({{}, {}, false, ~0ULL, ~0ULL, true})->pairs.size() > 500);  // half of it is there
  }
  auto receiver = opened(at_path(directory.file("receiver")));
  REQUIRE(receiver.restoring());
  CHECK(receiver.restoring()->view() == "note");
  auto in = reader::open(*files, group, snapshot_slot::incoming);
  REQUIRE(receiver.restore(*in, at));
  CHECK(receiver.view()->scan({{}, {}, false, ~0ULL, ~0ULL, true})->pairs.size() == 2000);
  CHECK_FALSE(receiver.restoring());
}

TEST_CASE("what is applied does not wait for those who read", "[kv][sqlite]") {
  tests::temporary_directory directory;
  auto options = at_path(directory.file("data"));
  options.views_max = 3;
  auto busy = bootstrapped(options);
  REQUIRE(apply(busy, {{"a", "1", false, {}}}).ok());
  std::vector<machine::view_type> readers;
  for (int i = 0; i < 3; ++i) readers.push_back(std::move(*busy.view()));
  CHECK(busy.view().error().code == error_code::busy);
  CHECK(apply(busy, {{"a", "2", true, "1"}}).ok());  // a condition has to be read
  CHECK(apply(busy, {{"a", "3", true, "1"}}).error->code == error_code::compare_failed);
  CHECK(busy.view().error().code == error_code::busy);  // the writer's view was not one of theirs, and is closed
  REQUIRE(busy.retire());
  CHECK((*readers.front().get("a"))->view() == "1");
  readers.pop_back();
  CHECK(busy.view().has_value());
}

TEST_CASE("a long save neither stops the writer nor changes what it saves", "[kv][snapshot][sqlite]") {
  tests::temporary_directory directory;
  auto options = at_path(directory.file("data"));
  options.checkpoint_bytes = 1U << 20;
  auto busy = bootstrapped(options);
  fill(busy, 0, 3000, 1000);
  struct slow_records : policy::snapshot_writer {
    result<done> write(std::string_view record) override {
      while (written_beside.load() < all.size() * 20) std::this_thread::yield();  // the writer is always faster
      all.emplace_back(record);
      return done{};
    }
    std::vector<std::string> all;
    std::atomic<std::size_t> written_beside{0};
  } out;
  auto const view = busy.view();
  REQUIRE(view);
  result<done> saved = fatal(error_code::io, "not done");
  std::atomic<bool> finished{false};
  std::thread copy{[&] {
    saved = view->save(out);
    finished = true;
  }};
  std::size_t rounds = 0;
  for (; !finished || rounds < 100; ++rounds, ++out.written_beside) {
    auto const n = static_cast<int>(rounds % 3000);
    auto const key = key_of(n);
    CHECK(apply(busy, {{key, "new", false, {}}, {"beside", key, false, {}}}).ok());
    if (rounds % 50 == 0) CHECK(busy.sync());
  }
  copy.join();
  REQUIRE(saved);
  CHECK(rounds > 500);
  std::size_t pairs = 0;
  for (std::size_t i = 1; i < out.all.size(); ++i)
    REQUIRE(codec::for_pairs(out.all[i], [&](std::uint8_t, std::string_view key, std::string_view value) -> result<done> {
      CHECK(key == key_of(static_cast<int>(pairs)));
      CHECK(value.substr(1) == value_of(static_cast<int>(pairs), 1000));
      ++pairs;
      return done{};
    }));
  CHECK(pairs == 3000);
}

TEST_CASE("a view that lets the write-ahead log grow too far reads no further, and the log begins anew", "[kv][snapshot][sqlite]") {
  tests::temporary_directory directory;
  auto options = at_path(directory.file("data"));
  options.checkpoint_bytes = 64U << 10;
  options.view_wal_bytes_max = 4U << 20;
  auto engine = storage::sqlite_kv::open(options);
  REQUIRE(engine);
  policy::kv_batch batch;
  for (int i = 0; i < 100; ++i) batch.put(kv::raw_family, bytes::copy_of(key_of(i)), bytes::copy_of(value_of(i, 2000)));
  REQUIRE(engine->write(batch));
  std::uint64_t largest = 0;
  {
    auto const view = engine->view();
    auto cursor = view->cursor(kv::raw_family);
    cursor.seek("");
    for (int i = 0; i < 10; ++i) REQUIRE(engine->write(batch));  // 2 MiB and more
    CHECK(view->get(kv::raw_family, key_of(1)).has_value());
    cursor.next();
    CHECK(cursor.valid());
    for (int i = 0; i < 20; ++i) REQUIRE(engine->write(batch));
    largest = engine->wal_bytes();
    CHECK(view->get(kv::raw_family, key_of(1)).error().code == error_code::busy);
    cursor.next();
    CHECK_FALSE(cursor.valid());
    REQUIRE(cursor.error());
    CHECK(cursor.error()->outcome == outcome::rejected);
    cursor.seek("");
    CHECK_FALSE(cursor.valid());
    CHECK(engine->view()->get(kv::raw_family, key_of(1)).has_value());  // a new one sees the same
  }
  CHECK(largest > 4U << 20);
  for (int i = 0; i < 3; ++i) REQUIRE(engine->write(batch));
  CHECK(engine->wal_bytes() < largest / 2);
}
