#pragma once

#include <tinykv/policy/log_storage.hpp>
#include <tinykv/testing/conformance/detail/log_space.hpp>
#include <tinykv/testing/conformance/detail/log_under_test.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// The promises of `policy::LogStorage` as cases. `open` is an `Opener` of the model; each case opens a fresh log. If it has
/// `std::uint64_t used(Model const&)`, the bytes that the model takes on its disk, promise 6 is a case, too. Promise 3's
/// damage and promise 5 need a way to break the disk and are left to the model's own tests.
template <class Open>
std::vector<conformance_case> log_storage_suite(Open open) {
  using log = detail::log_under_test<Open>;
  static_assert(policy::LogStorage<typename log::model>);
  static_assert(Opener<Open, typename log::model>);
  std::vector<conformance_case> suite;
  auto const add = [&](std::string name, void (*body)(log&, report&)) {
    suite.push_back({std::move(name), [open, body] {
                       report out;
                       if (log under_test{open, out}; under_test.usable()) body(under_test, out);
                       return out;
                     }});
  };

  add("a fresh log is empty", [](log& l, report& out) {
    auto const all = l.reload();
    out.expect(all.groups.empty() && !all.store_record, "nothing is loaded from a fresh log");
    out.expect_failure(l.fetch(1, 1, 1), error_code::not_found, "an unknown group has no entries");
    l.commit(policy::log_batch{});
    out.expect(l.reload().groups.empty(), "an empty batch changes nothing");
  });

  add("entries come back as they were written", [](log& l, report&) {
    auto want = log::entries(1, 5, 1);
    l.commit(log::write(1, want));
    l.holds(1, want, "the entries of one write");
    auto const more = log::entries(6, 7, 2);
    l.commit(log::write(1, more));
    want.insert(want.end(), more.begin(), more.end());
    l.holds(1, want, "the entries of two writes");
  });

  add("data are bytes: empty, binary and long", [](log& l, report&) {
    std::string all_octets;
    for (int i = 0; i < 256; ++i) all_octets += static_cast<char>(i);
    std::string large(std::size_t{3} << 20, '\0');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 3);
    std::vector<raft::entry> const want{log::entry(1, 1, ""), log::entry(2, 1, all_octets), log::entry(3, 1, large),
                                        log::entry(4, 1, std::string(1, '\0'))};
    l.commit(log::write(1, want));
    l.holds(1, want, "empty, binary and long data");
  });

  add("indexes and terms may be as large as numbers are", [](log& l, report& out) {
    auto const top = ~std::uint64_t{0} - 10;
    auto w = log::write(~std::uint64_t{0}, log::entries(top + 1, top + 3, ~std::uint64_t{0}));
    w.drop_entries = true;
    w.truncated = log::truncation(top, ~std::uint64_t{0} - 1, ~std::uint64_t{0});
    w.state = log::state(~std::uint64_t{0}, ~std::uint64_t{0}, top);
    l.commit(w);
    l.holds(~std::uint64_t{0}, w.entries, "entries with the largest numbers");
    auto const g = l.group(l.reload(), ~std::uint64_t{0});
    out.expect(g.truncated == *w.truncated && g.state == *w.state, "records with the largest numbers");
  });

  add("a conflicting write replaces what is at its first index and all above", [](log& l, report&) {
    l.commit(log::write(1, log::entries(1, 4, 1)));
    l.commit(log::write(1, log::entries(5, 8, 2)));
    l.commit(log::write(1, log::entries(9, 12, 3)));
    auto want = log::entries(1, 2, 1);
    want.push_back(log::entry(3, 4, "new"));
    l.commit(log::write(1, {want.back()}));
    l.holds(1, want, "a conflict that cuts several terms");
    want = {log::entry(1, 5, "other")};
    l.commit(log::write(1, want));
    l.holds(1, want, "a conflict at the first entry");
  });

  add("an entry that was cut away and written again is the new one", [](log& l, report&) {
    // (10,t3), (10,t4), (10,t3) of SAFETY.md section 2: same place and term, other data.
    l.commit(log::write(1, log::entries(1, 9, 1)));
    l.commit(log::write(1, {log::entry(10, 3, "first"), log::entry(11, 3, "stale")}));
    l.commit(log::write(1, {log::entry(10, 4, "second")}));
    l.commit(log::write(1, {log::entry(10, 3, "third")}));
    auto want = log::entries(1, 9, 1);
    want.push_back(log::entry(10, 3, "third"));
    l.holds(1, want, "the last write of an index wins, and what stood above it stays away");
  });

  add("one batch holds many groups", [](log& l, report& out) {
    policy::log_batch batch;
    for (std::uint64_t g = 300; g >= 1; --g) {
      batch.groups.push_back(log::write(g, log::entries(1, 1 + g % 3, g)));
      batch.groups.back().state = log::state(g, g + 1, g % 2);
    }
    l.commit(batch);
    auto const all = l.reload();
    if (!out.expect(all.groups.size() == 300, "every group of the batch is loaded")) return;
    for (std::uint64_t g = 1; g <= 300; ++g) {
      auto const& loaded = all.groups[static_cast<std::size_t>(g - 1)];
      out.expect(loaded.group == group_id{g}, "groups rise by id");
      out.expect(loaded.state == log::state(g, g + 1, g % 2), "each group has its own hard state");
      auto const got = l.fetch(g, 1, 9);
      out.expect(got && *got == log::entries(1, 1 + g % 3, g), "each group has its own entries");
    }
  });

  add("a group may occur twice in a batch: later writes win", [](log& l, report& out) {
    auto first = log::write(1, log::entries(1, 6, 1));
    first.state = log::state(1, 1, 1);
    auto second = log::write(1, {log::entry(4, 2, "over")});
    second.state = log::state(2, 3, 2);
    l.commit(policy::log_batch{{first, log::write(2, log::entries(1, 2, 9)), second}, {}});
    auto want = log::entries(1, 3, 1);
    want.push_back(log::entry(4, 2, "over"));
    l.holds(1, want, "the second write cuts the first one's entries");
    l.holds(2, log::entries(1, 2, 9), "the group between is untouched");
    out.expect(l.group(l.reload(), 1).state == log::state(2, 3, 2), "the later hard state wins");
  });

  add("hard states are replaced, and kept beside entries that change", [](log& l, report& out) {
    auto w = log::write(1);
    w.state = log::state(3, 2, 0);
    l.commit(w);
    auto loaded = l.group(l.reload(), 1);
    out.expect(loaded.state == log::state(3, 2, 0), "a hard state without entries");
    out.expect(loaded.last == log_index{0} && loaded.runs.empty() && loaded.truncated == raft::truncation{},
               "a group with only a hard state has no entries and no truncation");
    l.commit(log::write(1, log::entries(1, 3, 3)));
    out.expect(l.group(l.reload(), 1).state == log::state(3, 2, 0), "entries leave the hard state alone");
    w.state = log::state(4, 0, 2);
    l.commit(w);
    loaded = l.group(l.reload(), 1);
    out.expect(loaded.state == log::state(4, 0, 2), "a new hard state replaces the old one, zero vote included");
    out.expect(loaded.last == log_index{3}, "a hard state leaves the entries alone");
  });

  add("load gives the tail above the commit index and the term runs", [](log& l, report& out) {
    auto w = log::write(1, log::entries(1, 3, 1));
    auto const second = log::entries(4, 4, 3);
    auto const third = log::entries(5, 9, 7);
    w.entries.insert(w.entries.end(), second.begin(), second.end());
    w.entries.insert(w.entries.end(), third.begin(), third.end());
    w.state = log::state(7, 1, 6);
    l.commit(w);
    auto loaded = l.group(l.reload(), 1);
    out.expect(loaded.tail == log::entries(7, 9, 7), "the tail is all above the commit index");
    out.expect(loaded.runs == std::vector<raft::term_run>{{log_index{1}, term{1}}, {log_index{4}, term{3}},
                                                         {log_index{5}, term{7}}},
               "a run begins where the term changes");
    out.expect(loaded.last == log_index{9}, "the last entry");
    w = log::write(1);
    w.state = log::state(7, 1, 9);
    l.commit(w);
    out.expect(l.group(l.reload(), 1).tail.empty(), "no tail when all is committed");
    w.state = log::state(7, 1, 0);
    l.commit(w);
    out.expect(l.group(l.reload(), 1).tail.size() == 9, "the whole log is tail when the commit index is 0");
    w.truncated = log::truncation(8, 7);
    l.commit(w);
    out.expect(l.group(l.reload(), 1).tail == log::entries(9, 9, 7), "no tail below the truncation");
  });

  add("load names every configuration entry above the truncation", [](log& l, report& out) {
    auto w = log::write(1, log::entries(1, 9, 1));
    for (auto const i : {1U, 4U, 8U}) w.entries[i].kind = raft::entry_kind::configuration;
    w.state = log::state(1, 1, 9);
    l.commit(w);
    l.holds(1, w.entries, "the kind of an entry");
    auto loaded = l.group(l.reload(), 1);
    out.expect(loaded.configurations == std::vector<raft::entry>{w.entries[1], w.entries[4], w.entries[8]},
               "all configuration entries, committed ones too");
    l.commit(log::write(1, {log::entry(9, 2)}));
    auto cut = log::write(1);
    cut.truncated = log::truncation(2, 1, 5);
    l.commit(cut);
    loaded = l.group(l.reload(), 1);
    out.expect(loaded.configurations == std::vector<raft::entry>{w.entries[4]},
               "neither one that was cut away nor one below the truncation");
  });

  add("a truncation drops the front and is kept", [](log& l, report& out) {
    l.commit(log::write(1, log::entries(1, 10, 2)));
    auto cut = log::write(1);
    cut.truncated = log::truncation(4, 2, 3);
    l.commit(cut);
    l.holds(1, log::entries(5, 10, 2), "entries above a truncation");
    auto loaded = l.group(l.reload(), 1);
    out.expect(loaded.truncated == *cut.truncated, "the record comes back with its configuration");
    cut.truncated = log::truncation(10, 2, 4);
    l.commit(cut);
    loaded = l.group(l.reload(), 1);
    out.expect(loaded.truncated == *cut.truncated, "a later record replaces the one before");
    out.expect(loaded.last == log_index{10} && loaded.runs.empty() && loaded.tail.empty(),
               "a log that is all truncated ends at the truncation");
    out.expect_failure(l.fetch(1, 10, 10), error_code::not_found, "no entries are left");
    l.commit(log::write(1, log::entries(11, 12, 3)));
    l.holds(1, log::entries(11, 12, 3), "a log goes on after it was all truncated");
  });

  add("truncation and entries in one write take effect in that order", [](log& l, report&) {
    l.commit(log::write(1, log::entries(1, 6, 1)));
    auto w = log::write(1, log::entries(5, 7, 2));
    w.truncated = log::truncation(3, 1);
    l.commit(w);
    auto want = log::entries(4, 4, 1);
    want.insert(want.end(), w.entries.begin(), w.entries.end());
    l.holds(1, want, "cut in front, replaced behind");
  });

  add("drop_entries forgets the log and starts it elsewhere", [](log& l, report& out) {
    auto w = log::write(1, log::entries(1, 6, 1));
    w.state = log::state(5, 2, 6);
    l.commit(policy::log_batch{{w, log::write(2, log::entries(1, 6, 1))}, {}});
    auto reset = log::write(1, log::entries(101, 102, 5));
    reset.drop_entries = true;
    reset.truncated = log::truncation(100, 5, 8);
    l.commit(reset);
    l.holds(1, log::entries(101, 102, 5), "entries behind a snapshot");
    l.holds(2, log::entries(1, 6, 1), "another group keeps its entries");
    auto loaded = l.group(l.reload(), 1);
    out.expect(loaded.truncated == *reset.truncated, "the snapshot's truncation");
    out.expect(loaded.state == log::state(5, 2, 6), "the hard state stays: a vote is never forgotten (SAFETY.md §4)");
    auto drop = log::write(1);
    drop.drop_entries = true;
    l.commit(drop);
    loaded = l.group(l.reload(), 1);
    out.expect(loaded.last == log_index{100} && loaded.runs.empty(), "dropped entries fall back to the truncation");
    out.expect_failure(l.fetch(1, 101, 101), error_code::not_found, "dropped entries are gone");
  });

  add("a group that was left begins again from nothing, and keeps its vote", [](log& l, report& out) {
    auto w = log::write(1, log::entries(1, 9, 2));
    w.state = log::state(5, 2, 9);
    l.commit(w);
    w = log::write(1);
    w.truncated = log::truncation(7, 2, 3);
    l.commit(w);
    w.drop_entries = true;
    w.truncated = raft::truncation{};
    w.state = log::state(5, 2, 0);
    l.commit(w);
    auto const left = l.group(l.reload(), 1);
    out.expect(left.truncated == raft::truncation{} && left.last == log_index{0} && left.runs.empty(), "an empty log");
    out.expect(left.state == log::state(5, 2, 0), "term and vote stay (SAFETY.md §4)");
    l.commit(log::write(1, log::entries(1, 3, 6)));
    l.holds(1, log::entries(1, 3, 6), "entries from the first one on");
  });

  add("fetch keeps its bounds", [](log& l, report& out) {
    std::vector<raft::entry> all;
    for (std::uint64_t i = 1; i <= 10; ++i) all.push_back(log::entry(i, 1, std::string(100, 'a')));  // cost 164 each
    l.commit(policy::log_batch{{log::write(1, {all.begin(), all.begin() + 5}), log::write(2, log::entries(1, 3, 1)),
                                log::write(1, {all.begin() + 5, all.end()})},
                               {}});
    auto const count = [&](std::uint64_t from, std::uint64_t to, std::uint64_t bytes_max) {
      auto const got = out.take(l.fetch(1, from, to, bytes_max), "fetch");
      for (std::size_t i = 0; i < got.size(); ++i)
        out.expect(got[i] == all[static_cast<std::size_t>(from) - 1 + i], "fetch gives consecutive entries");
      return got.size();
    };
    out.expect(count(3, 7, 10000) == 5, "both ends of the range are included");
    out.expect(count(1, 10, 164 * 4) == 4, "entries that fit exactly are given");
    out.expect(count(1, 10, 164 * 4 - 1) == 3, "an entry that would pass the bound is not given");
    out.expect(count(4, 10, 0) == 1, "at least one entry is given");
    out.expect(count(10, 10, 1) == 1, "the last entry alone");
    out.expect_failure(l.fetch(1, 11, 20), error_code::not_found, "above the last entry");
    out.expect_failure(l.fetch(3, 1, 1), error_code::not_found, "a group that was never written");
  });

  add("the store's record is replaced and kept", [](log& l, report& out) {
    l.commit(policy::log_batch{{}, bytes::copy_of(std::string_view{"one\0two", 7})});
    out.expect(l.reload().store_record == bytes::copy_of(std::string_view{"one\0two", 7}), "the record comes back");
    l.commit(policy::log_batch{{log::write(1, log::entries(1, 1, 1))}, bytes::copy_of(std::string_view{"three"})});
    auto all = l.reload();
    out.expect(all.store_record == bytes::copy_of(std::string_view{"three"}), "a later record replaces it");
    out.expect(all.groups.size() == 1, "record and groups of one batch");
    l.commit(log::write(1, log::entries(2, 2, 1)));
    out.expect(l.reload().store_record == bytes::copy_of(std::string_view{"three"}), "other batches leave it alone");
    l.commit(policy::log_batch{{}, bytes{}});
    all = l.reload();
    out.expect(all.store_record && all.store_record->empty(), "an empty record is a record");
  });

  add("a long history of many groups comes back whole", [](log& l, report& out) {
    // Groups that write, truncate and conflict at different paces: what is dead lies between what is alive.
    std::vector<std::vector<raft::entry>> want(8);
    for (std::uint64_t round = 1; round <= 200; ++round) {
      policy::log_batch batch;
      for (std::uint64_t g = 0; g < want.size(); ++g) {
        if (round % (g + 1) != 0) continue;
        auto& mine = want[static_cast<std::size_t>(g)];
        auto w = log::write(g + 1);
        auto last = mine.empty() ? std::uint64_t{0} : mine.back().index.value;
        if (round % 7 == 3 && mine.size() > 3) {
          last -= 2;
          mine.resize(mine.size() - 2);
        }
        w.entries = log::entries(last + 1, last + 3, round);
        mine.insert(mine.end(), w.entries.begin(), w.entries.end());
        if (round % 20 == 0 && g != 5) {  // group 6 never truncates and pins what surrounds it
          w.entries.clear();
          auto const keep = mine.size() / 2;
          batch.groups.push_back(log::write(g + 1, {mine.end() - 3, mine.end()}));
          w.truncated = log::truncation(mine[mine.size() - keep - 1].index.value, mine[mine.size() - keep - 1].term.value);
          mine.erase(mine.begin(), mine.end() - static_cast<std::ptrdiff_t>(keep));
        }
        w.state = log::state(round, g + 1, mine.back().index.value);
        batch.groups.push_back(std::move(w));
      }
      l.commit(batch);
    }
    for (std::uint64_t g = 0; g < want.size(); ++g)
      l.holds(g + 1, want[static_cast<std::size_t>(g)], "group " + std::to_string(g + 1) + " of a long history");
    out.expect(l.reload().groups.size() == want.size(), "all groups of a long history");
  });

  add("bytes counts what is above the truncation", detail::bytes_are_counted<log>);
  if constexpr (requires(Open o, typename log::model const& m) { { o.used(m) } -> std::convertible_to<std::uint64_t>; })
    add("space is used again", detail::space_is_used_again<log>);

  add("a log is moved like a value", [](log& l, report& out) {
    l.commit(log::write(1, log::entries(1, 2, 1)));
    auto moved = std::move(l.log());
    out.take(moved.commit(policy::log_batch{{log::write(1, log::entries(3, 3, 1))}, {}}), "commit after a move");
    l.log() = std::move(moved);
    l.holds(1, log::entries(1, 3, 1), "a moved log");
  });

  return suite;
}

}  // namespace tinykv::testing
