#pragma once

#include <tinykv/policy/snapshot_storage.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tinykv::testing {

namespace detail {

/// Files under test, and what the cases say to them.
template <class Open>
class snapshots_under_test {
 public:
  using model = typename decltype(std::declval<Open&>().fresh())::value_type;
  using slot = policy::snapshot_slot;
  static constexpr std::array slots{slot::incoming, slot::outgoing, slot::current};

  snapshots_under_test(Open open, report& out) : open_(std::move(open)), out_(out), files_(open_.fresh()) {
    out_.expect(files_.has_value(), "fresh files open");
  }

  /// Bytes that differ from place to place and from seed to seed.
  static std::string pattern(std::size_t size, std::uint32_t seed = 1) {
    std::string out(size, '\0');
    for (auto& c : out) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
    return out;
  }
  void create(std::uint64_t group, slot s) { out_.take(files_->create(group_id{group}, s), "create"); }
  void append(std::uint64_t group, slot s, std::string_view data) {
    out_.take(files_->append(group_id{group}, s, data), "append");
  }
  void sync(std::uint64_t group, slot s) { out_.take(files_->sync(group_id{group}, s), "sync"); }
  void publish(std::uint64_t group, slot s) { out_.take(files_->publish(group_id{group}, s), "publish"); }
  void remove(std::uint64_t group, slot s) { out_.take(files_->remove(group_id{group}, s), "remove"); }
  /// create, append and sync.
  void write(std::uint64_t group, slot s, std::string_view data) {
    create(group, s);
    append(group, s, data);
    sync(group, s);
  }
  std::optional<std::uint64_t> size(std::uint64_t group, slot s) {
    return out_.take(files_->size(group_id{group}, s), "size");
  }
  std::string read(std::uint64_t group, slot s, std::uint64_t offset, std::size_t count) {
    return out_.take(files_->read(group_id{group}, s, offset, count), "read").str();
  }
  /// The file is there and holds exactly `want`; nullopt = there is no such file.
  void holds(std::uint64_t group, slot s, std::optional<std::string> const& want, std::string const& promise) {
    auto const found = size(group, s);
    if (!want) {
      out_.expect(!found, promise + ": no such file");
      return;
    }
    if (!out_.expect(found == want->size(), promise + ": the size")) return;
    out_.expect(read(group, s, 0, want->size() + 1) == *want, promise + ": the bytes");
  }
  /// Kills the store and starts it again.
  void reopen() {
    files_ = open_.reopen(std::move(*files_));
    out_.expect(files_.has_value(), "the files open again");
  }
  model& files() { return *files_; }
  bool usable() const { return files_.has_value(); }

 private:
  Open open_;
  report& out_;
  result<model> files_;
};

}  // namespace detail

/// The promises of `policy::SnapshotStorage` as cases. `open` is an `Opener` of the model; each case opens fresh files.
/// What a crash leaves of bytes that were not synced can only be tested over a simulated disk; the case `different files
/// are used from different threads` may be left out for models of a world with one thread.
template <class Open>
std::vector<conformance_case> snapshot_storage_suite(Open open) {
  using files = detail::snapshots_under_test<Open>;
  using slot = policy::snapshot_slot;
  static_assert(policy::SnapshotStorage<typename files::model>);
  static_assert(Opener<Open, typename files::model>);
  std::vector<conformance_case> suite;
  auto const add = [&](std::string name, void (*body)(files&, report&)) {
    suite.push_back({std::move(name), [open, body] {
                       report out;
                       if (files under_test{open, out}; under_test.usable()) body(under_test, out);
                       return out;
                     }});
  };

  add("there are no files at first", [](files& f, report& out) {
    for (auto const s : files::slots) {
      f.holds(1, s, {}, "a fresh store");
      out.expect_failure(f.files().read(group_id{1}, s, 0, 1), error_code::not_found, "nothing can be read from no file");
      out.expect_failure(f.files().append(group_id{1}, s, "x"), error_code::not_found, "nothing can be added to no file");
      out.expect_failure(f.files().sync(group_id{1}, s), error_code::not_found, "no file cannot be synced");
      out.expect_failure(f.files().publish(group_id{1}, s), error_code::not_found, "no file cannot be published");
      f.remove(1, s);
      f.holds(1, s, {}, "after all that");
    }
  });

  add("what was appended is read, from any place", [](files& f, report& out) {
    auto const all = files::pattern(300'000);
    f.create(1, slot::incoming);
    f.holds(1, slot::incoming, "", "a new file is empty");
    for (std::size_t at = 0, step = 1; at < all.size(); at += step, step = step * 3 % 70'001)
      f.append(1, slot::incoming, std::string_view{all}.substr(at, step));
    f.append(1, slot::incoming, "");
    f.holds(1, slot::incoming, all, "pieces of many sizes, before the sync");
    f.sync(1, slot::incoming);
    f.holds(1, slot::incoming, all, "pieces of many sizes");
    for (std::size_t at = 0, count = 1; at < all.size(); at += 9'973, count = count * 5 % 80'003)
      out.expect(f.read(1, slot::incoming, at, count) == all.substr(at, count), "a read gives as many bytes as asked");
    out.expect(f.read(1, slot::incoming, 7, 0).empty(), "no bytes when none are asked for");
    auto const everything = std::numeric_limits<std::size_t>::max();
    out.expect(f.read(1, slot::incoming, all.size() - 5, everything) == all.substr(all.size() - 5), "fewer at the end");
    out.expect(f.read(1, slot::incoming, all.size(), everything).empty(), "none at the end");
    out.expect(f.read(1, slot::incoming, ~std::uint64_t{0}, everything).empty(), "none far behind the end");
  });

  add("groups and slots have files of their own", [](files& f, report&) {
    std::array const groups{std::uint64_t{1}, std::uint64_t{10}, ~std::uint64_t{0}};
    auto const text = [](std::uint64_t g, slot s) { return std::to_string(g) + "/" + std::to_string(static_cast<int>(s)); };
    for (auto const g : groups)
      for (auto const s : files::slots) f.write(g, s, text(g, s));
    for (auto const g : groups)
      for (auto const s : files::slots) f.holds(g, s, text(g, s), "nine files");
    f.remove(10, slot::outgoing);
    f.create(1, slot::incoming);
    for (auto const g : groups)
      for (auto const s : files::slots) {
        if (g == 10 && s == slot::outgoing) f.holds(g, s, {}, "a removed file");
        else if (g == 1 && s == slot::incoming) f.holds(g, s, "", "a file that was created again");
        else f.holds(g, s, text(g, s), "the files beside it");
      }
  });

  add("create begins anew", [](files& f, report&) {
    f.write(1, slot::outgoing, files::pattern(5000));
    f.create(1, slot::outgoing);
    f.append(1, slot::outgoing, "short");
    f.holds(1, slot::outgoing, "short", "nothing of the old file is left");
    f.create(1, slot::outgoing);
    f.holds(1, slot::outgoing, "", "create after an append that was not synced");
    f.write(1, slot::outgoing, "third");
    f.reopen();
    f.holds(1, slot::outgoing, "third", "the last one, after a restart");
  });

  add("synced bytes survive, and appending goes on behind them", [](files& f, report& out) {
    auto want = files::pattern(100'000);
    f.write(1, slot::incoming, want);
    f.write(2, slot::incoming, "");
    f.reopen();
    f.holds(1, slot::incoming, want, "synced bytes, after a restart");
    f.holds(2, slot::incoming, "", "an empty file, after a restart");
    for (std::uint32_t round = 2; round < 5; ++round) {
      auto const more = files::pattern(10'000, round);
      f.append(1, slot::incoming, more);
      f.sync(1, slot::incoming);
      want += more;
      if (round != 3) f.reopen();
      f.holds(1, slot::incoming, want, "synced, appended, synced");
    }
    f.append(1, slot::incoming, "not synced");
    f.reopen();
    auto const left = f.size(1, slot::incoming);
    out.expect(left && *left >= want.size() && *left <= want.size() + 10, "at most what was not synced is missing");
    out.expect(f.read(1, slot::incoming, 0, want.size()) == want, "what was synced is not touched by what was not");
  });

  add("a published file is the current one", [](files& f, report&) {
    auto const first = files::pattern(70'000, 1);
    auto const second = files::pattern(60'000, 2);
    f.write(1, slot::incoming, first);
    f.write(2, slot::incoming, "of another group");
    f.publish(1, slot::incoming);
    f.holds(1, slot::incoming, {}, "it has left its slot");
    f.holds(1, slot::current, first, "it is the current one");
    f.holds(2, slot::current, {}, "of its own group only");
    f.holds(2, slot::incoming, "of another group", "the file of another group");
    f.reopen();
    f.holds(1, slot::current, first, "after a restart");
    f.write(1, slot::outgoing, second);
    f.holds(1, slot::current, first, "until the next one is published");
    f.publish(1, slot::outgoing);
    f.reopen();
    f.holds(1, slot::current, second, "a later one takes its place");
    f.create(1, slot::outgoing);
    f.append(1, slot::outgoing, "next");
    f.holds(1, slot::current, second, "a new file in the slot is another file");
    f.holds(1, slot::outgoing, "next", "the new file");
  });

  add("removed files are gone, and may be removed again", [](files& f, report&) {
    f.write(1, slot::incoming, "one");
    f.write(1, slot::outgoing, "two");
    f.publish(1, slot::outgoing);
    f.remove(1, slot::incoming);
    f.holds(1, slot::incoming, {}, "a removed file");
    f.holds(1, slot::current, "two", "the current file");
    f.remove(1, slot::current);
    f.remove(1, slot::current);
    f.holds(1, slot::current, {}, "a removed current file");
    f.create(1, slot::incoming);
    f.append(1, slot::incoming, "not synced");
    f.remove(1, slot::incoming);
    f.holds(1, slot::incoming, {}, "a file removed before it was synced");
    f.write(1, slot::incoming, "again");
    f.holds(1, slot::incoming, "again", "a file made after a remove");
  });

  add("different files are used from different threads", [](files& f, report& out) {
    std::array<bool, 4> fine{};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < fine.size(); ++i)
      threads.emplace_back([&f, &mine = fine[i], i] {
        group_id const group{i % 2 + 1};
        auto const s = i < 2 ? slot::incoming : slot::outgoing;
        mine = true;
        for (std::uint32_t round = 0; round < 20 && mine; ++round) {
          auto const want = files::pattern(3000, round * 4 + static_cast<std::uint32_t>(i));
          mine = f.files().create(group, s) && f.files().append(group, s, want) && f.files().sync(group, s);
          auto const got = f.files().read(group, s, 0, want.size() + 1);
          mine = mine && got && got->view() == want;
          if (i < 2) mine = mine && f.files().publish(group, s);
          else mine = mine && f.files().remove(group, s);
        }
      });
    for (auto& each : threads) each.join();
    for (auto const ok : fine) out.expect(ok, "a thread finds in its file what it wrote");
  });

  add("files are moved like a value", [](files& f, report& out) {
    f.create(1, slot::incoming);
    f.append(1, slot::incoming, "before ");
    auto moved = std::move(f.files());
    out.take(moved.append(group_id{1}, slot::incoming, "after"), "append after a move");
    f.files() = std::move(moved);
    f.sync(1, slot::incoming);
    f.holds(1, slot::incoming, "before after", "a file that was being written");
  });

  return suite;
}

}  // namespace tinykv::testing
