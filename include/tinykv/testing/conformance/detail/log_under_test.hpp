#pragma once

#include <tinykv/policy/log_storage.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tinykv::testing {

namespace detail {

/// A log under test, and what the cases say to it.
template <class Open>
class log_under_test {
 public:
  using model = typename decltype(std::declval<Open&>().fresh())::value_type;

  log_under_test(Open open, report& out) : open_(std::move(open)), out_(out), log_(open_.fresh()) {
    if (out_.expect(log_.has_value(), "a fresh log opens")) out_.take(log_->load(), "load of a fresh log");
  }

  static raft::entry entry(std::uint64_t index, std::uint64_t term, std::string data = "x",
                           raft::entry_kind kind = raft::entry_kind::command) {
    return {log_index{index}, tinykv::term{term}, kind, bytes::adopt(std::move(data))};
  }
  /// Entries [from, to] of `term`; each one's data name its place, so that no two are equal.
  static std::vector<raft::entry> entries(std::uint64_t from, std::uint64_t to, std::uint64_t term) {
    std::vector<raft::entry> made;
    for (auto i = from; i <= to; ++i) made.push_back(entry(i, term, std::to_string(i) + "@" + std::to_string(term)));
    return made;
  }
  static policy::log_write write(std::uint64_t group, std::vector<raft::entry> added = {}) {
    policy::log_write w;
    w.group = group_id{group};
    w.entries = std::move(added);
    return w;
  }
  static raft::hard_state state(std::uint64_t term, std::uint64_t vote, std::uint64_t commit) {
    return {tinykv::term{term}, peer_id{vote}, log_index{commit}};
  }
  static raft::truncation truncation(std::uint64_t index, std::uint64_t term, std::uint64_t version = 0) {
    raft::truncation t{{log_index{index}, tinykv::term{term}}, {}};
    t.configuration.version = version;
    t.configuration.voters = {{peer_id{1}, store_id{1}}, {peer_id{7}, store_id{~std::uint64_t{0}}}};
    t.configuration.learners = {{peer_id{9}, store_id{3}}};
    return t;
  }

  void commit(policy::log_batch const& batch) { out_.take(log_->commit(batch), "commit"); }
  void commit(policy::log_write w) { commit(policy::log_batch{{std::move(w)}, {}}); }
  /// Kills the log and starts it again; gives what `load` says then.
  policy::log_contents reload() {
    log_ = open_.reopen(std::move(*log_));
    if (!out_.expect(log_.has_value(), "the log opens again")) return {};
    return out_.take(log_->load(), "load after a restart");
  }
  policy::group_log group(policy::log_contents const& all, std::uint64_t id) {
    for (auto const& g : all.groups)
      if (g.group == group_id{id}) return g;
    out_.expect(false, "load tells of group " + std::to_string(id));
    return {};
  }
  result<std::vector<raft::entry>> fetch(std::uint64_t group, std::uint64_t from, std::uint64_t to,
                                         std::uint64_t bytes_max = ~std::uint64_t{0}) {
    return log_->fetch(group_id{group}, log_index{from}, log_index{to}, bytes_max);
  }
  /// The whole log of `group` is `want`, to a fetch now and to load and fetch after a restart.
  void holds(std::uint64_t group_number, std::vector<raft::entry> const& want, std::string const& promise) {
    holds_now(group_number, want, promise);
    auto const loaded = group(reload(), group_number);
    auto const last = want.empty() ? loaded.truncated.at.index : want.back().index;
    out_.expect(loaded.last == last, promise + " (last, after a restart)");
    std::vector<raft::term_run> runs;
    for (auto const& e : want)
      if (runs.empty() || runs.back().term != e.term) runs.push_back({e.index, e.term});
    out_.expect(loaded.runs == runs, promise + " (runs, after a restart)");
    std::uint64_t size = 0;
    for (auto const& e : want) size += raft::cost_of(e);
    out_.expect(loaded.bytes == size, promise + " (bytes, after a restart)");
    holds_now(group_number, want, promise + " (after a restart)");
  }
  /// Bytes on the model's disk, if its opener tells them.
  std::uint64_t used() { return open_.used(*log_); }
  report& out() { return out_; }
  model& log() { return *log_; }
  bool usable() const { return log_.has_value(); }

 private:
  void holds_now(std::uint64_t group_number, std::vector<raft::entry> const& want, std::string const& promise) {
    if (!want.empty()) {
      auto const got = fetch(group_number, want.front().index.value, want.back().index.value);
      out_.expect(got && *got == want, promise);
      out_.expect_failure(fetch(group_number, want.back().index.value + 1, want.back().index.value + 1),
                          error_code::not_found, promise + ": nothing above the last entry");
      if (want.front().index.value > 1)
        out_.expect_failure(fetch(group_number, want.front().index.value - 1, want.back().index.value),
                            error_code::not_found, promise + ": nothing below the first entry");
    } else {
      out_.expect_failure(fetch(group_number, 1, 1), error_code::not_found, promise);
    }
  }

  Open open_;
  report& out_;
  result<model> log_;
};

}  // namespace detail

}  // namespace tinykv::testing
