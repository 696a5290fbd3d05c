#include <tinykv/testing/conformance/snapshot_storage.hpp>

#include "support/catch.hpp"

// [snapshot sample]
#include <tinykv/storage/memory_snapshots.hpp>

namespace sample {

using snapshots = tinykv::storage::memory_snapshots;  // yours

/// A model with a disk closes `before` in `reopen` and opens what it left.
struct open_snapshots {
  tinykv::result<snapshots> fresh() { return snapshots{}; }
  tinykv::result<snapshots> reopen(snapshots before) { return before; }
};

/// Replaces the file that the machine is restored from: after a crash in between it is the old one or the new one.
tinykv::result<tinykv::done> save(snapshots& files, tinykv::group_id group, std::string_view state) {
  constexpr auto slot = tinykv::policy::snapshot_slot::outgoing;
  if (auto created = files.create(group, slot); !created) return created;
  if (auto appended = files.append(group, slot, state); !appended) return appended;
  if (auto synced = files.sync(group, slot); !synced) return synced;
  return files.publish(group, slot);
}

}  // namespace sample
// [snapshot sample]

using namespace tinykv;
using policy::snapshot_slot;

namespace {

enum class fault {
  none,
  create_keeps_the_bytes,
  append_begins_at_the_front,
  read_stops_early,
  read_ignores_the_offset,
  no_file_is_an_empty_one,
  groups_share_files,
  slots_share_files,
  publish_copies,
  publish_appends,
  publish_of_nothing_succeeds,
  remove_does_nothing,
  remove_takes_the_current_one,
  reopen_loses_synced_bytes,
  reopen_loses_what_was_published,
  append_after_reopen_begins_anew,
  loses_zero_bytes,
};
constexpr int faults = 17;

class faulty_snapshots {
 public:
  static constexpr bool durable = false;
  explicit faulty_snapshots(fault planted) : fault_(planted) {}

  result<done> create(group_id g, snapshot_slot s) {
    name(g, s);
    if (fault_ == fault::create_keeps_the_bytes && *below_.size(g, s)) return done{};
    return below_.create(g, s);
  }
  result<done> append(group_id g, snapshot_slot s, std::string_view data) {
    name(g, s);
    if (fault_ == fault::append_begins_at_the_front || (fault_ == fault::append_after_reopen_begins_anew && reopened_)) {
      if (!*below_.size(g, s)) return below_.append(g, s, data);
      static_cast<void>(below_.create(g, s));
    }
    return below_.append(g, s, fault_ == fault::loses_zero_bytes ? data.substr(0, data.find('\0')) : data);
  }
  result<done> sync(group_id g, snapshot_slot s) {
    name(g, s);
    if (fault_ == fault::no_file_is_an_empty_one) return done{};
    return below_.sync(g, s);
  }
  result<std::optional<std::uint64_t>> size(group_id g, snapshot_slot s) {
    name(g, s);
    auto const found = below_.size(g, s);
    if (fault_ == fault::no_file_is_an_empty_one && !*found) return std::optional<std::uint64_t>{0};
    return found;
  }
  result<bytes> read(group_id g, snapshot_slot s, std::uint64_t offset, std::size_t count) {
    name(g, s);
    if (fault_ == fault::read_stops_early && count > 65'536) count = 65'536;
    return below_.read(g, s, fault_ == fault::read_ignores_the_offset ? 0 : offset, count);
  }
  result<done> publish(group_id g, snapshot_slot s) {
    name(g, s);
    auto const data = below_.read(g, s, 0, ~std::size_t{0});
    if (!data) return fault_ == fault::publish_of_nothing_succeeds ? result<done>{} : data.error();
    if (fault_ == fault::publish_copies || fault_ == fault::publish_appends) {
      if (fault_ == fault::publish_copies || !*below_.size(g, snapshot_slot::current))
        static_cast<void>(below_.create(g, snapshot_slot::current));
      if (fault_ == fault::publish_appends) static_cast<void>(below_.remove(g, s));
      return below_.append(g, snapshot_slot::current, *data);
    }
    return below_.publish(g, s);
  }
  result<done> remove(group_id g, snapshot_slot s) {
    name(g, s);
    if (fault_ == fault::remove_does_nothing) return done{};
    if (fault_ == fault::remove_takes_the_current_one) static_cast<void>(below_.remove(g, snapshot_slot::current));
    return below_.remove(g, s);
  }
  void reopen() {
    reopened_ = true;
    for (auto const s : {snapshot_slot::incoming, snapshot_slot::outgoing, snapshot_slot::current}) {
      auto const lost = s == snapshot_slot::current ? fault::reopen_loses_what_was_published : fault::reopen_loses_synced_bytes;
      if (fault_ == lost) static_cast<void>(below_.remove(group_id{1}, s));
    }
  }

 private:
  void name(group_id& g, snapshot_slot& s) const {
    if (fault_ == fault::groups_share_files) g = group_id{1};
    if (fault_ == fault::slots_share_files && s == snapshot_slot::outgoing) s = snapshot_slot::incoming;
  }

  storage::memory_snapshots below_;
  fault fault_;
  bool reopened_ = false;
};

struct open_faulty {
  fault planted;
  result<faulty_snapshots> fresh() { return faulty_snapshots{planted}; }
  result<faulty_snapshots> reopen(faulty_snapshots before) {
    before.reopen();
    return before;
  }
};

std::size_t complaining(std::vector<testing::conformance_case> const& suite) {
  std::size_t out = 0;
  for (auto const& each : suite) out += each.run().complaints().empty() ? 0 : 1;
  return out;
}

}  // namespace

TEST_CASE("memory_snapshots keeps the promises of SnapshotStorage", "[conformance][snapshot]") {
  for (auto const& each : testing::snapshot_storage_suite(sample::open_snapshots{})) {
    INFO(each.name);
    CHECK(each.run().text() == "");
  }
}

TEST_CASE("the suite of SnapshotStorage finds planted faults", "[conformance][snapshot]") {
  CHECK(complaining(testing::snapshot_storage_suite(open_faulty{fault::none})) == 0);
  for (int planted = 1; planted < faults; ++planted) {
    INFO("fault " << planted);
    CHECK(complaining(testing::snapshot_storage_suite(open_faulty{static_cast<fault>(planted)})) > 0);
  }
}

TEST_CASE("the sample of the page on SnapshotStorage runs", "[conformance][docs]") {
  sample::snapshots files;
  REQUIRE(sample::save(files, group_id{1}, "one"));
  REQUIRE(sample::save(files, group_id{1}, "two"));
  CHECK(files.read(group_id{1}, snapshot_slot::current, 0, 100)->view() == "two");
}
