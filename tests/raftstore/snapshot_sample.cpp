// The sample of docs/snapshots.md: what stands between the marks is quoted there.

// [sample]
#include <tinykv/policy/snapshottable_machine.hpp>

#include <charconv>
#include <string>

namespace sample {

struct tally {
  using reply = std::int64_t;
  reply apply(tinykv::log_index, std::string_view command) { return value += command == "up" ? 1 : -1; }

  static constexpr std::string_view format = "tally 1 ";  // first, for those who come later
  tinykv::result<tinykv::done> save(tinykv::policy::snapshot_writer& out) const { return out.write(std::string{format} + std::to_string(value)); }
  tinykv::result<tinykv::done> restore(tinykv::policy::snapshot_reader& in, tinykv::position) {
    auto const record = in.next();
    if (!record) return record.error();
    auto const text = *record ? (*record)->view() : std::string_view{};
    if (!text.starts_with(format)) return tinykv::fatal(tinykv::error_code::version_mismatch, "the snapshot is of another version");
    auto const [end, error] = std::from_chars(text.data() + format.size(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return tinykv::fatal(tinykv::error_code::corrupt, "the snapshot holds no number");
    return tinykv::done{};
  }
  tinykv::result<tinykv::done> retire() {  // the store may be added again, without a restart
    value = 0;
    return tinykv::done{};
  }
  std::int64_t value = 0;
};

static_assert(tinykv::policy::SnapshottableMachine<tally>);
static_assert(tinykv::policy::RetirableMachine<tally>);

}  // namespace sample
// [sample]

#include "raftstore/harness.hpp"

using namespace raftstore_tests;

namespace {

void short_log(raftstore::options& o) {
  o.compaction.entries_max = 8;
  o.compaction.entries_kept = 2;
  o.compaction.follower_entries_max = 16;
}

void count_up(cluster<sample::tally>& c, int n) {
  for (int i = 0; i < n; ++i) {
    auto const done = c.leader().propose("up");
    c.run_until([&] { return !done->all.empty(); });
    REQUIRE(done->ok());
  }
}

void make_members(cluster<sample::tally>& c, std::vector<std::uint64_t> const& stores) {
  raft::membership target;
  for (auto const s : stores) target.voters.push_back({peer_id{}, store_id{s}});
  auto const done = c.leader().change(target);
  c.run_until([&] { return !done->all.empty(); });
  REQUIRE(done->ok());
}

std::int64_t value_at(cluster<sample::tally>& c, std::uint64_t store) {
  auto const read = c[store].read();
  c.run_until([&] { return !read->all.empty(); });
  REQUIRE(read->ok());
  return *read->all[0];
}

}  // namespace

TEST_CASE("the sample of the page on snapshots is compacted, joins by a snapshot and comes back after it has left", "[raftstore][snapshots][docs]") {
  cluster<sample::tally> c{3, short_log};
  count_up(c, 40);
  c.run_for(2s);
  c.join(4, short_log);
  make_members(c, {1, 2, 3, 4});
  CHECK(c[4].see().first > log_index{10});  // what was before came as a snapshot
  count_up(c, 2);
  CHECK(value_at(c, 4) == 42);

  auto const stays = c.leader().id_;
  auto const leaves = stays == 4 ? 3U : 4U;
  std::vector<std::uint64_t> others{1, 2, 3, 4};
  std::erase(others, leaves);
  make_members(c, others);
  c.run_for(2s);
  CHECK(c[leaves].store->status_now().groups.empty());
  make_members(c, {1, 2, 3, 4});
  CHECK(c[leaves].see().self == peer_id{5});  // ids are used once
  CHECK(value_at(c, leaves) == 42);
}

TEST_CASE("the sample of the page on snapshots refuses what it did not write", "[raftstore][snapshots][docs]") {
  struct one_record : policy::snapshot_reader {
    explicit one_record(std::optional<tinykv::bytes> r) : record(std::move(r)) {}
    tinykv::result<std::optional<tinykv::bytes>> next() override { return record; }
    std::optional<tinykv::bytes> record;
  };
  auto const code_of = [](std::optional<tinykv::bytes> record) {
    one_record in{std::move(record)};
    auto const restored = sample::tally{}.restore(in, {});
    return restored ? error_code{} : restored.error().code;
  };
  CHECK(code_of(text("tally 1 42")) == error_code{});
  CHECK(code_of(text("tally 2 42")) == error_code::version_mismatch);
  CHECK(code_of(std::nullopt) == error_code::version_mismatch);
  CHECK(code_of(text("tally 1 4x")) == error_code::corrupt);
  CHECK(code_of(text("tally 1 ")) == error_code::corrupt);
}
