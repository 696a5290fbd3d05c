#pragma once

#include <tinykv/policy/kv_engine.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::testing {

namespace detail {

/// An engine under test with three families, and what the cases say to it.
template <class Open>
class engine_under_test {
 public:
  using model = typename decltype(std::declval<Open&>().fresh())::value_type;
  using view = typename model::view_type;
  using contents = std::map<std::string, std::string>;
  static constexpr std::size_t families = 3;

  engine_under_test(Open open, report& out) : open_(std::move(open)), out_(out), engine_(open_.fresh()) {
    out_.expect(engine_.has_value(), "a fresh engine opens");
  }

  static bytes text(std::string_view t) { return bytes::copy_of(t); }
  static policy::family family(std::size_t n) { return {static_cast<std::uint8_t>(n)}; }
  static policy::kv_batch puts(contents const& pairs, std::size_t f = 0) {
    policy::kv_batch batch;
    for (auto const& [key, value] : pairs) batch.put(family(f), text(key), text(value));
    return batch;
  }

  void write(policy::kv_batch const& batch) { out_.take(engine_->write(batch), "write"); }
  void sync() { out_.take(engine_->sync(), "sync"); }
  /// Kills the engine and starts it again. No view may be open.
  void reopen() {
    engine_ = open_.reopen(std::move(*engine_));
    out_.expect(engine_.has_value(), "the engine opens again");
  }
  result<view> now() const { return engine_->view(); }

  /// Everything in family `f` of `v`, read upwards; complains if reading downwards or by `get` gives anything else.
  contents all(view const& v, std::size_t f = 0) {
    contents up;
    std::vector<std::string> order;
    auto cursor = v.cursor(family(f));
    for (cursor.seek(""); cursor.valid(); cursor.next()) {
      up.emplace(cursor.key(), cursor.value());
      order.emplace_back(cursor.key());
    }
    out_.expect(!cursor.error(), "a cursor reads to the end");
    out_.expect(order.size() == up.size() && std::is_sorted(order.begin(), order.end()),
                "keys rise in unsigned lexicographic order, each one once");
    contents down;
    for (cursor.seek_before(""); cursor.valid(); cursor.prev()) down.emplace(cursor.key(), cursor.value());
    out_.expect(down == up, "downwards there are the same keys and values as upwards");
    for (auto const& [key, value] : up) out_.expect(get(v, key, f) == value, "get gives what the cursor gives");
    return up;
  }
  contents all(std::size_t f = 0) {
    auto const v = now();
    if (!out_.expect(v.has_value(), "a view opens")) return {};
    return all(*v, f);
  }
  std::optional<std::string> get(view const& v, std::string_view key, std::size_t f = 0) {
    auto const got = out_.take(v.get(family(f), key), "get");
    return got ? std::optional{got->str()} : std::nullopt;
  }
  std::optional<std::string> get(std::string_view key, std::size_t f = 0) {
    auto const v = now();
    if (!out_.expect(v.has_value(), "a view opens")) return {};
    return get(*v, key, f);
  }
  model& engine() { return *engine_; }
  bool usable() const { return engine_.has_value(); }

 private:
  Open open_;
  report& out_;
  result<model> engine_;
};

/// Everything of a view's family, without a word of complaint: for threads other than the case's own.
template <class View>
std::map<std::string, std::string> scan(View const& v, policy::family f) {
  std::map<std::string, std::string> out;
  auto cursor = v.cursor(f);
  for (cursor.seek(""); cursor.valid(); cursor.next()) out.emplace(cursor.key(), cursor.value());
  return out;
}

}  // namespace detail

}  // namespace tinykv::testing
