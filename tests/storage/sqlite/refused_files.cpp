#include <tinykv/storage/sqlite/sqlite_kv.hpp>
#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include "storage/sqlite/files.hpp"
#include "support/catch.hpp"

#include <sys/wait.h>
#include <unistd.h>

using namespace tinykv;
using namespace tinykv::tests;

namespace {

struct log_model {
  static char const* name() { return "tinykv log"; }
  static result<storage::sqlite_log> open(std::string path) {
    storage::sqlite_log_options options;
    options.path = std::move(path);
    options.wal_bytes = 0;
    return storage::sqlite_log::open(options);
  }
  static void make(std::string path) {
    auto log = open(std::move(path)).value();
    REQUIRE(log.load());
    REQUIRE(log.commit({{}, bytes::copy_of(std::string(9000, 'r'))}));
  }
};
struct engine_model {
  static char const* name() { return "tinykv engine"; }
  static result<storage::sqlite_kv> open(std::string path) {
    storage::sqlite_kv_options options;
    options.path = std::move(path);
    options.families = {"default", "lock"};
    return storage::sqlite_kv::open(options);
  }
  static void make(std::string path) {
    auto engine = open(std::move(path)).value();
    policy::kv_batch batch;
    batch.put({0}, bytes::copy_of(std::string_view{"k"}), bytes::copy_of(std::string(9000, 'v')));
    REQUIRE(engine.write(batch));
  }
};

template <class Model>
failure refusal(temporary_directory const& directory, std::string const& name = "data") {
  auto const before = all_files(directory.path());
  auto const opened = Model::open(directory.file(name));
  REQUIRE(!opened.has_value());
  CHECK(all_files(directory.path()) == before);
  auto const why = opened.error();
  CHECK(why.detail.find(directory.file(name)) != std::string::npos);
  CHECK(why.detail.find('\n') == std::string::npos);
  CHECK(why.detail.find("; ") != std::string::npos);  // says what to do
  return why;
}

}  // namespace

TEMPLATE_TEST_CASE("a file of another program is refused and left as it is", "[storage][sqlite][refuse]", log_model,
                   engine_model) {
  temporary_directory directory;
  auto const path = directory.file("data");
  SECTION("text") { write_file(path, "dear diary\n"); }
  SECTION("a page of other bytes") { write_file(path, std::string(8192, '\x5a')); }
  SECTION("another program's SQLite database") { run_sql(path, "CREATE TABLE t (x); INSERT INTO t VALUES (1)"); }
  SECTION("another program's SQLite database, in WAL mode") {
    run_sql(path, "PRAGMA journal_mode = WAL; PRAGMA application_id = 77; CREATE TABLE t (x)");
  }
  SECTION("the other model's file") {
    if constexpr (std::is_same_v<TestType, log_model>)
      engine_model::make(path);
    else
      log_model::make(path);
  }
  auto const why = refusal<TestType>(directory);
  CHECK(why.code == error_code::foreign);
  CHECK(why.outcome == outcome::rejected);
  CHECK(why.detail.find(TestType::name()) != std::string::npos);
}

TEMPLATE_TEST_CASE("a file of a newer version is refused and left as it is", "[storage][sqlite][refuse]", log_model,
                   engine_model) {
  temporary_directory directory;
  auto const path = directory.file("data");
  TestType::make(path);
  auto data = read_file(path);
  data[63] = 2;  // the last byte of PRAGMA user_version
  write_file(path, data);
  auto const why = refusal<TestType>(directory);
  CHECK(why.code == error_code::foreign);
  CHECK(why.detail.find("version 2") != std::string::npos);
}

TEMPLATE_TEST_CASE("a damaged file is refused and left as it is", "[storage][sqlite][refuse]", log_model, engine_model) {
  temporary_directory directory;
  auto const path = directory.file("data");
  TestType::make(path);
  auto const data = read_file(path);
  SECTION("empty") { write_file(path, ""); }
  SECTION("cut within the header") { write_file(path, data.substr(0, 60)); }
  SECTION("cut after the first page") { write_file(path, data.substr(0, 4096)); }
  SECTION("cut by one byte") { write_file(path, data.substr(0, data.size() - 1)); }
  SECTION("gone, with its write-ahead log left") {
    std::filesystem::remove(path);
    write_file(path + "-wal", "frames");
  }
  SECTION("another word in the table meta") {
    auto changed = data;
    auto const at = changed.rfind(std::string{"format"} + TestType::name());
    REQUIRE(at != std::string::npos);
    changed[at + 8] ^= 1;
    write_file(path, changed);
  }
  SECTION("pages of zeros") { write_file(path, data.substr(0, 100) + std::string(data.size() - 100, '\0')); }
  auto const why = refusal<TestType>(directory);
  CHECK(why.code == error_code::corrupt);
  CHECK(why.outcome == outcome::fatal);
}

TEMPLATE_TEST_CASE("a path that cannot be a file is refused", "[storage][sqlite][refuse]", log_model, engine_model) {
  temporary_directory directory;
  std::filesystem::create_directory(directory.path() / "data");
  CHECK(refusal<TestType>(directory).code == error_code::io);
  CHECK(refusal<TestType>(directory, "none/data").code == error_code::io);
  CHECK(TestType::open("").error().code == error_code::invalid_argument);
}

TEMPLATE_TEST_CASE("a file is opened once at a time", "[storage][sqlite][refuse]", log_model, engine_model) {
  temporary_directory directory;
  auto const path = directory.file("data");
  TestType::make(path);
  {
    auto const held = TestType::open(path);
    REQUIRE(held.has_value());
    auto const again = TestType::open(path);
    REQUIRE(!again.has_value());
    CHECK(again.error().code == error_code::locked);
    CHECK(again.error().outcome == outcome::rejected);
    CHECK(again.error().detail.find("stop that one") != std::string::npos);

    auto const other = fork();  // another process, after the refusal in this one
    if (other == 0) {
      auto const theirs = TestType::open(path);
      _exit(!theirs && theirs.error().code == error_code::locked ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(other, &status, 0) == other);
    CHECK(status == 0);
  }
  CHECK(TestType::open(path).has_value());
}

TEMPLATE_TEST_CASE("a file that another program has locked is refused", "[storage][sqlite][refuse]", log_model,
                   engine_model) {
  temporary_directory directory;
  auto const path = directory.file("data");
  TestType::make(path);
  sqlite3* stranger = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &stranger) == SQLITE_OK);
  REQUIRE(sqlite3_exec(stranger, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE x (y); ", nullptr, nullptr,
                       nullptr) == SQLITE_OK);
  auto const opened = TestType::open(path);
  CHECK((!opened && opened.error().code == error_code::locked));
  sqlite3_close(stranger);
  CHECK(TestType::open(path).has_value());
}

TEMPLATE_TEST_CASE("a file that was only half made is made again", "[storage][sqlite]", log_model, engine_model) {
  temporary_directory directory;
  auto const path = directory.file("data");
  write_file(path + ".new", "half a file of a process that was killed");
  write_file(path + ".new-wal", "and its log");
  TestType::make(path);
  CHECK(TestType::open(path).has_value());
  CHECK(!std::filesystem::exists(path + ".new"));
  CHECK(!std::filesystem::exists(path + ".new-wal"));
}
