#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// A broken invariant.
struct finding {
  std::string invariant;  ///< Its id, as in docs/reference/faults_and_invariants.md: "I-3".
  std::string text;       ///< What was seen, in one line.
};

/// Where checkers put what they find. Bounded: after a first violation a run is worth nothing, and is ended soon.
class findings {
 public:
  static constexpr std::size_t kept_max = 20;  ///< More are only counted.

  /// Notes a violation unless `fact`.
  template <class Text>
  void expect(bool fact, std::string_view invariant, Text const& text) {
    if (fact) return;
    ++count_;
    if (list_.size() < kept_max) list_.push_back({std::string{invariant}, std::string{text()}});
  }
  bool empty() const noexcept { return count_ == 0; }               ///< Nothing was found.
  std::size_t count() const noexcept { return count_; }             ///< How many violations there were.
  std::vector<finding> const& list() const noexcept { return list_; }  ///< The first of them.

 private:
  std::vector<finding> list_;
  std::size_t count_ = 0;
};

namespace detail {
/// "store 3" and the like, for findings.
template <class Number>
std::string say(char const* what, Number number) {
  if constexpr (requires { number.value; }) return std::string{what} + ' ' + std::to_string(number.value);
  else return std::string{what} + ' ' + std::to_string(number);
}
}  // namespace detail

}  // namespace tinykv::testing
