#include <tinykv/kv/kv_machine.hpp>

#include "kv/disk_engine.hpp"
#include "support/catch.hpp"

#include <tinykv/core/random.hpp>
#include <tinykv/storage/memory_kv.hpp>

#include <map>

using namespace tinykv;
using codec::kv_write;
using tests::disk;
using tests::disk_engine;

namespace {

using memory_machine = kv::kv_machine<storage::memory_kv>;
using disk_machine = kv::kv_machine<disk_engine>;
static_assert(policy::PersistentMachine<memory_machine>);
static_assert(policy::ViewableMachine<memory_machine>);
static_assert(!policy::is_durable_machine<memory_machine>);
static_assert(policy::is_durable_machine<disk_machine>);
static_assert(std::is_same_v<memory_machine::on<disk_engine>, disk_machine>);

region whole(std::string start = {}, std::string end = {}) {
  return {group_id{1}, std::move(start), std::move(end), {1, 1}, {{peer_id{1}, store_id{1}, peer_role::voter}}};
}

template <class Engine>
kv::kv_machine<Engine> opened(Engine engine, region const& first = whole()) {
  auto machine = kv::kv_machine<Engine>::open(std::move(engine), group_id{1});
  REQUIRE(machine);
  REQUIRE(machine->bootstrap(first));
  return std::move(*machine);
}
memory_machine fresh(region const& first = whole()) { return opened(storage::memory_kv{kv::family_names()}, first); }

bytes command(std::vector<kv_write> writes, region_epoch epoch = {0, 0}) {
  return codec::encode({group_id{1}, epoch, std::move(writes)});
}
bytes put(std::string_view key, std::string_view value) { return command({{key, value, false, {}}}); }
bytes erase(std::string_view key) { return command({{key, {}, false, {}}}); }
bytes cas(std::string_view key, std::optional<std::string_view> expected, std::optional<std::string_view> value) {
  return command({{key, value, true, expected}});
}

std::uint64_t next_index(auto& machine) { return machine.applied().index.value + 1; }

kv::kv_reply run(auto& machine, bytes const& data) { return machine.apply(log_index{next_index(machine)}, data); }

std::vector<kv::kv_reply> run_together(auto& machine, std::vector<bytes> const& all) {
  std::vector<policy::command> commands;
  auto at = position{machine.applied().index, term{6}};
  for (auto const& data : all) commands.push_back({{++at.index, at.term}, data});
  std::vector<kv::kv_reply> replies;
  REQUIRE(machine.apply_batch(commands, at, replies));
  return replies;
}

std::optional<std::string> value_of(auto const& machine, std::string_view key) {
  auto const view = machine.view();
  REQUIRE(view);
  auto const found = view->get(key);
  REQUIRE(found);
  return *found ? std::optional{(*found)->str()} : std::nullopt;
}

std::map<std::string, std::string> all_of(auto const& machine) {
  std::map<std::string, std::string> out;
  auto const page = machine.view()->scan({});
  REQUIRE(page);
  for (auto const& [key, value] : page->pairs) out[key.str()] = value.str();
  return out;
}

}  // namespace

TEST_CASE("a region that was created here begins behind (5,5)", "[kv]") {
  auto machine = fresh();
  CHECK(machine.applied() == position{log_index{5}, term{5}});
  CHECK(machine.view()->applied() == machine.applied());
  CHECK(machine.view()->region()->region == whole());
}

TEST_CASE("bootstrap writes only what is absent", "[kv]") {
  auto machine = fresh();
  run(machine, put("a", "1"));
  REQUIRE(machine.bootstrap(whole("x", "y")));
  CHECK(machine.applied().index == log_index{6});
  CHECK(machine.view()->region()->region == whole());
  CHECK(value_of(machine, "a") == "1");
}

TEST_CASE("an empty value is a value", "[kv]") {
  auto machine = fresh();
  CHECK(value_of(machine, "a") == std::nullopt);
  CHECK(run(machine, put("a", "")).ok());
  CHECK(value_of(machine, "a") == "");
  CHECK(run(machine, cas("a", std::nullopt, "x")).error->code == error_code::compare_failed);
  CHECK(run(machine, cas("a", "", "y")).ok());
  CHECK(run(machine, erase("a")).ok());
  CHECK(value_of(machine, "a") == std::nullopt);
  CHECK(run(machine, erase("a")).ok());
}

TEST_CASE("a compare-and-set that fails says what it found and writes nothing", "[kv]") {
  auto machine = fresh();
  run(machine, put("a", "1"));
  auto const reply = run(machine, cas("a", "0", "2"));
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error->outcome == outcome::conflict);
  CHECK(reply.current->view() == "1");
  CHECK(value_of(machine, "a") == "1");
  auto const absent = run(machine, cas("b", "0", "2"));
  CHECK(absent.error->code == error_code::compare_failed);
  CHECK(absent.current == std::nullopt);
  CHECK(run(machine, cas("a", "1", std::nullopt)).ok());  // a conditional erase
  CHECK(value_of(machine, "a") == std::nullopt);
}

TEST_CASE("a command that fails one of its conditions writes nothing at all", "[kv]") {
  auto machine = fresh();
  run(machine, put("a", "1"));
  auto const reply = run(machine, command({{"x", "1", false, {}}, {"a", "2", true, "1"}, {"b", "3", true, "?"}}));
  CHECK(reply.error->code == error_code::compare_failed);
  CHECK(all_of(machine) == std::map<std::string, std::string>{{"a", "1"}});
}

TEST_CASE("conditions of a command are judged on the state before it, and its later writes win", "[kv]") {
  auto machine = fresh();
  CHECK(run(machine, command({{"a", "1", true, {}}, {"a", "2", true, {}}})).ok());
  CHECK(value_of(machine, "a") == "2");
}

TEST_CASE("a command sees those before it in the same batch", "[kv]") {
  auto machine = fresh();
  run(machine, put("old", "0"));
  auto const replies = run_together(machine, {put("a", "1"), cas("a", "1", "2"), cas("a", "1", "3"), erase("a"),
                                              cas("a", std::nullopt, "4"), cas("old", "0", std::nullopt),
                                              cas("old", std::nullopt, "5"), cas("old", "0", "6")});
  std::vector<bool> done;
  for (auto const& reply : replies) done.push_back(reply.ok());
  CHECK(done == std::vector{true, true, false, true, true, true, true, false});
  CHECK(replies[2].current->view() == "2");
  CHECK(all_of(machine) == std::map<std::string, std::string>{{"a", "4"}, {"old", "5"}});
}

TEST_CASE("replies and state do not depend on where the batches are cut", "[kv]") {
  tinykv::random dice{5};
  for (int round = 0; round < 50; ++round) {
    std::vector<bytes> commands;
    for (int i = 0; i < 40; ++i) {
      std::string const key(1, static_cast<char>('a' + dice.below(3)));
      std::string const value(1, static_cast<char>('0' + dice.below(3)));
      std::string const expected(1, static_cast<char>('0' + dice.below(3)));
      switch (dice.below(4)) {
        case 0: commands.push_back(put(key, value)); break;
        case 1: commands.push_back(erase(key)); break;
        case 2: commands.push_back(cas(key, std::nullopt, value)); break;
        default: commands.push_back(cas(key, expected, value)); break;
      }
    }
    auto one_by_one = fresh();
    auto in_batches = fresh();
    std::vector<kv::kv_reply> expected;
    std::vector<kv::kv_reply> replies;
    for (auto const& data : commands) expected.push_back(run_together(one_by_one, {data}).front());
    for (std::size_t from = 0; from < commands.size();) {
      auto const to = std::min<std::size_t>(commands.size(), from + dice.between(1, 12));
      for (auto& reply : run_together(in_batches, {commands.begin() + static_cast<long>(from), commands.begin() + static_cast<long>(to)}))
        replies.push_back(std::move(reply));
      from = to;
    }
    CHECK(replies == expected);
    CHECK(all_of(in_batches) == all_of(one_by_one));
    CHECK(in_batches.applied() == one_by_one.applied());
  }
}

TEST_CASE("epoch and range are judged again at apply", "[kv]") {
  auto machine = fresh(whole("b", "m"));
  CHECK(run(machine, put("b", "1")).ok());
  for (auto const* key : {"a", "m", "z"}) {
    auto const reply = run(machine, put(key, "1"));
    CHECK(reply.error->code == error_code::key_not_in_region);
    CHECK(reply.error->outcome == outcome::rejected);
    CHECK(reply.region == whole("b", "m"));
  }
  CHECK(run(machine, command({{"c", "1", false, {}}, {"z", "1", false, {}}})).error->code == error_code::key_not_in_region);
  auto const stale = run(machine, command({{"c", "1", false, {}}}, {1, 2}));
  CHECK(stale.error->code == error_code::epoch_mismatch);
  CHECK(stale.region == whole("b", "m"));
  CHECK(run(machine, command({{"d", "1", false, {}}}, {9, 1})).ok());  // writes check the version only
  CHECK(all_of(machine) == std::map<std::string, std::string>{{"b", "1"}, {"d", "1"}});
  auto const foreign = run(machine, codec::encode({group_id{2}, {}, {{"c", "1", false, {}}}}));
  CHECK(foreign.error->code == error_code::not_found);
}

TEST_CASE("a machine without its region refuses commands and still counts them", "[kv]") {
  auto machine = memory_machine::open(storage::memory_kv{kv::family_names()}, group_id{1});
  REQUIRE(machine);
  CHECK(machine->applied() == position{});
  CHECK_FALSE(machine->view()->region());
  CHECK(machine->apply(log_index{1}, put("a", "1")).error->code == error_code::not_found);
}

TEST_CASE("a malformed command is an answer, the same on every replica, and is counted as applied", "[kv]") {
  auto machine = fresh();
  CHECK(run(machine, bytes::copy_of(std::string{"\1\0nonsense", 10})).error->outcome == outcome::rejected);
  CHECK(machine.view()->applied().index == log_index{6});
}

TEST_CASE("a command of a later version stops the machine instead of being passed over", "[kv]") {
  auto machine = fresh();
  auto const before = machine.applied();
  std::vector<kv::kv_reply> replies;
  policy::command const later[] = {{{log_index{6}, term{6}}, "nonsense"}};  // its format byte is 'n'
  auto const answer = machine.apply_batch(later, {log_index{6}, term{6}}, replies);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().outcome == outcome::fatal);
  CHECK(answer.error().code == error_code::version_mismatch);
  CHECK(machine.applied() == before);
}

TEST_CASE("a batch without commands moves the applied position", "[kv]") {
  auto machine = fresh();
  std::vector<kv::kv_reply> replies;
  REQUIRE(machine.apply_batch({}, {log_index{9}, term{6}}, replies));
  CHECK(replies.empty());
  CHECK(machine.applied() == position{log_index{9}, term{6}});
  CHECK(machine.view()->applied() == machine.applied());
}

TEST_CASE("after a crash the data are those of the applied position, whatever prefix is left", "[kv]") {
  // I-11: no command is applied twice and none is missed. Each command counts the key up, so a repeated one would fail.
  disk d;
  std::vector<std::map<std::string, std::string>> states(6);  // by index
  {
    auto machine = opened(disk_engine{d});
    states[5] = all_of(machine);
    for (int i = 0; i < 8; ++i) {
      std::optional<std::string> before = i == 0 ? std::nullopt : std::optional{std::to_string(i - 1)};
      REQUIRE(run(machine, cas("n", before, std::to_string(i))).ok());
      states.push_back(all_of(machine));
      if (i == 2) REQUIRE(machine.sync());
    }
    CHECK(machine.durable() == log_index{8});
  }
  auto const written = d;
  for (auto survivors = written.synced; survivors <= written.batches.size(); ++survivors) {
    auto copy = written.after_crash(survivors);
    auto machine = disk_machine::open(disk_engine{copy}, group_id{1});
    REQUIRE(machine);
    auto const at = machine->applied().index.value;
    CHECK(at >= 8);
    CHECK(machine->durable().value == at);
    CHECK(all_of(*machine) == states[at]);
    for (auto i = at - 5; i < 8; ++i)  // the log replays what is above
      CHECK(run(*machine, cas("n", i == 0 ? std::nullopt : std::optional{std::to_string(i - 1)}, std::to_string(i))).ok());
    CHECK(all_of(*machine) == states.back());
  }
}

TEST_CASE("bootstrap is durable before it returns", "[kv]") {
  disk d;
  auto machine = opened(disk_engine{d});
  CHECK(d.synced == d.batches.size());
  CHECK(machine.durable() == log_index{5});
  auto copy = d.after_crash(d.synced);
  auto again = disk_machine::open(disk_engine{copy}, group_id{1});
  CHECK(again->applied() == position{log_index{5}, term{5}});
}

TEST_CASE("durable says no more than was synced", "[kv]") {
  disk d;
  auto machine = opened(disk_engine{d});
  run(machine, put("a", "1"));
  CHECK(machine.durable() == log_index{5});
  REQUIRE(machine.sync());
  CHECK(machine.durable() == log_index{6});
  auto volatile_one = fresh();
  REQUIRE(volatile_one.sync());
  CHECK(volatile_one.durable() == log_index{0});
}

TEST_CASE("a failed write of the engine is fatal and moves nothing", "[kv]") {
  disk d;
  auto machine = opened(disk_engine{d});
  d.steps_until_failure = 0;
  std::vector<kv::kv_reply> replies;
  auto const data = put("a", "1");
  policy::command const one{{log_index{6}, term{6}}, data};
  auto const applied = machine.apply_batch({&one, 1}, one.at, replies);
  REQUIRE_FALSE(applied);
  CHECK(applied.error().outcome == outcome::fatal);
  CHECK(machine.applied().index == log_index{5});
  d.steps_until_failure = 0;
  CHECK(run(machine, data).error->outcome == outcome::fatal);
}

TEST_CASE("data, region and position of a view are of one moment and never change", "[kv]") {
  auto machine = fresh();
  run(machine, put("a", "1"));
  auto const view = machine.view();
  run(machine, put("a", "2"));
  run(machine, put("b", "1"));
  CHECK(view->applied().index == log_index{6});
  CHECK((*view->get("a"))->view() == "1");
  CHECK(view->scan({})->pairs.size() == 1);
}
