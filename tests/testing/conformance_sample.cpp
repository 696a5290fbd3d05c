// The sample of docs/policies/log_storage.md and docs/policies/kv_engine.md: what stands between the marks is quoted there.

#include "support/catch.hpp"

// [log sample]
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/testing/conformance/log_storage.hpp>

#include <cstdio>

namespace sample {

/// Your model: here one that counts its commits on top of another one.
class counting_log {
 public:
  static constexpr bool durable = tinykv::storage::memory_log::durable;
  static constexpr bool blocks = tinykv::storage::memory_log::blocks;

  tinykv::result<tinykv::policy::log_contents> load() { return below_.load(); }
  tinykv::result<tinykv::done> commit(tinykv::policy::log_batch const& batch) {
    ++commits_;
    return below_.commit(batch);
  }
  tinykv::result<std::vector<tinykv::raft::entry>> fetch(tinykv::group_id group, tinykv::log_index from,
                                                         tinykv::log_index to, std::uint64_t bytes_max) {
    return below_.fetch(group, from, to, bytes_max);
  }

 private:
  tinykv::storage::memory_log below_;
  std::uint64_t commits_ = 0;
};

/// How the suite gets at it. A model with a disk closes `before` in `reopen` and opens what it left.
struct open_counting_log {
  tinykv::result<counting_log> fresh() { return counting_log{}; }
  tinykv::result<counting_log> reopen(counting_log before) { return before; }
};

/// Any test framework will do, or none. Returns how many cases failed.
int run_suite() {
  int failed = 0;
  for (auto const& each : tinykv::testing::log_storage_suite(open_counting_log{})) {
    auto const report = each.run();
    failed += report.complaints().empty() ? 0 : 1;
    for (auto const& complaint : report.complaints()) std::printf("%s: %s\n", each.name.c_str(), complaint.c_str());
  }
  return failed;
}

}  // namespace sample
// [log sample]

// [kv sample]
#include <tinykv/storage/memory_kv.hpp>
#include <tinykv/testing/conformance/kv_engine.hpp>

namespace sample {

using engine = tinykv::storage::memory_kv;  // yours

struct open_engine {
  tinykv::result<engine> fresh() { return engine{{"a", "b", "c"}}; }  // the suite wants three families
  tinykv::result<engine> reopen(engine before) { return before; }
};

/// Moves `key` from the first family to the second one: nobody sees it in both, in neither, or half.
tinykv::result<tinykv::done> move_key(engine& on, std::string_view key) {
  auto const view = on.view();  // what it shows never changes
  if (!view) return view.error();
  auto const value = view->get({0}, key);
  if (!value) return value.error();
  if (!*value) return tinykv::rejected(tinykv::error_code::not_found, "no such key");
  tinykv::policy::kv_batch batch;
  batch.erase({0}, tinykv::bytes::copy_of(key));
  batch.put({1}, tinykv::bytes::copy_of(key), **value);
  if (auto written = on.write(batch); !written) return written;  // visible
  return on.sync();                                              // durable, if the engine is
}

}  // namespace sample
// [kv sample]

TEST_CASE("the samples of the pages on storage policies run", "[conformance][docs]") {
  CHECK(sample::run_suite() == 0);
  for (auto const& each : tinykv::testing::kv_engine_suite(sample::open_engine{})) CHECK(each.run().text() == "");
  sample::engine engine{{"a", "b"}};
  CHECK(sample::move_key(engine, "k").error().code == tinykv::error_code::not_found);
  tinykv::policy::kv_batch batch;
  batch.put({0}, tinykv::bytes::copy_of(std::string_view{"k"}), {});
  REQUIRE(engine.write(batch));
  CHECK(sample::move_key(engine, "k").has_value());
  CHECK(engine.view()->get({1}, "k")->has_value());
  CHECK(!engine.view()->get({0}, "k")->has_value());
}

// A suite that finds nothing is worth nothing: each planted fault is found by the case that is meant for it.
namespace {

enum class log_fault { none, keeps_conflicting_tail, forgets_truncation, drops_state_with_entries, ignores_bytes_max, forgets_record, counts_no_bytes };

class faulty_log {
 public:
  static constexpr bool durable = false;
  static constexpr bool blocks = false;
  explicit faulty_log(log_fault fault) : fault_(fault) {}

  tinykv::result<tinykv::policy::log_contents> load() {
    auto all = below_.load();
    if (fault_ == log_fault::forgets_truncation)
      for (auto& g : all->groups) g.truncated.configuration = {};
    if (fault_ == log_fault::counts_no_bytes)
      for (auto& g : all->groups) g.bytes = 0;
    return all;
  }
  tinykv::result<tinykv::done> commit(tinykv::policy::log_batch batch) {
    if (fault_ == log_fault::forgets_record && !batch.groups.empty()) batch.store_record.reset();
    for (auto& write : batch.groups) {
      if (fault_ == log_fault::drops_state_with_entries && write.drop_entries) write.state = tinykv::raft::hard_state{};
      if (fault_ == log_fault::keeps_conflicting_tail && !write.entries.empty())
        if (auto old = below_.fetch(write.group, write.entries.back().index + 1, write.entries.back().index + 100, ~0ULL))
          write.entries.insert(write.entries.end(), old->begin(), old->end());
    }
    return below_.commit(batch);
  }
  tinykv::result<std::vector<tinykv::raft::entry>> fetch(tinykv::group_id group, tinykv::log_index from,
                                                         tinykv::log_index to, std::uint64_t bytes_max) {
    return below_.fetch(group, from, to, fault_ == log_fault::ignores_bytes_max ? ~0ULL : bytes_max);
  }

 private:
  tinykv::storage::memory_log below_;
  log_fault fault_;
};

struct open_faulty_log {
  log_fault fault;
  tinykv::result<faulty_log> fresh() { return faulty_log{fault}; }
  tinykv::result<faulty_log> reopen(faulty_log before) { return before; }
};

enum class kv_fault { none, empty_is_absent, range_takes_its_end, loses_third_family, view_is_live };

class faulty_kv {
 public:
  using base = tinykv::storage::memory_kv;
  class view_type {
   public:
    view_type(std::shared_ptr<base> const& engine, bool live, bool empty_is_absent)
        : engine_(engine), taken_(*engine->view()), live_(live), empty_is_absent_(empty_is_absent) {}
    tinykv::result<std::optional<tinykv::bytes>> get(tinykv::policy::family f, std::string_view key) const {
      auto got = live_ ? engine_->view()->get(f, key) : taken_.get(f, key);
      if (empty_is_absent_ && got && *got && (*got)->empty()) return std::optional<tinykv::bytes>{};
      return got;
    }
    tinykv::storage::memory_cursor cursor(tinykv::policy::family f) const { return taken_.cursor(f); }

   private:
    std::shared_ptr<base> engine_;
    tinykv::storage::memory_view taken_;
    bool live_;
    bool empty_is_absent_;
  };
  static constexpr bool durable = false;

  explicit faulty_kv(kv_fault fault)
      : below_(std::make_shared<base>(std::vector<std::string>{"a", "b", "c"})), fault_(fault) {}
  tinykv::result<tinykv::done> write(tinykv::policy::kv_batch batch) {
    for (auto& operation : batch.operations) {
      if (fault_ == kv_fault::range_takes_its_end && operation.action == tinykv::policy::kv_action::erase_range &&
          !operation.value.empty())
        operation.value = tinykv::bytes::copy_of(operation.value.str() + '\0');
      if (fault_ == kv_fault::loses_third_family && operation.family.number == 2) operation.family.number = 1;
    }
    return below_->write(batch);
  }
  tinykv::result<tinykv::done> sync() { return below_->sync(); }
  tinykv::result<view_type> view() const {
    return view_type{below_, fault_ == kv_fault::view_is_live, fault_ == kv_fault::empty_is_absent};
  }

 private:
  std::shared_ptr<base> below_;
  kv_fault fault_;
};

struct open_faulty_kv {
  kv_fault fault;
  tinykv::result<faulty_kv> fresh() { return faulty_kv{fault}; }
  tinykv::result<faulty_kv> reopen(faulty_kv before) { return before; }
};

template <class Suite>
std::size_t complaining(Suite const& suite) {
  std::size_t out = 0;
  for (auto const& each : suite) out += each.run().complaints().empty() ? 0 : 1;
  return out;
}

}  // namespace

TEST_CASE("the suites find planted faults", "[conformance]") {
  for (auto const fault : {log_fault::keeps_conflicting_tail, log_fault::forgets_truncation,
                           log_fault::drops_state_with_entries, log_fault::ignores_bytes_max, log_fault::forgets_record, log_fault::counts_no_bytes}) {
    INFO("log fault " << static_cast<int>(fault));
    CHECK(complaining(tinykv::testing::log_storage_suite(open_faulty_log{fault})) > 0);
  }
  CHECK(complaining(tinykv::testing::log_storage_suite(open_faulty_log{log_fault::none})) == 0);
  for (auto const fault : {kv_fault::empty_is_absent, kv_fault::range_takes_its_end, kv_fault::loses_third_family,
                           kv_fault::view_is_live}) {
    INFO("engine fault " << static_cast<int>(fault));
    CHECK(complaining(tinykv::testing::kv_engine_suite(open_faulty_kv{fault})) > 0);
  }
  CHECK(complaining(tinykv::testing::kv_engine_suite(open_faulty_kv{kv_fault::none})) == 0);
}
