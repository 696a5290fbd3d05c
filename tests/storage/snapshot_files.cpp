#include <tinykv/storage/snapshot_files.hpp>

#include <tinykv/testing/conformance/snapshot_storage.hpp>

#include "storage/temporary_directory.hpp"
#include "support/catch.hpp"

#include <csignal>
#include <filesystem>
#include <memory>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace tinykv;
using policy::snapshot_slot;
using storage::snapshot_files;

namespace {

struct open_snapshot_files {
  std::shared_ptr<tests::temporary_directory> directory;

  result<snapshot_files> fresh() {
    directory = std::make_shared<tests::temporary_directory>();
    return snapshot_files::open(directory->file("snapshots"));
  }
  result<snapshot_files> reopen(snapshot_files before) {
    { auto const closed = std::move(before); }
    return snapshot_files::open(directory->file("snapshots"));
  }
};

constexpr group_id group{12};
constexpr auto incoming = snapshot_slot::incoming;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] auto const& each : std::filesystem::directory_iterator{"/proc/self/fd"}) ++count;
  return count;
}

}  // namespace

TEST_CASE("snapshot_files keeps the promises of SnapshotStorage", "[conformance][snapshot]") {
  for (auto const& each : testing::snapshot_storage_suite(open_snapshot_files{})) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

TEST_CASE("snapshot files are named by group and slot and are nobody else's to read", "[snapshot]") {
  tests::temporary_directory directory;
  auto files = snapshot_files::open(directory.file("snapshots"));
  REQUIRE(files);
  for (auto const slot : {incoming, snapshot_slot::outgoing}) {
    REQUIRE(files->create(group, slot));
    REQUIRE(files->append(group, slot, "x"));
    REQUIRE(files->sync(group, slot));
  }
  REQUIRE(files->publish(group, incoming));
  CHECK(tests::read_file(directory.file("snapshots/12.current")) == "x");
  CHECK(tests::read_file(directory.file("snapshots/12.outgoing")) == "x");
  CHECK_FALSE(std::filesystem::exists(directory.file("snapshots/12.incoming")));
  auto const mode = std::filesystem::status(directory.file("snapshots/12.current")).permissions();
  CHECK((mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all)) == std::filesystem::perms::none);
}

TEST_CASE("a directory that cannot be opened is named", "[snapshot]") {
  tests::temporary_directory directory;
  auto const nowhere = snapshot_files::open(directory.file("no/such/place"));
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().outcome == outcome::fatal);
  CHECK(nowhere.error().detail.find("no/such/place") != std::string::npos);
  tests::write_file(directory.file("file"), "");
  auto const a_file = snapshot_files::open(directory.file("file"));
  REQUIRE_FALSE(a_file);
  CHECK(a_file.error().code == error_code::io);
}

TEST_CASE("only files that are being written are held open", "[snapshot]") {
  tests::temporary_directory directory;
  auto files = snapshot_files::open(directory.file("snapshots"));
  REQUIRE(files);
  auto const before = open_descriptors();
  for (std::uint64_t g = 1; g <= 20; ++g) {
    REQUIRE(files->create(group_id{g}, incoming));
    REQUIRE(files->append(group_id{g}, incoming, "x"));
  }
  CHECK(open_descriptors() == before + 20);
  for (std::uint64_t g = 1; g <= 20; ++g) {
    if (g % 2 == 0) REQUIRE(files->sync(group_id{g}, incoming));
    else REQUIRE(files->remove(group_id{g}, incoming));
    static_cast<void>(files->read(group_id{g}, incoming, 0, 10));
    static_cast<void>(files->append(group_id{g + 100}, incoming, "no such file"));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a disk without space is told as such", "[snapshot]") {
  tests::temporary_directory directory;
  auto files = snapshot_files::open(directory.file("snapshots"));
  REQUIRE(files);
  std::filesystem::create_symlink("/dev/full", directory.file("snapshots/12.incoming"));
  auto const full = files->append(group, incoming, "x");
  REQUIRE_FALSE(full);
  CHECK(full.error().outcome == outcome::fatal);
  CHECK(full.error().code == error_code::disk_full);
  CHECK(full.error().detail.find("12.incoming") != std::string::npos);
  CHECK(files->sync(group, incoming).error() == full.error());
}

TEST_CASE("a file whose write failed is not used again until it is created anew", "[snapshot]") {
  // A limit on the size of files stands for the end of the disk: in a process of its own, since it cannot be lifted again.
  tests::temporary_directory directory;
  auto const child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit const limit{100'000, 100'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(10);
    auto files = snapshot_files::open(directory.file("snapshots"));
    if (!files || !files->create(group, incoming)) ::_exit(11);
    if (!files->append(group, incoming, std::string(60'000, 'x'))) ::_exit(12);
    auto const over = files->append(group, incoming, std::string(60'000, 'x'));
    if (over || over.error().outcome != outcome::fatal) ::_exit(13);
    if (files->append(group, incoming, "")) ::_exit(14);  // failed for good
    if (files->sync(group, incoming)) ::_exit(15);
    if (files->publish(group, incoming)) ::_exit(16);
    if (!files->create(group, incoming) || !files->append(group, incoming, "small")) ::_exit(17);
    if (!files->sync(group, incoming)) ::_exit(18);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(tests::read_file(directory.file("snapshots/12.incoming")) == "small");
}

TEST_CASE("a process that is killed leaves what it had published", "[snapshot]") {
  tests::temporary_directory directory;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  auto const child = ::fork();
  if (child == 0) {
    auto files = snapshot_files::open(directory.file("snapshots"));
    for (std::uint64_t round = 0;; ++round) {
      auto const data = std::string(5'000, static_cast<char>('a' + round % 26));
      if (!files->create(group, incoming) || !files->append(group, incoming, data) || !files->sync(group, incoming) ||
          !files->publish(group, incoming))
        ::_exit(1);
      if (round == 3 && ::write(ready[1], "x", 1) != 1) ::_exit(2);
    }
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  ::usleep(3'000);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  ::close(ready[0]);
  ::close(ready[1]);
  auto files = snapshot_files::open(directory.file("snapshots"));
  auto const left = files->read(group, snapshot_slot::current, 0, 10'000);
  REQUIRE(left);
  CHECK(left->size() == 5'000);
  CHECK(left->view() == std::string(5'000, left->view().front()));
}
