#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/random.hpp>
#include <tinykv/policy/state_machine.hpp>
#include <tinykv/testing/conformance/detail/case_is_over.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <algorithm>
#include <concepts>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tinykv::testing {

/// How `state_machine_suite` gets at a machine: a copyable thing with
///
///     using machine = ...;                          // the StateMachine; its replies are compared with ==
///     result<machine> fresh();                      // as a group begins with it; never the same one twice
///     std::vector<bytes> commands();                // a sample of at least 8, none empty, always the same
///
/// The sample should hold commands that see what others did (a condition, a counter), commands that are refused, and
/// malformed ones; the suite finds what the sample can show. Where the machine offers more, so does the sample:
///
///     auto show(view const&);                       // ViewableMachine: what a view holds, to be compared with ==; the
///                                                   // first command must change it
///     result<machine> reopen(machine before);       // PersistentMachine: killed, and started again over what is on its
///                                                   // disk; due when `durable_state` is true
///     static constexpr bool replies_tell_index = true;   // if replies depend on the number of the index itself
template <class S>
concept MachineSample = std::copy_constructible<S> && requires(S& sample) {
  typename S::machine;
  requires policy::StateMachine<typename S::machine>;
  requires std::equality_comparable<typename S::machine::reply>;
  { sample.fresh() } -> std::same_as<result<typename S::machine>>;
  { sample.commands() } -> std::same_as<std::vector<bytes>>;
};

namespace detail {

/// A sample that can show what the views of its machine hold.
template <class S>
concept ViewSample = MachineSample<S> && policy::ViewableMachine<typename S::machine> &&
                     requires(S& sample, typename S::machine::view_type const& view) {
                       { sample.show(view) } -> std::equality_comparable;
                     };

/// A sample that can kill its machine.
template <class S>
concept CrashSample = MachineSample<S> && policy::PersistentMachine<typename S::machine> &&
                      requires(S& sample, typename S::machine before) {
                        { sample.reopen(std::move(before)) } -> std::same_as<result<typename S::machine>>;
                      };

/// What views of the sample's machine show; nothing if it has none.
template <class S>
struct shown_by {
  using type = std::monostate;
};
template <ViewSample S>
struct shown_by<S> {
  using type = decltype(std::declval<S&>().show(std::declval<typename S::machine::view_type const&>()));
};

/// Drives machines of a sample, and complains of what no machine may do.
template <MachineSample Sample>
class machine_under_test {
 public:
  using machine = typename Sample::machine;
  using reply = typename machine::reply;
  using shown = typename shown_by<Sample>::type;

  /// One pass over commands: what they answered, and the state behind them, as the same commands once more and a view see it.
  struct pass {
    std::vector<reply> replies;
    std::vector<reply> once_more;
    shown view;

    friend bool operator==(pass const&, pass const&) = default;
  };

  machine_under_test(Sample sample, report& out) : out_(out), sample_(std::move(sample)), commands_(sample_.commands()) {
    if (!out.expect(commands_.size() >= 8, "the sample has at least 8 commands")) throw case_is_over{};
  }

  std::vector<bytes> const& commands() const { return commands_; }
  std::size_t count() const { return commands_.size(); }

  machine fresh() { return opened(sample_.fresh(), "a fresh machine"); }
  machine reopen(machine before)
    requires CrashSample<Sample>
  {
    return opened(sample_.reopen(std::move(before)), "a machine that was killed");
  }
  /// The position before a fresh machine's first command.
  static position begin_of(machine& m) {
    if constexpr (policy::PersistentMachine<machine>) return m.applied();
    else return static_cast<void>(m), position{};
  }

  /// The place of the sample's `i`-th command behind `begin`: gaps of one to three, a new term every fifth command.
  static position place(position begin, std::size_t i) {
    return {begin.index + (2 + 3 * i + i % 2), term{begin.term.value + 1 + i / 5}};
  }

  /// One command, which is gone when the call returns.
  reply apply(machine& m, log_index at, std::string_view command) {
    spent_.emplace_back(command);
    auto out = m.apply(at, spent_.back());
    std::fill(spent_.back().begin(), spent_.back().end(), '\xee');
    return out;
  }
  /// Commands [from, from + count) of the sample as one batch up to `through`; their replies are added to `replies`.
  void apply_batch(machine& m, position begin, std::size_t from, std::size_t count, position through, std::vector<reply>& replies)
    requires policy::BatchMachine<machine>
  {
    std::vector<policy::command> batch;
    auto const first = spent_.size();
    for (auto i = from; i < from + count; ++i) {
      spent_.emplace_back(commands_[i].view());
      batch.push_back({place(begin, i), spent_.back()});
    }
    auto const before = replies.size();
    auto const applied = m.apply_batch(batch, through, replies);
    for (auto i = first; i < spent_.size(); ++i) std::fill(spent_[i].begin(), spent_[i].end(), '\xee');
    if (!applied) stop("a batch of the sample is applied: " + applied.error().detail);
    if (replies.size() != before + count) stop("a batch adds one reply per command to those that are there");
  }
  /// The commands from `from` on, one by one.
  std::vector<reply> rest(machine& m, position begin, std::size_t from = 0) {
    std::vector<reply> out;
    for (auto i = from; i < count(); ++i) out.push_back(apply(m, place(begin, i).index, commands_[i].view()));
    return out;
  }
  /// Ends a pass behind the whole sample.
  pass finish(machine& m, position begin, std::vector<reply> replies) {
    auto view = show(m);
    std::vector<reply> once_more;
    for (std::size_t i = 0; i < count(); ++i)
      once_more.push_back(apply(m, place(begin, count() + i).index, commands_[i].view()));
    return {std::move(replies), std::move(once_more), std::move(view)};
  }
  /// A whole pass over a fresh machine, one command at a time: what every other way must equal.
  pass one_by_one() {
    auto m = fresh();
    auto const begin = begin_of(m);
    return finish(m, begin, rest(m, begin));
  }
  /// What a view taken now shows.
  shown show(machine const& m) {
    if constexpr (ViewSample<Sample>) return sample_.show(view(m));
    else return static_cast<void>(m), shown{};
  }
  auto view(machine const& m)
    requires policy::ViewableMachine<machine>
  {
    auto taken = m.view();
    if (!taken) stop("a view is given: " + taken.error().detail);
    return std::move(*taken);
  }
  Sample& sample() { return sample_; }

  /// Complains and ends the case.
  [[noreturn]] void stop(std::string const& promise) {
    out_.expect(false, promise);
    throw case_is_over{};
  }

 private:
  machine opened(result<machine> made, std::string const& which) {
    if (!made) stop(which + " opens: " + made.error().detail);
    return std::move(*made);
  }

  report& out_;
  Sample sample_;
  std::vector<bytes> const commands_;
  std::deque<std::string> spent_;  // not freed, so that a machine that looks again finds other bytes
};

}  // namespace detail
}  // namespace tinykv::testing
