#include <tinykv/storage/sqlite/sqlite_kv.hpp>

#include <tinykv/core/random.hpp>

#include "storage/sqlite/files.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace tinykv;
using namespace tinykv::tests;
using storage::sqlite_kv;
using storage::sqlite_kv_options;

namespace {

sqlite_kv_options options_at(std::string path) {
  sqlite_kv_options options;
  options.path = std::move(path);
  options.families = {"default", "lock", "write"};
  return options;
}
bytes text(std::string_view t) { return bytes::copy_of(t); }

using contents = std::map<std::pair<int, std::string>, std::string>;

result<contents> read(sqlite_kv const& engine) {
  auto view = engine.view();
  if (!view) return view.error();
  contents out;
  for (std::uint8_t f = 0; f < 3; ++f) {
    auto cursor = view->cursor({f});
    for (cursor.seek(""); cursor.valid(); cursor.next()) out[{f, std::string{cursor.key()}}] = cursor.value();
    if (cursor.error()) return *cursor.error();
  }
  return out;
}
result<contents> read(std::string const& path) {
  auto engine = sqlite_kv::open(options_at(path));
  if (!engine) return engine.error();
  return read(*engine);
}

/// Batch i writes one key of its own and replaces one, in every family.
policy::kv_batch batch_of(int i) {
  policy::kv_batch batch;
  for (std::uint8_t f = 0; f < 3; ++f) {
    batch.put({f}, text("latest"), text(std::to_string(i)));
    batch.put({f}, text("n" + std::to_string(i)), text(std::string(static_cast<std::size_t>(50 + i * 37 % 300), 'v')));
  }
  return batch;
}

}  // namespace

TEST_CASE("no key is answered with other data, whichever bit of the file flips", "[storage][sqlite][rot]") {
  temporary_directory directory;
  auto const path = directory.file("data");
  {
    auto options = options_at(path);
    options.page_size = 4096;
    auto engine = sqlite_kv::open(options).value();
    for (int i = 0; i < 60; ++i) REQUIRE(engine.write(batch_of(i)));
  }
  auto const good = read_file(path);
  auto const want = read(path).value();
  tinykv::random dice{11};
  int found = 0;
  int equal = 0;
  for (std::size_t at = 100; at < good.size(); at += 1 + static_cast<std::size_t>(dice.below(160))) {
    auto rotten = good;
    rotten[at] = static_cast<char>(rotten[at] ^ (1 << dice.below(8)));
    write_file(path, rotten);
    auto const engine = sqlite_kv::open(options_at(path));
    INFO("byte " << at << (engine ? "" : ": " + engine.error().detail));
    if (!engine) {
      CHECK((engine.error().code == error_code::corrupt || engine.error().code == error_code::foreign));
      ++found;
      continue;
    }
    auto const all = read(*engine);
    if (!all) {
      CHECK((all.error().code == error_code::corrupt && all.error().outcome == outcome::fatal));
      ++found;
    } else {
      equal += *all == want ? 1 : 0;
      for (auto const& [place, value] : *all) CHECK((want.count(place) == 1 && want.at(place) == value));
    }
    auto const view = engine->view();
    if (!view) continue;
    for (auto const& [place, value] : want) {
      auto const got = view->get({static_cast<std::uint8_t>(place.first)}, place.second);
      if (!got)
        CHECK(got.error().code == error_code::corrupt);
      else if (*got)
        CHECK((*got)->view() == value);
    }
  }
  CHECK(found > 50);
  CHECK(equal > 10);
}

TEST_CASE("a value in the place of another is found", "[storage][sqlite][rot]") {
  temporary_directory directory;
  auto const path = directory.file("data");
  {
    auto engine = sqlite_kv::open(options_at(path)).value();
    policy::kv_batch batch;
    batch.put({0}, text("a"), text("1"));
    batch.put({0}, text("b"), text("2"));
    batch.put({1}, text("a"), text("3"));
    REQUIRE(engine.write(batch));
  }
  SECTION("of another key") { run_sql(path, "UPDATE family_default SET (v, c) = (SELECT v, c FROM family_default WHERE k = x'62') WHERE k = x'61'"); }
  SECTION("of another family") { run_sql(path, "UPDATE family_default SET (v, c) = (SELECT v, c FROM family_lock WHERE k = x'61') WHERE k = x'61'"); }
  SECTION("of another type") { run_sql(path, "UPDATE family_default SET v = CAST(v AS TEXT) WHERE k = x'61'"); }
  auto const engine = sqlite_kv::open(options_at(path)).value();
  auto const view = engine.view().value();
  CHECK(view.get({0}, "a").error().code == error_code::corrupt);
  CHECK(view.get({0}, "a").error().outcome == outcome::fatal);
  CHECK(view.get({0}, "b").value() == text("2"));
  auto cursor = view.cursor({0});
  cursor.seek("a");
  CHECK(!cursor.valid());
  REQUIRE(cursor.error());
  CHECK(cursor.error()->code == error_code::corrupt);
  cursor.seek("b");
  CHECK((cursor.valid() && !cursor.error()));
}

TEST_CASE("after a crash at any byte of the engine's write-ahead log a prefix of the batches is there",
          "[storage][sqlite][crash]") {
  temporary_directory directory;
  auto const live = directory.path() / "live";
  auto const crashed = directory.path() / "crashed";
  std::filesystem::create_directory(live);
  std::vector<contents> history{{}};
  std::vector<std::uint64_t> written_at{0};
  files disk;
  {
    auto options = options_at((live / "data").string());
    options.page_size = 1024;
    auto engine = sqlite_kv::open(options).value();
    for (int i = 1; i <= 12; ++i) {
      REQUIRE(engine.write(batch_of(i)));
      history.push_back(read(engine).value());
      written_at.push_back(std::filesystem::file_size(live / "data-wal"));
    }
    disk = all_files(live);
    disk.erase("data-shm");  // memory, not disk
  }
  auto const wal = disk.at("data-wal");
  std::size_t reached = 0;
  for (std::size_t size = 0; size <= wal.size(); size += 487) {
    disk["data-wal"] = wal.substr(0, size);
    put_files(crashed, disk);
    auto const got = read((crashed / "data").string());
    INFO("cut at byte " << size);
    REQUIRE(got.has_value());
    auto const found = std::find(history.begin(), history.end(), *got);
    REQUIRE(found != history.end());
    auto const batches = static_cast<std::size_t>(found - history.begin());
    for (std::size_t n = 0; n < written_at.size(); ++n)
      if (written_at[n] <= size) CHECK(batches >= n);
    reached = std::max(reached, batches);
  }
  CHECK(reached >= 11);
}

TEST_CASE("a sync that would change nothing, and so sync nothing, fails", "[storage][sqlite]") {
  temporary_directory directory;
  storage::sqlite_kv_options options;
  options.path = directory.file("data");
  options.families = {"default"};
  REQUIRE(storage::sqlite_kv::open(options));
  run_sql(options.path, "DELETE FROM meta WHERE key = 'syncs'");
  auto engine = storage::sqlite_kv::open(options).value();
  auto const synced = engine.sync();
  REQUIRE_FALSE(synced);
  CHECK(synced.error().outcome == outcome::fatal);
  CHECK(synced.error().code == error_code::corrupt);
}

TEST_CASE("the number of views is bounded, and a closed one makes room", "[storage][sqlite]") {
  temporary_directory directory;
  auto options = options_at(directory.file("data"));
  options.views_max = 2;
  options.idle_views_max = 1;
  auto const engine = sqlite_kv::open(options).value();
  std::optional first{engine.view().value()};
  auto const second = engine.view().value();
  auto const third = engine.view();
  REQUIRE(!third.has_value());
  CHECK(third.error().code == error_code::busy);
  CHECK(third.error().outcome == outcome::rejected);
  CHECK(third.error().hint == 2);
  first.reset();
  CHECK(engine.view().has_value());
  CHECK(engine.view().has_value());
}

TEST_CASE("a view outlives its engine, and holds the file until it is closed", "[storage][sqlite]") {
  temporary_directory directory;
  auto const options = options_at(directory.file("data"));
  auto engine = std::optional{sqlite_kv::open(options).value()};
  REQUIRE(engine->write(batch_of(1)));
  auto view = std::optional{engine->view().value()};
  engine.reset();
  CHECK(view->get({2}, "latest").value() == text("1"));
  CHECK(sqlite_kv::open(options).error().code == error_code::locked);
  view.reset();
  CHECK(sqlite_kv::open(options).has_value());
}

TEST_CASE("an operation without family or key is refused, and its whole batch", "[storage][sqlite]") {
  temporary_directory directory;
  auto engine = sqlite_kv::open(options_at(directory.file("data"))).value();
  for (auto const bad : {0, 1, 2}) {
    policy::kv_batch batch;
    batch.put({0}, text("good"), text("x"));
    if (bad == 0) batch.put({3}, text("k"), text("v"));
    if (bad == 1) batch.put({0}, {}, text("v"));
    if (bad == 2) batch.erase({1}, {});
    auto const got = engine.write(batch);
    REQUIRE(!got.has_value());
    CHECK(got.error().code == error_code::invalid_argument);
    CHECK(got.error().outcome == outcome::rejected);
  }
  CHECK(read(engine).value().empty());
  REQUIRE(engine.write(batch_of(1)));
  CHECK(engine.view()->get({3}, "k").error().code == error_code::invalid_argument);
  auto const view = engine.view().value();
  auto cursor = view.cursor({3});
  cursor.seek("");
  CHECK((!cursor.valid() && cursor.error().has_value()));
}

TEST_CASE("families may be added at the end, not changed", "[storage][sqlite]") {
  temporary_directory directory;
  auto options = options_at(directory.file("data"));
  REQUIRE(sqlite_kv::open(options)->write(batch_of(1)));
  for (auto const& other : {std::vector<std::string>{"default", "lock"}, {"default", "write", "lock"},
                            {"default", "lock", "writer"}}) {
    options.families = other;
    auto const refused = sqlite_kv::open(options);
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == error_code::foreign);
    CHECK(refused.error().detail.find("default,lock,write") != std::string::npos);
  }
  for (auto const& bad : {std::vector<std::string>{}, {"Data"}, {"a;b"}, {""}, {"a", "a"}, std::vector<std::string>(257, "x")}) {
    options.families = bad;
    options.path = directory.file("never made");
    CHECK(sqlite_kv::open(options).error().code == error_code::invalid_argument);
    CHECK(!std::filesystem::exists(options.path));
  }
  options.path = directory.file("data");
  options.families = {"default", "lock", "write", "raft"};
  {
    auto engine = sqlite_kv::open(options).value();
    policy::kv_batch batch;
    batch.put({3}, text("k"), text("v"));
    REQUIRE(engine.write(batch));
    CHECK(engine.view()->get({2}, "latest").value() == text("1"));
  }
  CHECK(sqlite_kv::open(options)->view()->get({3}, "k").value() == text("v"));
}

TEST_CASE("a write that fails leaves an engine that only fails, and nothing of its batch", "[storage][sqlite]") {
  temporary_directory directory;
  auto const path = directory.file("data");
  REQUIRE(sqlite_kv::open(options_at(path))->write(batch_of(1)));
  run_sql(path, "CREATE TRIGGER broken BEFORE INSERT ON family_write WHEN new.k = x'6e33' BEGIN SELECT raise(FAIL, 'broken'); END");
  {
    auto engine = sqlite_kv::open(options_at(path)).value();
    REQUIRE(engine.write(batch_of(2)));
    auto const before = read(engine).value();
    auto const failed = engine.write(batch_of(3));
    REQUIRE(!failed.has_value());
    CHECK(failed.error().outcome == outcome::fatal);
    CHECK(failed.error().detail.find("broken") != std::string::npos);
    CHECK(engine.write(batch_of(4)).error() == failed.error());
    CHECK(engine.sync().error() == failed.error());
    CHECK(read(engine).value() == before);
  }
  CHECK(read(path).value().at({0, "latest"}) == "2");
}

TEST_CASE("the write-ahead log begins anew when no view holds it", "[storage][sqlite]") {
  temporary_directory directory;
  auto options = options_at(directory.file("data"));
  options.checkpoint_bytes = 100'000;
  auto engine = sqlite_kv::open(options).value();
  auto const fill = [&](int from) {
    std::uint64_t most = 0;
    for (int i = from; i < from + 60; ++i) {
      policy::kv_batch batch;
      batch.put({0}, text("k" + std::to_string(i % 10)), text(std::string(10'000, 'v')));
      REQUIRE(engine.write(batch));
      most = std::max(most, engine.wal_bytes());
    }
    return most;
  };
  CHECK(fill(0) < 300'000);
  {
    auto const view = engine.view().value();
    CHECK(fill(60) > 500'000);  // what an old view costs
    CHECK(view.get({0}, "k3").value()->size() == 10'000);
  }
  fill(120);
  CHECK(fill(180) < 300'000);
}
