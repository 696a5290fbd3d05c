#pragma once

#include <tinykv/core/random.hpp>
#include <tinykv/policy/kv_engine.hpp>
#include <tinykv/testing/conformance/detail/engine_under_test.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// The promises of `policy::KvEngine` as cases. `open` is an `Opener` of the model, whose engines have at least three
/// column families; each case opens a fresh engine. Promise 4 and 5 need a way to break the disk and are left to the
/// model's own tests. The suite uses a second thread.
template <class Open>
std::vector<conformance_case> kv_engine_suite(Open open) {
  using engine = detail::engine_under_test<Open>;
  using contents = typename engine::contents;
  static_assert(policy::KvEngine<typename engine::model>);
  static_assert(Opener<Open, typename engine::model>);
  std::vector<conformance_case> suite;
  auto const add = [&](std::string name, void (*body)(engine&, report&)) {
    suite.push_back({std::move(name), [open, body] {
                       report out;
                       if (engine under_test{open, out}; under_test.usable()) body(under_test, out);
                       return out;
                     }});
  };

  add("a fresh engine is empty", [](engine& e, report& out) {
    out.expect(e.all(0).empty() && e.all(2).empty(), "no keys");
    out.expect(!e.get("k"), "an absent key has no value");
    auto const v = e.now();
    if (!out.expect(v.has_value(), "a view of an empty engine opens")) return;
    auto cursor = v->cursor(engine::family(1));
    out.expect(!cursor.valid(), "a new cursor stands nowhere");
    cursor.seek("a");
    out.expect(!cursor.valid() && !cursor.error(), "seek finds nothing, without an error");
    cursor.seek_before("a");
    out.expect(!cursor.valid() && !cursor.error(), "seek_before finds nothing, without an error");
  });

  add("an empty value is not an absent one", [](engine& e, report& out) {
    e.write(engine::puts({{"empty", ""}}));
    out.expect(e.get("empty") == "", "an empty value is there");
    out.expect(!e.get("absent") && !e.get("empt") && !e.get("empty!"), "other keys are not");
    out.expect(e.all() == contents{{"empty", ""}}, "a cursor shows an empty value");
    policy::kv_batch gone;
    gone.erase(engine::family(0), engine::text("empty"));
    e.write(gone);
    out.expect(!e.get("empty"), "an erased key is absent");
  });

  add("operations of a batch act in order", [](engine& e, report& out) {
    auto const f = engine::family(0);
    policy::kv_batch batch;
    batch.put(f, engine::text("a"), engine::text("1"));
    batch.erase(f, engine::text("a"));
    batch.erase(f, engine::text("b"));
    batch.put(f, engine::text("b"), engine::text("2"));
    batch.put(f, engine::text("c"), engine::text("3"));
    batch.put(f, engine::text("c"), engine::text("4"));
    batch.put(f, engine::text("d"), engine::text("5"));
    batch.erase_range(f, engine::text("d"), engine::text("e"));
    batch.erase_range(f, engine::text("e"), engine::text("f"));
    batch.put(f, engine::text("e"), engine::text("6"));
    batch.erase(f, engine::text("never there"));
    e.write(batch);
    out.expect(e.all() == contents{{"b", "2"}, {"c", "4"}, {"e", "6"}}, "later operations of a batch win");
    e.write({});
    out.expect(e.all().size() == 3, "an empty batch changes nothing");
  });

  add("erase_range takes its begin and leaves its end", [](engine& e, report& out) {
    auto const f = engine::family(0);
    auto const erased = [&](std::string_view begin, std::string_view end) {
      e.write(engine::puts({{"a", "1"}, {"b", "2"}, {"bb", "3"}, {"c", "4"}, {std::string("\xff\xff", 2), "5"}}));
      policy::kv_batch batch;
      batch.erase_range(f, engine::text(begin), engine::text(end));
      e.write(batch);
      std::string left;
      for (auto const& [key, value] : e.all()) left += value;
      return left;
    };
    out.expect(erased("b", "c") == "145", "half open");
    out.expect(erased("aa", "bb") == "1345", "ends that are no keys");
    out.expect(erased("b", "b") == "12345", "an empty range");
    out.expect(erased("c", "b") == "12345", "a range turned round is empty");
    out.expect(erased("c", "") == "123", "open to the end");
    out.expect(erased("", "b") == "2345", "from the first key");
    out.expect(erased("", "").empty(), "everything");
    out.expect(erased("", "").empty(), "everything, again");
  });

  add("keys are bytes in unsigned order", [](engine& e, report& out) {
    std::vector<std::string> const order{std::string(1, '\0'), std::string(2, '\0'), std::string("\0\1", 2), "\x01", "a",
                                         std::string("a\0", 2), "aa", "b", "\x7f", "\x80", "\xc3\xa9", "\xff", "\xff\xff",
                                         "\xff\xff" + std::string(2000, '\xff')};
    contents pairs;
    for (std::size_t i = 0; i < order.size(); ++i) pairs[order[i]] = std::to_string(i) + std::string(1, '\0');
    e.write(engine::puts(pairs));
    out.expect(e.all() == pairs, "zero bytes, high bytes and long keys");
    auto const v = e.now();
    if (!out.expect(v.has_value(), "a view opens")) return;
    auto cursor = v->cursor(engine::family(0));
    cursor.seek("");
    for (auto const& key : order) {
      if (!out.expect(cursor.valid() && cursor.key() == key, "a prefix comes first, 0x7f before 0x80")) return;
      cursor.next();
    }
    out.expect(!cursor.valid(), "the last key ends the walk");
  });

  add("cursors go both ways from every place", [](engine& e, report& out) {
    std::vector<std::string> const keys{"b", "d", "dd", "f"};
    e.write(engine::puts({{"b", "1"}, {"d", "2"}, {"dd", "3"}, {"f", "4"}}));
    e.write(engine::puts({{"a", "x"}, {"z", "y"}}, 1));
    auto const v = e.now();
    if (!out.expect(v.has_value(), "a view opens")) return;
    auto cursor = v->cursor(engine::family(0));
    auto const at = [&]() -> std::string { return cursor.valid() ? std::string{cursor.key()} : "-"; };
    struct { char const* sought; char const* from; char const* before; } const table[] = {
        {"", "b", "f"}, {"a", "b", "-"}, {"b", "b", "-"}, {"c", "d", "b"}, {"d", "d", "b"},
        {"dd", "dd", "d"}, {"e", "f", "dd"}, {"f", "f", "dd"}, {"g", "-", "f"}};
    for (auto const& row : table) {
      cursor.seek(row.sought);
      out.expect(at() == row.from, std::string{"seek finds the first key from '"} + row.sought + "' on");
      cursor.seek_before(row.sought);
      out.expect(at() == row.before, std::string{"seek_before finds the last key below '"} + row.sought + "'");
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      cursor.seek(keys[i]);
      cursor.next();
      out.expect(at() == (i + 1 < keys.size() ? keys[i + 1] : "-"), "next after seek");
      cursor.seek(keys[i]);
      cursor.prev();
      out.expect(at() == (i > 0 ? keys[i - 1] : "-"), "prev after seek");
      if (i == 0) continue;
      cursor.seek_before(keys[i]);
      cursor.next();
      out.expect(at() == keys[i], "next after seek_before");
    }
    cursor.seek("c");
    cursor.next();
    cursor.prev();
    cursor.prev();
    cursor.next();
    out.expect(at() == "d" && cursor.value() == "2", "turning round twice stays in step");
    auto other = v->cursor(engine::family(0));
    other.seek("f");
    out.expect(at() == "d", "two cursors of a view do not disturb each other");
  });

  add("a view never changes", [](engine& e, report& out) {
    contents const before{{"a", "1"}, {"b", "2"}, {"c", "3"}};
    e.write(engine::puts(before));
    e.write(engine::puts({{"z", "other family"}}, 1));
    auto const old = e.now();
    if (!out.expect(old.has_value(), "a view opens")) return;
    auto cursor = old->cursor(engine::family(0));
    cursor.seek("a");
    policy::kv_batch batch;
    batch.put(engine::family(0), engine::text("a"), engine::text("new"));
    batch.put(engine::family(0), engine::text("aa"), engine::text("new"));
    batch.erase(engine::family(0), engine::text("b"));
    batch.erase_range(engine::family(1), {}, {});
    e.write(batch);
    auto const middle = e.now();
    batch = {};
    batch.erase_range(engine::family(0), {}, {});
    e.write(batch);
    e.sync();
    out.expect(cursor.valid() && cursor.key() == "a" && cursor.value() == "1", "nor does a cursor that stands in it");
    cursor.next();
    out.expect(cursor.valid() && cursor.key() == "b" && cursor.value() == "2", "an erased key is still in an older view");
    out.expect(e.all(*old) == before, "an older view keeps what was overwritten, erased and cleared");
    out.expect(e.get(*old, "z", 1) == "other family", "in every family");
    if (!out.expect(middle.has_value(), "a second view opens")) return;
    out.expect(e.all(*middle) == contents{{"a", "new"}, {"aa", "new"}, {"c", "3"}}, "each view has its own moment");
    out.expect(e.all().empty(), "a new view sees all that was written before");
  });

  add("families are independent", [](engine& e, report& out) {
    for (std::size_t f = 0; f < engine::families; ++f) e.write(engine::puts({{"k", std::to_string(f)}, {"l", "x"}}, f));
    policy::kv_batch batch;
    batch.erase(engine::family(1), engine::text("k"));
    batch.erase_range(engine::family(2), {}, {});
    e.write(batch);
    out.expect(e.all(0) == contents{{"k", "0"}, {"l", "x"}}, "the first family keeps its keys");
    out.expect(e.all(1) == contents{{"l", "x"}}, "erase acts on its family");
    out.expect(e.all(2).empty(), "erase_range acts on its family");
  });

  add("values may be long", [](engine& e, report& out) {
    std::string large(std::size_t{2} << 20, '\0');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 131 >> 5);
    e.write(engine::puts({{"large", large}, {"small", "s"}}));
    out.expect(e.get("large") == large && e.get("small") == "s", "two megabytes come back");
  });

  add("what was synced is there after a crash", [](engine& e, report& out) {
    e.write(engine::puts({{"a", "1"}, {"b", ""}}));
    e.write(engine::puts({{"c", std::string(1, '\0')}}, 2));
    e.sync();
    e.reopen();
    if (!e.usable() || !engine::model::durable) return;
    out.expect(e.all(0) == contents{{"a", "1"}, {"b", ""}}, "the first family");
    out.expect(e.all(1).empty(), "the family that was not written");
    out.expect(e.all(2) == contents{{"c", std::string(1, '\0')}}, "the third family");
    e.write(engine::puts({{"d", "2"}}));
    e.sync();
    e.sync();
    e.reopen();
    if (e.usable()) out.expect(e.all(0).size() == 3, "and after the next one");
  });

  add("after a crash a prefix of the batches is there, of all families alike", [](engine& e, report& out) {
    std::uint64_t constexpr synced = 20;
    for (std::uint64_t i = 1; i <= 50; ++i) {
      policy::kv_batch batch;
      for (std::size_t f = 0; f < engine::families; ++f) {
        batch.put(engine::family(f), engine::text("latest"), engine::text(std::to_string(i)));
        batch.put(engine::family(f), engine::text("n" + std::to_string(i)), engine::text("x"));
        batch.erase(engine::family(f), engine::text("n" + std::to_string(i - 1)));
      }
      e.write(batch);
      if (i == synced) e.sync();
    }
    e.reopen();
    if (!e.usable()) return;
    auto const first = e.all(0);
    for (std::size_t f = 1; f < engine::families; ++f) out.expect(e.all(f) == first, "all families end at one batch");
    if (engine::model::durable) out.expect(first.size() == 2, "what was synced is in the prefix");
    if (first.empty()) return;
    auto const latest = first.count("latest") == 1 ? first.at("latest") : "";
    out.expect(first == contents{{"latest", latest}, {"n" + latest, "x"}}, "the last batch is there whole");
    if (engine::model::durable) out.expect(std::stoull("0" + latest) >= synced, "everything before a sync is there");
  });

  add("views from another thread hold a growing prefix, whole batches only", [](engine& e, report& out) {
    auto const batch_of = [](std::uint64_t i) {
      policy::kv_batch batch;
      for (std::size_t f = 0; f < engine::families; ++f) {
        batch.erase_range(engine::family(f), {}, {});
        for (std::uint64_t k = 0; k < 10; ++k)
          batch.put(engine::family(f), engine::text("k" + std::to_string(k)), engine::text(std::to_string(i)));
      }
      return batch;
    };
    e.write(batch_of(0));
    std::vector<std::string> complaints;
    std::thread reader([&] {
      std::uint64_t before = 0;
      for (int round = 0; round < 300; ++round) {
        auto const v = e.now();
        if (!v) return complaints.push_back("a view opens beside the writer: " + v.error().detail);
        auto const all = detail::scan(*v, engine::family(0));
        if (all.size() != 10) return complaints.push_back("a batch is seen whole: keys are missing");
        auto const i = std::stoull("0" + all.begin()->second);
        for (std::size_t f = 0; f < engine::families; ++f)
          for (auto const& [key, value] : detail::scan(*v, engine::family(f)))
            if (value != std::to_string(i)) return complaints.push_back("a batch is seen whole: values differ");
        if (i < before) return complaints.push_back("a later view is not older");
        before = i;
      }
    });
    for (std::uint64_t i = 1; i <= 300; ++i) {
      e.write(batch_of(i));
      out.expect(e.get("k3") == std::to_string(i), "a view taken after a write returned sees it");
    }
    reader.join();
    for (auto const& complaint : complaints) out.expect(false, complaint);
  });

  add("a view may be read in another thread than it was taken in", [](engine& e, report& out) {
    e.write(engine::puts({{"a", "1"}, {"b", "2"}}));
    auto taken = e.now();
    if (!out.expect(taken.has_value(), "a view opens")) return;
    contents seen;
    std::thread([&, v = std::move(*taken)] { seen = detail::scan(v, engine::family(0)); }).join();
    out.expect(seen == contents{{"a", "1"}, {"b", "2"}}, "another thread reads and closes a view");
  });

  add("random batches leave what a map would hold", [](engine& e, report& out) {
    random dice{2026};
    std::array<contents, engine::families> want;
    auto const key = [&] {
      auto const number = dice.below(400);
      return "k" + std::to_string(number);
    };
    for (int round = 0; round < 150; ++round) {
      policy::kv_batch batch;
      for (auto operations = dice.between(1, 20); operations > 0; --operations) {
        auto const f = static_cast<std::size_t>(dice.below(engine::families));
        auto const begin = key();
        switch (dice.below(10)) {
          case 0: {
            auto const end = key();
            batch.erase_range(engine::family(f), engine::text(begin), engine::text(end));
            if (begin < end) want[f].erase(want[f].lower_bound(begin), want[f].lower_bound(end));
            break;
          }
          case 1:
          case 2:
            batch.erase(engine::family(f), engine::text(begin));
            want[f].erase(begin);
            break;
          default: {
            std::string value(static_cast<std::size_t>(dice.below(50)), 'v');
            value += std::to_string(round);
            batch.put(engine::family(f), engine::text(begin), engine::text(value));
            want[f][begin] = value;
          }
        }
      }
      e.write(batch);
      if (round % 50 == 49) {
        e.sync();
        if (engine::model::durable) e.reopen();
        if (!e.usable()) return;
      }
      if (round % 10 == 9)
        for (std::size_t f = 0; f < engine::families; ++f) out.expect(e.all(f) == want[f], "the engine equals the map");
    }
  });

  add("an engine is moved like a value", [](engine& e, report& out) {
    e.write(engine::puts({{"a", "1"}}));
    auto const old = e.now();
    auto moved = std::move(e.engine());
    out.take(moved.write(engine::puts({{"b", "2"}})), "write after a move");
    e.engine() = std::move(moved);
    out.expect(e.all() == contents{{"a", "1"}, {"b", "2"}}, "a moved engine");
    if (out.expect(old.has_value(), "a view opens")) out.expect(e.all(*old) == contents{{"a", "1"}}, "its older view");
  });

  return suite;
}

}  // namespace tinykv::testing
