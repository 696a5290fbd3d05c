#pragma once

#include <tinykv/core/result.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Suites that hold a model of a policy against the promises of its contract: lists of cases that any test framework can
/// drive. See docs/policies/ for one page per contract.
namespace tinykv::testing {

/// What a case found. A complaint is one sentence: what must hold and did not.
class report {
 public:
  /// Complains with `promise` unless `fact`; gives `fact` back, so that a case can stop where it makes no sense to go on.
  bool expect(bool fact, std::string_view promise) {
    if (!fact) complaints_.emplace_back(promise);
    return fact;
  }
  /// The value of `got`; complains and gives a default one when there is none.
  template <class T>
  T take(result<T> got, std::string_view what) {
    if (got) return std::move(*got);
    complaints_.push_back(std::string{what} + " failed: " + std::string{name_of(got.error().code)} + ": " +
                          got.error().detail);
    return T{};
  }
  /// Complains unless `got` failed with `code`.
  template <class T>
  bool expect_failure(result<T> const& got, error_code code, std::string_view promise) {
    return expect(!got && got.error().code == code, promise);
  }
  /// In the order in which they were found; empty = passed.
  std::vector<std::string> const& complaints() const { return complaints_; }
  /// All in one text, one per line.
  std::string text() const {
    std::string out;
    for (auto const& complaint : complaints_) out += complaint + '\n';
    return out;
  }

 private:
  std::vector<std::string> complaints_;
};

/// One case of a suite. Cases are independent of each other and can run in any order.
struct conformance_case {
  std::string name;              ///< A sentence.
  std::function<report()> run;   ///< Runs it; throws nothing of its own.
};

/// How a suite gets at a model: a copyable thing (shared state behind a pointer, if it needs any) with
///
///     result<Model> fresh();                 // empty, as after installation; earlier ones are not used again
///     result<Model> reopen(Model before);    // killed and started again over what `before` left on its disk
///
/// A volatile model may give `before` back from `reopen`: what it holds in memory is then checked like a disk.
template <class O, class Model>
concept Opener = std::copy_constructible<O> && requires(O& open, Model before) {
  { open.fresh() } -> std::same_as<result<Model>>;
  { open.reopen(std::move(before)) } -> std::same_as<result<Model>>;
};

}  // namespace tinykv::testing
