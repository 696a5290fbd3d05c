#include <tinykv/kv/kv_machine.hpp>

#include "kv/disk_engine.hpp"
#include "support/catch.hpp"

#include <tinykv/sim/disk_kv.hpp>

#include <deque>
#include <map>
#include <string>
#include <vector>

using namespace tinykv;
using tests::disk;
using tests::disk_engine;

namespace {

using machine_on_disk = kv::kv_machine<disk_engine>;
static_assert(policy::ReplaceableMachine<machine_on_disk>);
static_assert(policy::ConfigurableMachine<machine_on_disk>);
static_assert(policy::RetirableMachine<machine_on_disk>);
static_assert(policy::SavableView<machine_on_disk::view_type>);

constexpr position first{log_index{5}, term{5}};
constexpr position later{log_index{70}, term{9}};
constexpr kv::batch_bounds small{100, 4};

/// The records of a snapshot, in memory.
struct records : policy::snapshot_writer {
  result<done> write(std::string_view record) override {
    if (all.size() == fails_at) return fatal(error_code::disk_full, "full");
    all.emplace_back(record);
    return done{};
  }
  std::vector<std::string> all;
  std::size_t fails_at = ~std::size_t{0};
};
class reader : public policy::snapshot_reader {
 public:
  explicit reader(std::vector<std::string> const& all, std::size_t fails_at = ~std::size_t{0}) : all_(all), fails_at_(fails_at) {}
  result<std::optional<bytes>> next() override {
    if (at_ == fails_at_) return fatal(error_code::corrupt, "not what was written");
    if (at_ == all_.size()) return std::optional<bytes>{};
    return std::optional{bytes::copy_of(all_[at_++])};
  }

 private:
  std::vector<std::string> all_;
  std::size_t fails_at_;
  std::size_t at_ = 0;
};

region region_of(std::uint64_t id, std::string start, std::string end) {
  return {group_id{id}, std::move(start), std::move(end), {1, 1}, {{peer_id{1}, store_id{1}, peer_role::voter}}};
}

template <class Engine>
kv::kv_machine<Engine> open(Engine engine, std::uint64_t id = 1, kv::batch_bounds bounds = small) {
  auto machine = kv::kv_machine<Engine>::open(std::move(engine), group_id{id}, bounds);
  REQUIRE(machine);
  return std::move(*machine);
}
machine_on_disk open(disk& d, std::uint64_t id = 1, kv::batch_bounds bounds = small) { return open(disk_engine{d}, id, bounds); }

kv::kv_reply put(auto& machine, std::string_view key, std::string_view value, std::uint64_t id = 1) {
  codec::kv_command const command{group_id{id}, {0, 0}, {{key, value, false, {}}}};
  return machine.apply(machine.applied().index + 1, codec::encode(command));
}
/// Every pair of every data family, as stored.
using pairs = std::map<std::pair<int, std::string>, std::string>;
pairs everything(auto const& view) {
  pairs out;
  for (auto const f : kv::data_families) {
    auto cursor = view.cursor(f);
    for (cursor.seek(""); cursor.valid(); cursor.next()) out[{f.number, std::string{cursor.key()}}] = cursor.value();
  }
  return out;
}
pairs everything(disk& d) { return everything(*disk_engine{d}.view()); }

/// A disk with region 1, ["b", "m"), full of data in all families, and strangers on both sides of it.
disk filled(char const* text, int count) {
  disk d;
  auto machine = open(d);
  REQUIRE(machine.bootstrap(region_of(1, "b", "m")));
  policy::kv_batch batch;
  for (auto const f : kv::data_families) {
    for (int i = 0; i < count; ++i)
      batch.put(f, bytes::copy_of("b" + std::string(text) + std::to_string(i)), bytes::copy_of(std::string(1, '\0') + text));
    for (auto const* stranger : {"a", "m", "z"}) batch.put(f, bytes::copy_of(std::string_view{stranger}), bytes::copy_of(std::string("\0s", 2)));
  }
  disk_engine engine{d};
  REQUIRE(engine.write(batch));
  REQUIRE(engine.sync());
  return d;
}
std::vector<std::string> saved(disk& d) {
  records out;
  auto machine = open(d);
  REQUIRE(machine.view()->save(out));
  return out.all;
}
/// What the data of `d` should be once region 1 is what `from` holds of it.
pairs expected(disk& d, disk& from) {
  pairs out;
  auto const inside = [](auto const& each) { return each.first.second >= "b" && each.first.second < "m"; };
  for (auto const& each : everything(d))
    if (!inside(each)) out.insert(each);
  for (auto const& each : everything(from))
    if (inside(each)) out.insert(each);
  return out;
}
auto const note = bytes::copy_of(std::string_view{"spool 7 \0 at 70", 15});

}  // namespace

TEST_CASE("a region that is restored is the one that was saved, with nothing of the old one", "[kv][snapshot]") {
  auto sender = filled("new", 30);
  auto receiver = filled("old", 20);
  auto const want = expected(receiver, sender);
  auto machine = open(receiver);
  REQUIRE(machine.begin_restore(note));
  reader in{saved(sender)};
  REQUIRE(machine.restore(in, later));
  CHECK(everything(receiver) == want);
  CHECK(machine.applied() == later);
  CHECK(machine.durable() == later.index);
  CHECK(receiver.synced == receiver.batches.size());
  CHECK_FALSE(machine.restoring());
  CHECK(machine.view()->region()->state == region_state::normal);
  CHECK(machine.view()->region()->region == region_of(1, "b", "m"));
  CHECK(put(machine, "k", "v").ok());
  auto again = open(receiver);
  CHECK(again.applied().index == later.index + 1);
  CHECK((*again.view()->get("k"))->view() == "v");
}

TEST_CASE("what lies in the new range and is nobody's is cleared, and what lies in the old one", "[kv][snapshot]") {
  disk receiver;
  {
    auto narrow = open(receiver);
    REQUIRE(narrow.bootstrap(region_of(1, "c", "z")));
    REQUIRE(put(narrow, "c", "old").ok());
    REQUIRE(put(narrow, "x", "old").ok());
    disk_engine engine{receiver};
    policy::kv_batch batch;
    batch.put(kv::write_family, bytes::copy_of(std::string_view{"bb"}), bytes::copy_of(std::string_view{"stray"}));
    REQUIRE(engine.write(batch));
  }
  auto sender = filled("new", 5);
  auto machine = open(receiver);
  REQUIRE(machine.begin_restore(note));
  reader in{saved(sender)};
  REQUIRE(machine.restore(in, later));
  disk nothing;
  CHECK(everything(receiver) == expected(nothing, sender));
}

TEST_CASE("a machine that never had the region is filled by a snapshot", "[kv][snapshot]") {
  auto sender = filled("new", 30);
  disk receiver;
  auto machine = open(receiver);
  CHECK(machine.applied() == position{});
  REQUIRE(machine.begin_restore(note));
  CHECK(open(receiver).restoring() == note);
  reader in{saved(sender)};
  REQUIRE(machine.restore(in, later));
  disk nothing;
  CHECK(everything(receiver) == expected(nothing, sender));
  CHECK(open(receiver).applied() == later);
}

TEST_CASE("a volatile machine is restored without a note", "[kv][snapshot]") {
  auto sender = filled("new", 30);
  auto machine = open(storage::memory_kv{kv::family_names()});
  reader in{saved(sender)};
  REQUIRE(machine.restore(in, later));
  CHECK(machine.applied() == later);
  CHECK_FALSE(machine.restoring());
  CHECK(machine.durable() == log_index{0});
  CHECK((*machine.view()->get("bnew7"))->view() == "new");
}

TEST_CASE("while a snapshot replaces it the machine serves nothing", "[kv][snapshot]") {
  auto d = filled("old", 3);
  auto machine = open(d);
  REQUIRE(machine.begin_restore(note));
  for (auto* each : {&machine}) {
    CHECK(put(*each, "k", "v").error == rejected(error_code::not_found, "no such region here", 1));
    CHECK(each->view()->region()->state == region_state::applying);
    CHECK(each->restoring() == note);
  }
  auto again = open(d);
  CHECK(put(again, "k", "v").error->code == error_code::not_found);
  records out;
  CHECK(again.view()->save(out).error().code == error_code::not_found);
  REQUIRE(again.bootstrap(region_of(1, "", "")));
  CHECK(again.restoring() == note);
  CHECK(again.view()->region()->region == region_of(1, "b", "m"));
}

TEST_CASE("a crash at any step of a replacement leaves the old region, or a replacement that can be repeated", "[kv][snapshot]") {
  auto sender = filled("new", 12);
  auto const snapshot = saved(sender);
  auto const before = filled("old", 9);
  auto old_state = before;
  auto const old_data = everything(old_state);
  auto const want = expected(old_state, sender);
  std::size_t steps = 0;
  std::size_t seen_old = 0;
  std::size_t seen_between = 0;
  for (auto finished = false; !finished; ++steps) {
    auto d = before;
    auto begun = false;
    {
      auto machine = open(d);
      d.steps_until_failure = steps;
      begun = machine.begin_restore(note).has_value();
      reader in{snapshot};
      finished = begun && machine.restore(in, later);
    }
    for (auto survivors = d.synced; survivors <= d.batches.size(); ++survivors) {
      INFO("step " << steps << ", " << survivors << " of " << d.batches.size() << " batches survive");
      auto left = d.after_crash(survivors);
      auto machine = open(left);
      if (!machine.restoring()) {
        auto const is_new = machine.applied() == later;
        if (begun) CHECK(is_new);  // what begin_restore has promised is not lost
        CHECK(everything(left) == (is_new ? want : old_data));
        CHECK(machine.applied() == (is_new ? later : first));
        CHECK(machine.view()->region()->state == region_state::normal);
        seen_old += is_new ? 0 : 1;
        continue;
      }
      ++seen_between;
      CHECK_FALSE(finished);
      CHECK(machine.restoring() == note);
      CHECK(machine.view()->region()->state == region_state::applying);
      CHECK(machine.applied() != later);
      reader in{snapshot};
      REQUIRE(machine.restore(in, later));
      CHECK(everything(left) == want);
      CHECK(open(left).applied() == later);
      CHECK_FALSE(open(left).restoring());
    }
  }
  CHECK(steps > 30);
  CHECK(seen_old > 0);
  CHECK(seen_between > 30);
}

TEST_CASE("a replacement survives the crashes of a simulated disk", "[kv][snapshot][sim]") {
  auto sender = filled("new", 40);
  auto const snapshot = saved(sender);
  constexpr store_id store{1};
  std::size_t crashes = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    sim::world in{seed};
    auto const restarted = [&] { return open(sim::disk_kv{in, store, kv::family_names().size()}); };
    {
      auto machine = restarted();
      REQUIRE(machine.bootstrap(region_of(1, "b", "m")));
      for (int i = 0; i < 20; ++i) REQUIRE(put(machine, "bold" + std::to_string(i), "old").ok());
      REQUIRE(machine.begin_restore(note));
    }
    for (;;) {
      auto machine = restarted();
      if (!machine.restoring()) break;
      CHECK(machine.restoring() == note);
      auto const fails_at = static_cast<std::size_t>(in.chance().below(snapshot.size() + 3));
      reader input{snapshot, fails_at};
      if (auto const restored = machine.restore(input, later)) CHECK(machine.durable() == later.index);
      in.crash(store);
      ++crashes;
    }
    auto machine = restarted();
    CHECK(machine.applied() == later);
    disk nothing;
    CHECK(everything(*sim::disk_kv{in, store, 5}.view()) == [&] {
      auto all = expected(nothing, sender);
      return all;
    }());
  }
  CHECK(crashes > 100);
}

TEST_CASE("no batch of a replacement is larger than its bounds", "[kv][snapshot]") {
  auto sender = filled("new", 100);
  auto d = filled("old", 100);
  auto const steps_before = d.batches.size();
  auto machine = open(d);
  REQUIRE(machine.begin_restore(note));
  reader in{saved(sender)};
  REQUIRE(machine.restore(in, later));
  REQUIRE(machine.retire());
  auto replayed = d.after_crash(steps_before);
  disk_engine engine{replayed};
  std::size_t puts = 0;
  for (auto i = steps_before; i < d.batches.size(); ++i) {
    auto const keys_before = everything(*engine.view()).size();
    REQUIRE(engine.write(d.batches[i]));
    auto const keys_after = everything(*engine.view()).size();
    CHECK((keys_before > keys_after ? keys_before - keys_after : keys_after - keys_before) <= small.keys);
    CHECK(d.batches[i].operations.size() <= small.keys + 3);  // the last one holds region, position and note as well
    std::size_t size = 0;
    for (auto const& operation : d.batches[i].operations)
      if (operation.family != kv::meta_family) size += operation.key.size() + operation.value.size();
    CHECK(size < small.bytes + 20);
    for (auto const& operation : d.batches[i].operations) puts += operation.action == policy::kv_action::put ? 1 : 0;
  }
  CHECK(puts > 400);
}

TEST_CASE("a region is saved in records of about 64 KiB, and a large pair in its own", "[kv][snapshot]") {
  storage::memory_kv engine{kv::family_names()};
  auto machine = open(std::move(engine));
  REQUIRE(machine.bootstrap(region_of(1, "", "")));
  std::string const large(300'000, 'l');
  for (int i = 0; i < 300; ++i) REQUIRE(put(machine, "k" + std::to_string(1000 + i), std::string(1000, 'v')).ok());
  REQUIRE(put(machine, "k1100.", large).ok());
  records out;
  REQUIRE(machine.view()->save(out));
  std::size_t larger = 0;
  for (auto const& record : out.all) larger += record.size() > (64U << 10) + 16 ? 1 : 0;
  CHECK(larger == 1);
  CHECK(out.all.size() > 6);
  CHECK(out.all.size() < 12);
  auto other = open(storage::memory_kv{kv::family_names()});
  reader in{out.all};
  REQUIRE(other.restore(in, later));
  CHECK((*other.view()->get("k1100."))->view() == large);
  CHECK(other.view()->scan({{}, {}, false, ~0ULL, ~0ULL, true})->pairs.size() == 301);
}

TEST_CASE("a save shows one moment, and passes the errors of the disk on", "[kv][snapshot]") {
  auto d = filled("new", 30);
  auto machine = open(d);
  auto const view = machine.view();
  records before;
  REQUIRE(view->save(before));
  REQUIRE(put(machine, "b", "later").ok());
  records after;
  REQUIRE(view->save(after));
  CHECK(after.all == before.all);
  records full;
  full.fails_at = 2;
  CHECK(view->save(full).error().code == error_code::disk_full);
}

TEST_CASE("records that are no snapshot of the region are refused, and the next one fits", "[kv][snapshot][hostile]") {
  auto sender = filled("new", 3);
  auto const good = saved(sender);
  auto const pairs_of = [](std::uint8_t family, std::vector<std::pair<std::string, std::string>> const& all) {
    codec::pairs_writer out{family};
    for (auto const& [key, value] : all) out.add(key, value);
    return out.record();
  };
  auto const head = good.front();
  auto later_format = head;
  later_format[1] = 2;
  struct { char const* what; std::vector<std::string> records; error_code code; } const table[] = {
      {"no records", {}, error_code::corrupt},
      {"an empty first record", {""}, error_code::corrupt},
      {"no region first", {good.back()}, error_code::corrupt},
      {"another format", {later_format}, error_code::version_mismatch},
      {"a region cut short", {head.substr(0, head.size() - 3)}, error_code::corrupt},
      {"another region", {codec::encode_snapshot_region({region_state::normal, region_of(2, "b", "m")})}, error_code::corrupt},
      {"a key below the range", {head, pairs_of(3, {{"a", "x"}})}, error_code::corrupt},
      {"a key above the range", {head, pairs_of(3, {{"c", "x"}, {"m", "x"}})}, error_code::corrupt},
      {"an empty key", {head, pairs_of(3, {{"", "x"}})}, error_code::corrupt},
      {"a key twice", {head, pairs_of(3, {{"c", "x"}}), pairs_of(3, {{"c", "y"}})}, error_code::corrupt},
      {"keys that fall", {head, pairs_of(3, {{"d", "x"}, {"c", "x"}})}, error_code::corrupt},
      {"families that fall", {head, pairs_of(3, {{"c", "x"}}), pairs_of(1, {{"d", "x"}})}, error_code::corrupt},
      {"the machine's own family", {head, pairs_of(4, {{"c", "x"}})}, error_code::corrupt},
      {"a family that is not there", {head, pairs_of(200, {{"c", "x"}})}, error_code::corrupt},
      {"a pair cut short", {head, pairs_of(3, {{"c", "xyz"}}).substr(0, 5)}, error_code::corrupt},
      {"an empty record", {head, ""}, error_code::corrupt},
      {"an unknown kind", {head, "\3x"}, error_code::version_mismatch},
      {"a second region", {head, head}, error_code::version_mismatch},
  };
  for (auto const& row : table) {
    INFO(row.what);
    auto d = filled("old", 5);
    {
      auto machine = open(d);
      REQUIRE(machine.begin_restore(note));
      reader in{row.records};
      auto const refused = machine.restore(in, later);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().outcome == outcome::fatal);
      CHECK(refused.error().code == row.code);
      CHECK(machine.restoring() == note);
    }
    auto again = open(d);
    CHECK(again.restoring() == note);
    CHECK(put(again, "c", "v").error->code == error_code::not_found);
    auto before = filled("old", 5);
    reader in{good};
    REQUIRE(again.restore(in, later));
    CHECK(everything(d) == expected(before, sender));
  }
}

TEST_CASE("a configuration gives the region its peers and raises conf_ver, with the position in one batch", "[kv][membership]") {
  auto d = filled("old", 3);
  auto machine = open(d);
  raft::membership group;
  group.version = 7;
  group.voters = {{peer_id{1}, store_id{1}}, {peer_id{2}, store_id{2}}, {peer_id{5}, store_id{50}}};
  group.learners = {{peer_id{4}, store_id{40}}};
  auto const batches = d.batches.size();
  REQUIRE(machine.apply_configuration(group, {log_index{6}, term{8}}));
  CHECK(d.batches.size() == batches + 1);
  CHECK(machine.applied() == position{log_index{6}, term{8}});
  auto again = open(d);
  CHECK(again.applied() == position{log_index{6}, term{8}});
  auto const region = again.view()->region()->region;
  CHECK(region.epoch == region_epoch{2, 1});
  CHECK(region.start == "b");
  CHECK(region.peers == std::vector<region_peer>{{peer_id{1}, store_id{1}, peer_role::voter},
                                                 {peer_id{2}, store_id{2}, peer_role::voter},
                                                 {peer_id{4}, store_id{40}, peer_role::learner},
                                                 {peer_id{5}, store_id{50}, peer_role::voter}});
  raft::membership joint;  // 1 stays, 2 becomes a learner, 5 goes, 4 is promoted, 6 comes as a learner
  joint.voters = {{peer_id{1}, store_id{1}}, {peer_id{4}, store_id{40}}};
  joint.outgoing = group.voters;
  joint.learners = {{peer_id{2}, store_id{2}}, {peer_id{6}, store_id{60}}};
  REQUIRE(again.apply_configuration(joint, {log_index{7}, term{8}}));
  CHECK(again.view()->region()->region.epoch == region_epoch{3, 1});
  CHECK(again.view()->region()->region.peers ==
        std::vector<region_peer>{{peer_id{1}, store_id{1}, peer_role::voter},
                                 {peer_id{2}, store_id{2}, peer_role::demoting},
                                 {peer_id{4}, store_id{40}, peer_role::incoming},
                                 {peer_id{5}, store_id{50}, peer_role::demoting},
                                 {peer_id{6}, store_id{60}, peer_role::learner}});
}

TEST_CASE("a configuration moves the position of a machine that has no region", "[kv][membership]") {
  disk d;
  auto machine = open(d);
  REQUIRE(machine.apply_configuration({}, {log_index{3}, term{1}}));
  CHECK(open(d).applied() == position{log_index{3}, term{1}});
  CHECK_FALSE(machine.view()->region());
}

TEST_CASE("a failed write of a configuration moves nothing", "[kv][membership]") {
  auto d = filled("old", 1);
  auto machine = open(d);
  d.steps_until_failure = 0;
  CHECK_FALSE(machine.apply_configuration({}, {log_index{6}, term{8}}));
  CHECK(machine.applied() == first);
}

TEST_CASE("a retired machine holds nothing of its group and stands at (0,0)", "[kv][membership]") {
  auto d = filled("old", 30);
  disk nothing;
  auto const want = expected(d, nothing);
  auto machine = open(d);
  REQUIRE(machine.retire());
  CHECK(everything(d) == want);
  CHECK(machine.applied() == position{});
  CHECK(machine.durable() == log_index{0});
  CHECK(d.synced == d.batches.size());
  auto again = open(d);
  CHECK(again.applied() == position{});
  CHECK(again.view()->region()->state == region_state::tombstone);
  CHECK_FALSE(again.restoring());
  CHECK(put(again, "c", "v").error->code == error_code::not_found);
  REQUIRE(again.bootstrap(region_of(1, "", "")));
  CHECK(again.view()->region()->state == region_state::tombstone);  // the past is not created anew
  REQUIRE(again.retire());
  CHECK(everything(d) == want);
}

TEST_CASE("a machine that never had a region, or is being replaced, can be retired", "[kv][membership]") {
  disk empty;
  auto machine = open(empty);
  REQUIRE(machine.begin_restore(note));
  REQUIRE(machine.retire());
  CHECK_FALSE(open(empty).restoring());
  CHECK(open(empty).applied() == position{});

  auto sender = filled("new", 12);
  auto d = filled("old", 9);
  disk nothing;
  auto const want = expected(d, nothing);
  {
    auto half = open(d);
    REQUIRE(half.begin_restore(note));
    reader in{saved(sender), 2};
    CHECK_FALSE(half.restore(in, later));
  }
  auto again = open(d);
  REQUIRE(again.retire());
  CHECK(everything(d) == want);
  CHECK_FALSE(open(d).restoring());
}

TEST_CASE("a crash at any step of a retirement leaves the old region or an empty place, once it is repeated", "[kv][membership]") {
  auto const before = filled("old", 9);
  auto old_state = before;
  auto const old_data = everything(old_state);
  disk nothing;
  auto const want = expected(old_state, nothing);
  std::size_t steps = 0;
  for (auto finished = false; !finished; ++steps) {
    auto d = before;
    {
      auto machine = open(d);
      d.steps_until_failure = steps;
      finished = machine.retire().has_value();
    }
    for (auto survivors = d.synced; survivors <= d.batches.size(); ++survivors) {
      INFO("step " << steps << ", " << survivors << " of " << d.batches.size() << " batches survive");
      auto left = d.after_crash(survivors);
      auto machine = open(left);
      auto const old = machine.view()->region()->state == region_state::normal;
      if (old) CHECK(everything(left) == old_data);  // never a region that serves with a part of its data
      else CHECK(machine.applied() == position{});
      if (finished) CHECK(everything(left) == want);
      REQUIRE(machine.retire());
      CHECK(everything(left) == want);
    }
  }
  CHECK(steps > 10);
}

TEST_CASE("a store that is added again gets the region back, and what others have put into its old range stays", "[kv][membership]") {
  auto sender = filled("new", 12);
  auto d = filled("old", 9);
  auto const want = expected(d, sender);
  {
    auto machine = open(d);
    REQUIRE(machine.retire());
    REQUIRE(machine.begin_restore(note));
    CHECK(machine.restoring() == note);
    reader in{saved(sender)};
    REQUIRE(machine.restore(in, later));
    CHECK(everything(d) == want);
    CHECK(put(machine, "c", "v").ok());
    REQUIRE(machine.retire());
  }
  {  // the range belongs to region 2 now; region 1 comes back with another one
    auto other = open(d, 2);
    REQUIRE(other.bootstrap(region_of(2, "b", "m")));
    REQUIRE(put(other, "c", "of region 2", 2).ok());
  }
  auto machine = open(d);
  REQUIRE(machine.begin_restore(note));
  reader in{{codec::encode_snapshot_region({region_state::normal, region_of(1, "m", "p")})}};
  REQUIRE(machine.restore(in, later));
  auto other = open(d, 2);
  CHECK((*other.view()->get("c"))->view() == "of region 2");
  CHECK(other.applied() == position{log_index{6}, term{5}});
}

TEST_CASE("a region and a note that contradict each other are damage", "[kv][snapshot]") {
  auto d = filled("old", 1);
  {
    disk_engine engine{d};
    policy::kv_batch batch;
    batch.put(kv::meta_family, bytes::copy_of(codec::note_key(group_id{1})), bytes::adopt(codec::encode_note("x")));
    REQUIRE(engine.write(batch));
  }
  CHECK(machine_on_disk::open(disk_engine{d}, group_id{1}).error().code == error_code::corrupt);
  {
    disk_engine engine{d};
    policy::kv_batch batch;
    batch.put(kv::meta_family, bytes::copy_of(codec::note_key(group_id{1})), bytes::copy_of(std::string_view{"\2"}));
    REQUIRE(engine.write(batch));
  }
  CHECK(machine_on_disk::open(disk_engine{d}, group_id{1}).error().code == error_code::version_mismatch);
}

TEST_CASE("the records of a snapshot are those of their grammar", "[kv][snapshot]") {
  codec::pairs_writer out{3};
  out.add("key", std::string_view{"\0v", 2});
  out.add("l", "");
  CHECK(out.record() == std::string("\2\3\3key\2\0v\1l\0", 12));
  CHECK(codec::encode_snapshot_region({region_state::normal, region_of(1, "b", "m")}) ==
        std::string("\1\1" "\1\0\1\1b\1m\1\1\1\1\1\0\0", 16));
  CHECK(codec::note_key(group_id{1}) == std::string("\1\2\0\0\0\0\0\0\0\1\4", 11));
}
