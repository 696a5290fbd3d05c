#include <tinykv/raftstore/snapshot_file.hpp>

#include "support/catch.hpp"

#include <tinykv/storage/memory_snapshots.hpp>

#include <string>
#include <vector>

using namespace tinykv;
using policy::snapshot_slot;
using raftstore::snapshot_file_reader;
using raftstore::snapshot_file_writer;
using raftstore::verify_snapshot;
using storage::memory_snapshots;

namespace {

constexpr group_id group{7};
constexpr auto slot = snapshot_slot::incoming;

raft::snapshot_meta some_meta() {
  raft::snapshot_meta meta{{log_index{300}, term{5}}, {}};
  meta.configuration.version = 4;
  meta.configuration.voters = {{peer_id{1}, store_id{1}}, {peer_id{2}, store_id{2}}};
  meta.configuration.learners = {{peer_id{3}, store_id{9}}};
  return meta;
}

void write(memory_snapshots& files, std::vector<std::string> const& records, raft::snapshot_meta const& meta = some_meta()) {
  auto out = snapshot_file_writer<memory_snapshots>::create(files, group, slot);
  REQUIRE(out);
  for (auto const& record : records) REQUIRE(out->write(record));
  REQUIRE(out->finish(meta));
}

/// The records, and how the file ends: "" or the code of the failure.
std::pair<std::vector<std::string>, std::string> read(memory_snapshots& files) {
  std::vector<std::string> out;
  auto in = snapshot_file_reader<memory_snapshots>::open(files, group, slot);
  if (!in) return {out, std::string{name_of(in.error().code)}};
  for (;;) {
    auto const record = in->next();
    if (!record) {
      CHECK(record.error().outcome == outcome::fatal);
      CHECK_FALSE(in->meta());
      CHECK(in->next().error() == record.error());
      return {out, std::string{name_of(record.error().code)}};
    }
    if (!*record) {
      CHECK_FALSE(*in->next());
      CHECK(in->meta() == some_meta());
      return {out, ""};
    }
    out.push_back((*record)->str());
  }
}

std::string contents(memory_snapshots const& files) { return files.read(group, slot, 0, ~std::size_t{0})->str(); }
void replace(memory_snapshots& files, std::string const& data) {
  REQUIRE(files.create(group, slot));
  REQUIRE(files.append(group, slot, data));
}
std::string verdict(memory_snapshots& files) {
  auto const meta = verify_snapshot(files, group, slot);
  return meta ? "" : std::string{name_of(meta.error().code)};
}

/// Counts what is asked of the files below it.
class watched_files {
 public:
  static constexpr bool durable = false;
  result<done> create(group_id g, snapshot_slot s) { return below_.create(g, s); }
  result<done> append(group_id g, snapshot_slot s, std::string_view data) {
    ++appends;
    if (appends_until_failure-- == 0) return fatal(error_code::disk_full, "full");
    largest_append = std::max(largest_append, data.size());
    unsynced = true;
    return below_.append(g, s, data);
  }
  result<done> sync(group_id g, snapshot_slot s) {
    unsynced = false;
    return below_.sync(g, s);
  }
  result<std::optional<std::uint64_t>> size(group_id g, snapshot_slot s) { return below_.size(g, s); }
  result<bytes> read(group_id g, snapshot_slot s, std::uint64_t offset, std::size_t count) {
    largest_read = std::max(largest_read, count);
    if (fails_reading) return fatal(error_code::io, "the disk is gone");
    return below_.read(g, s, offset, count);
  }
  result<done> publish(group_id, snapshot_slot) {
    published = true;
    return done{};
  }
  result<done> remove(group_id g, snapshot_slot s) { return below_.remove(g, s); }

  std::size_t appends = 0;
  std::size_t appends_until_failure = ~std::size_t{0};
  std::size_t largest_append = 0;
  std::size_t largest_read = 0;
  bool unsynced = false;
  bool published = false;
  bool fails_reading = false;

 private:
  memory_snapshots below_;
};
static_assert(policy::SnapshotStorage<watched_files>);

}  // namespace

TEST_CASE("a spool file gives back records and meta", "[raftstore][snapshot]") {
  memory_snapshots files;
  for (auto const& records : std::vector<std::vector<std::string>>{
           {}, {""}, {"a"}, {"", "a", "", std::string("\0\xff", 2), std::string(100'000, 'x'), ""},
           std::vector<std::string>(5000, std::string(200, 'y'))}) {
    write(files, records);
    CHECK(read(files) == std::pair{records, std::string{}});
    CHECK(verify_snapshot(files, group, slot).value() == some_meta());
  }
}

TEST_CASE("a file that is not there is no damage", "[raftstore][snapshot]") {
  memory_snapshots files;
  CHECK(verify_snapshot(files, group, slot).error() == rejected(error_code::not_found, "there is no such snapshot file"));
}

TEST_CASE("the bytes of a spool file are those of its grammar", "[raftstore][snapshot]") {
  memory_snapshots files;
  write(files, {"ab", ""}, {{log_index{300}, term{5}}, {}});
  auto const data = contents(files);
  std::string configuration;  // has a grammar of its own
  codec::writer whole{configuration};
  raft::encode(whole, raft::membership{});
  // size, sum, data; twice; then the end: format 1, 2 records, 2 bytes, index 300, term 5, configuration
  auto const end_size = static_cast<char>(7 + configuration.size());
  auto const without_sums = data.substr(0, 4) + data.substr(8, 2 + 4) + data.substr(18, 4) + data.substr(26);
  CHECK(without_sums == std::string("\2\0\0\0ab" "\0\0\0\0", 10) + end_size + std::string("\0\0\x80" "\1\2\2\xac\2\5", 9) +
                              static_cast<char>(configuration.size()) + configuration);
  CHECK(data.size() == 3 * 8 + 2 + 7 + configuration.size());
  // The sum of the first record is that of its size and data (CRC-32C of 02 00 00 00 61 62).
  CHECK(data.substr(4, 4) == [] {
    auto const sum = crc32c(std::string_view{"\2\0\0\0ab", 6});
    std::string out;
    for (int i = 0; i < 4; ++i) out += static_cast<char>(sum >> (8 * i));
    return out;
  }());
}

TEST_CASE("a spool file with one flipped bit is refused, whichever it is", "[raftstore][snapshot][hostile]") {
  memory_snapshots files;
  std::vector<std::string> const records{"first record", "", "third"};
  write(files, records);
  auto const data = contents(files);
  for (std::size_t at = 0; at < data.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      auto broken = data;
      broken[at] = static_cast<char>(broken[at] ^ (1 << bit));
      replace(files, broken);
      INFO("byte " << at << " bit " << bit);
      CHECK(verdict(files) == "corrupt");
      auto const [given, how] = read(files);
      CHECK(how == "corrupt");
      REQUIRE(given.size() <= records.size());
      for (std::size_t i = 0; i < given.size(); ++i) CHECK(given[i] == records[i]);  // no damaged record is given
    }
}

TEST_CASE("a spool file that is cut, or goes on, is refused", "[raftstore][snapshot][hostile]") {
  memory_snapshots files;
  write(files, {"first record", "", "third"});
  auto const data = contents(files);
  for (std::size_t size = 0; size < data.size(); ++size) {
    replace(files, data.substr(0, size));
    INFO("cut to " << size);
    CHECK(verify_snapshot(files, group, slot).error() == fatal(error_code::corrupt, "the snapshot file ends too early"));
  }
  for (auto const& more : {std::string(1, '\0'), std::string(8, '\0'), data}) {
    replace(files, data + more);
    CHECK(verdict(files) == "corrupt");
  }
  std::string with_a_hole = data;
  std::fill(with_a_hole.begin() + 10, with_a_hole.end() - 10, '\0');
  replace(files, with_a_hole);
  CHECK(verdict(files) == "corrupt");
}

TEST_CASE("records that are missing, repeated, swapped or from another file are found", "[raftstore][snapshot][hostile]") {
  memory_snapshots files;
  write(files, {"aaaa", "bbbb", "cccc"});
  auto const data = contents(files);
  write(files, {"xxxx", "bbbb", "cccc"});
  auto const other = contents(files);
  auto const record = [](std::string const& of, std::size_t i) { return of.substr(i * 12, 12); };
  auto const end = data.substr(36);
  for (auto const& broken :
       {record(data, 0) + record(data, 1) + end, record(data, 1) + record(data, 2) + end, end,
        record(data, 0) + record(data, 0) + record(data, 1) + record(data, 2) + end,
        record(data, 1) + record(data, 0) + record(data, 2) + end,
        record(data, 0) + record(data, 1) + record(other, 2) + end,
        record(other, 0) + record(data, 1) + record(data, 2) + end,
        data.substr(0, 36) + other.substr(36)}) {
    replace(files, broken);
    CHECK(verdict(files) == "corrupt");
  }
  replace(files, record(data, 0) + record(data, 1) + record(data, 2) + end);
  CHECK(verdict(files) == "");
}

TEST_CASE("a length that the file cannot hold takes no memory", "[raftstore][snapshot][hostile]") {
  watched_files files;
  for (auto const size : {0x7fffffffU, 0xffffffffU, 0x00400001U, 0x00400000U, 0x80400001U, 100U, 9U}) {
    std::string data;
    codec::writer out{data};
    out.u32(size);
    out.u32(0);
    out.raw("12345678");
    REQUIRE(files.create(group, slot));
    REQUIRE(files.append(group, slot, data));
    CHECK(verify_snapshot(files, group, slot).error().code == error_code::corrupt);
  }
  CHECK(files.largest_read == 16);
}

TEST_CASE("a file whose sums are right is refused all the same when its records are not those it speaks of", "[raftstore][snapshot][hostile]") {
  auto const forged = [](std::vector<std::string> const& records, std::uint64_t count, std::uint64_t size, std::string const& extension = {}) {
    std::string data;
    codec::writer out{data};
    std::uint32_t sum = 0;
    auto const add = [&](std::uint32_t field, std::string const& text) {
      sum = raftstore::detail::spool_sum(sum, field, text);
      out.u32(field);
      out.u32(sum);
      out.raw(text);
    };
    for (auto const& record : records) add(static_cast<std::uint32_t>(record.size()), record);
    auto const end = raftstore::detail::encode({count, size, some_meta()}) + extension;
    add(0x80000000U | static_cast<std::uint32_t>(end.size()), end);
    return data;
  };
  memory_snapshots files;
  std::string const largest(4U << 20, 'x');
  struct { std::vector<std::string> records; std::uint64_t count; std::uint64_t bytes; char const* verdict; } const table[] = {
      {{"ab", "c"}, 2, 3, ""}, {{"ab", "c"}, 3, 3, "corrupt"}, {{"ab", "c"}, 1, 3, "corrupt"}, {{"ab", "c"}, 2, 4, "corrupt"},
      {{"ab", "c"}, 2, 2, "corrupt"}, {{}, 0, 0, ""}, {{largest}, 1, 4U << 20, ""}, {{largest + "x"}, 1, (4U << 20) + 1, "corrupt"}};
  for (auto const& row : table) {
    INFO(row.records.size() << " records, said to be " << row.count << " of " << row.bytes << " bytes");
    replace(files, forged(row.records, row.count, row.bytes));
    CHECK(verdict(files) == row.verdict);
  }
  replace(files, forged({"ab"}, 1, 2, "of a later version"));
  CHECK(read(files) == std::pair{std::vector<std::string>{"ab"}, std::string{}});
}

TEST_CASE("a spool file of another version is told from a damaged one", "[raftstore][snapshot]") {
  memory_snapshots files;
  std::string end{"\2later"};
  std::string data;
  codec::writer out{data};
  auto const field = 0x80000000U | static_cast<std::uint32_t>(end.size());
  out.u32(field);
  std::string summed;
  codec::writer{summed}.u32(field);
  out.u32(crc32c(summed + end));
  out.raw(end);
  replace(files, data);
  CHECK(verdict(files) == "version_mismatch");
}

TEST_CASE("writing and reading take bounded memory", "[raftstore][snapshot]") {
  watched_files files;
  auto out = snapshot_file_writer<watched_files>::create(files, group, slot);
  REQUIRE(out);
  constexpr std::size_t largest = policy::snapshot_writer::record_bytes_max;
  std::string const record(64 << 10, 'r');
  for (int i = 0; i < 320; ++i) REQUIRE(out->write(record));  // 20 MiB
  REQUIRE(out->write(std::string(largest, 'l')));
  CHECK(out->write(std::string(largest + 1, 'l')).error().code == error_code::too_large);
  CHECK(out->bytes_written() == 320 * record.size() + largest);
  CHECK(files.appends > 50);
  CHECK(files.largest_append <= largest + (256 << 10) + 8);
  files.largest_append = 0;
  REQUIRE(out->finish(some_meta()));
  CHECK_FALSE(files.unsynced);
  CHECK_FALSE(files.published);
  CHECK(verify_snapshot(files, group, slot).value() == some_meta());  // the refused record has left no trace
  CHECK(files.largest_read <= largest);
}

TEST_CASE("a file without its end is refused: finish makes it one", "[raftstore][snapshot]") {
  memory_snapshots files;
  auto out = snapshot_file_writer<memory_snapshots>::create(files, group, slot);
  REQUIRE(out);
  for (int i = 0; i < 10; ++i) REQUIRE(out->write(std::string(64 << 10, 'x')));
  CHECK(verdict(files) == "corrupt");
  REQUIRE(out->finish(some_meta()));
  CHECK(verdict(files) == "");
}

TEST_CASE("errors of the disk are passed on", "[raftstore][snapshot]") {
  for (std::size_t fails_at = 0; fails_at < 3; ++fails_at) {
    watched_files files;
    files.appends_until_failure = fails_at;
    auto out = snapshot_file_writer<watched_files>::create(files, group, slot);
    REQUIRE(out);
    result<done> written;
    for (int i = 0; i < 9 && written; ++i) written = out->write(std::string(64 << 10, 'x'));
    if (written) written = out->finish(some_meta());
    REQUIRE_FALSE(written);
    CHECK(written.error().code == error_code::disk_full);
  }
  watched_files files;
  auto out = snapshot_file_writer<watched_files>::create(files, group, slot);
  REQUIRE(out->finish(some_meta()));
  files.fails_reading = true;
  CHECK(verify_snapshot(files, group, slot).error().code == error_code::io);
}
