#pragma once

#include <tinykv/testing/conformance/detail/machine_snapshots.hpp>
#include <tinykv/testing/conformance/detail/machine_under_test.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

namespace tinykv::testing {

namespace detail {

template <MachineSample Sample>
using machine_case = std::function<void(machine_under_test<Sample>&, report&)>;

/// What every machine promises.
template <MachineSample Sample, class Add>
void add_machine_cases(Add const& add) {
  using under_test = machine_under_test<Sample>;
  add("two machines that take the same commands give the same replies and reach the same state", [](under_test& on, report& out) {
    auto first = on.fresh();
    auto second = on.fresh();  // beside the first: at other addresses
    auto const begin = under_test::begin_of(first);
    out.expect(begin == under_test::begin_of(second), "every fresh machine begins at the same position");
    auto const replies = on.rest(first, begin);
    out.expect(replies == on.rest(second, begin), "the same commands give the same replies");
    auto const state = on.finish(first, begin, {});
    auto const other = on.finish(second, begin, {});
    out.expect(state.view == other.view, "the same commands give the same state, as views show it");
    out.expect(state.once_more == other.once_more, "the same commands give the same state, as later commands find it");
  });
  add("replies do not depend on how the indices have gaps", [](under_test& on, report& out) {
    if constexpr (requires { requires Sample::replies_tell_index; }) return;
    auto const want = on.one_by_one();
    auto m = on.fresh();
    auto next = under_test::begin_of(m).index;
    std::vector<typename under_test::reply> replies;
    for (auto const& command : on.commands()) replies.push_back(on.apply(m, ++next, command.view()));
    out.expect(replies == want.replies, "commands at consecutive indices answer as those with gaps between them");
  });
  add("a command is valid during its call only", [](under_test& on, report& out) {
    auto const want = on.one_by_one();  // of commands that are overwritten when their call has returned
    auto m = on.fresh();
    auto const begin = under_test::begin_of(m);
    std::vector<typename under_test::reply> replies;
    for (std::size_t i = 0; i < on.count(); ++i)
      replies.push_back(m.apply(under_test::place(begin, i).index, on.commands()[i].view()));
    out.expect(on.finish(m, begin, std::move(replies)) == want, "a command is not looked at when its call has returned");
  });
  add("a machine may be moved", [](under_test& on, report& out) {
    auto const want = on.one_by_one();
    auto m = std::make_unique<typename under_test::machine>(on.fresh());
    auto const begin = under_test::begin_of(*m);
    std::vector<typename under_test::reply> replies;
    for (std::size_t i = 0; i < on.count(); ++i) {
      replies.push_back(on.apply(*m, under_test::place(begin, i).index, on.commands()[i].view()));
      m = std::make_unique<typename under_test::machine>(std::move(*m));
    }
    out.expect(on.finish(*m, begin, std::move(replies)) == want, "a machine that was moved goes on as the one it was");
  });
  add("malformed commands are answered, the same by every machine", [](under_test& on, report& out) {
    auto first = on.fresh();
    auto second = on.fresh();
    auto next = under_test::begin_of(first).index;
    auto const both = [&](std::string const& command) {
      ++next;
      out.expect(on.apply(first, next, command) == on.apply(second, next, command), "a malformed command has one answer");
    };
    random dice{1};
    for (auto const& command : on.commands()) {
      auto text = command.str();
      if (text.size() > 1) both(text.substr(0, text.size() - 1));
      text[dice.below(text.size())] ^= static_cast<char>(1 + dice.below(255));
      both(text);
      both(text + '\0');
    }
    out.expect(on.rest(first, {next, {}}) == on.rest(second, {next, {}}), "what they leave behind is the same");
  });
}

/// What apply_batch promises besides.
template <MachineSample Sample, class Add>
void add_batch_cases(Add const& add) {
  using under_test = machine_under_test<Sample>;
  add("wherever a batch is cut, replies and state are those of single commands", [](under_test& on, report& out) {
    auto const want = on.one_by_one();
    random dice{1};
    for (std::size_t size = 0; size <= on.count(); ++size) {  // 0: any sizes
      auto m = on.fresh();
      auto const begin = under_test::begin_of(m);
      std::vector<typename under_test::reply> replies;
      for (std::size_t i = 0; i < on.count();) {
        auto const wanted = size == 0 ? dice.below(5) : size;
        auto const n = std::min<std::size_t>(wanted, on.count() - i);
        auto through = under_test::place(begin, i + std::max<std::size_t>(n, 1) - 1);
        if (n == 0) through.index = through.index - 1;  // nothing but entries of Raft's own
        on.apply_batch(m, begin, i, n, through, replies);
        i += n;
      }
      if (!out.expect(replies == want.replies, "replies do not depend on where batches are cut")) return;
      if (!out.expect(on.finish(m, begin, std::move(replies)) == want, "the state does not depend on where batches are cut")) return;
    }
  });
}

/// What a machine with a disk promises besides.
template <MachineSample Sample, class Add>
void add_persistent_cases(Add const& add) {
  using under_test = machine_under_test<Sample>;
  using machine = typename Sample::machine;
  add("applied() is the last position covered, with its term, also by entries without commands", [](under_test& on, report& out) {
    auto m = on.fresh();
    auto const begin = under_test::begin_of(m);
    std::vector<typename under_test::reply> replies;
    auto through = under_test::place(begin, 2);
    on.apply_batch(m, begin, 0, 3, through, replies);
    out.expect(m.applied() == through, "applied() is the last command of a batch");
    through = {under_test::place(begin, 5).index + 1, under_test::place(begin, 5).term};
    on.apply_batch(m, begin, 3, 3, through, replies);
    out.expect(m.applied() == through, "applied() is where the batch ends, above its last command");
    through = {through.index + 1, term{through.term.value + 3}};
    on.apply_batch(m, begin, 6, 0, through, replies);
    out.expect(m.applied() == through, "applied() moves with a batch of no commands");
  });
  add("durable() never passes applied(), and sync() brings it there", [](under_test& on, report& out) {
    auto m = on.fresh();
    auto const begin = under_test::begin_of(m);
    std::vector<typename under_test::reply> replies;
    auto before = m.durable();
    for (std::size_t i = 0; i < on.count(); ++i) {
      on.apply_batch(m, begin, i, 1, under_test::place(begin, i), replies);
      if (i % 3 == 2) {
        if (!out.expect(m.sync().has_value(), "sync succeeds")) return;
        if constexpr (policy::is_durable_machine<machine>)
          out.expect(m.durable() == m.applied().index, "after sync() durable() is applied()");
      }
      out.expect(m.durable() <= m.applied().index, "durable() never passes applied()");
      out.expect(m.durable() >= before, "durable() never falls");
      before = m.durable();
    }
    if constexpr (!policy::is_durable_machine<machine>)
      out.expect(m.durable() == log_index{}, "a machine that keeps nothing says that nothing is durable");
  });
  if constexpr (CrashSample<Sample>)
    add("after a crash a whole batch is the last, at least the durable ones are there, and the rest is applied again",
        [](under_test& on, report& out) {
          auto const want = on.one_by_one();
          for (std::size_t size = 1; size <= 4; ++size)
            for (std::size_t synced = 0; synced < on.count(); synced += 3) {
              auto m = on.fresh();
              auto const begin = under_test::begin_of(m);
              std::vector<typename under_test::reply> replies;
              std::vector<std::pair<position, std::size_t>> ends{{begin, 0}};  // how many commands are in up to there
              for (std::size_t i = 0; i < on.count();) {
                auto const n = std::min(size, on.count() - i);
                on.apply_batch(m, begin, i, n, under_test::place(begin, i + n - 1), replies);
                i += n;
                ends.emplace_back(under_test::place(begin, i - 1), i);
                if (ends.size() == synced + 1 && !out.expect(m.sync().has_value(), "sync succeeds")) return;
              }
              auto const durable = m.durable();
              auto again = on.reopen(std::move(m));
              auto const at = again.applied();
              auto const end = std::find_if(ends.begin(), ends.end(), [&](auto const& each) { return each.first == at; });
              if (!out.expect(end != ends.end(), "applied() after a crash is the end of a batch")) return;
              if (policy::is_durable_machine<machine>) out.expect(at.index >= durable, "what was durable is there after a crash");
              out.expect(again.durable() <= at.index, "durable() never passes applied()");
              replies.resize(std::min(replies.size(), end->second));
              for (auto& each : on.rest(again, begin, end->second)) replies.push_back(std::move(each));
              if (!out.expect(on.finish(again, begin, std::move(replies)) == want,
                              "the commands above applied() bring a machine to the state of one pass"))
                return;
            }
        });
}

/// What a machine with views promises besides.
template <ViewSample Sample, class Add>
void add_view_cases(Add const& add) {
  using under_test = machine_under_test<Sample>;
  add("a view sees everything applied before it, and never changes", [](under_test& on, report& out) {
    auto m = on.fresh();
    auto const begin = under_test::begin_of(m);
    std::vector<typename under_test::machine::view_type> views;
    std::vector<typename under_test::shown> then;
    auto const take = [&] {
      views.push_back(on.view(m));
      then.push_back(on.sample().show(views.back()));
    };
    take();
    for (std::size_t i = 0; i < on.count(); ++i) {
      on.apply(m, under_test::place(begin, i).index, on.commands()[i].view());
      take();
    }
    out.expect(!(then[0] == then[1]), "a view sees the command that was applied before it (the sample's first one)");
    for (std::size_t i = 0; i < views.size(); ++i)
      if (!out.expect(on.sample().show(views[i]) == then[i], "a view never changes")) break;
    auto other = on.fresh();
    for (std::size_t i = 0; i < on.count(); ++i) {
      on.apply(other, under_test::place(begin, i).index, on.commands()[i].view());
      if (!out.expect(on.show(other) == then[i + 1], "views do not depend on which were taken before")) break;
    }
  });
  if constexpr (policy::BatchMachine<typename Sample::machine>)
    add("a view sees a batch that was applied before it", [](under_test& on, report& out) {
      auto const want = on.one_by_one();
      auto m = on.fresh();
      auto const begin = under_test::begin_of(m);
      std::vector<typename under_test::reply> replies;
      on.apply_batch(m, begin, 0, on.count(), under_test::place(begin, on.count() - 1), replies);
      out.expect(on.show(m) == want.view, "a view sees the whole batch that was applied before it");
    });
  add("views are taken and read on another thread beside apply", [](under_test& on, report& out) {
    auto m = on.fresh();
    auto const begin = under_test::begin_of(m);
    std::vector<typename under_test::shown> after{on.show(m)};  // n commands
    {
      auto same = on.fresh();
      for (std::size_t i = 0; i < on.count(); ++i) {
        on.apply(same, under_test::place(begin, i).index, on.commands()[i].view());
        after.push_back(on.show(same));
      }
    }
    std::atomic<std::size_t> applied{0};
    std::atomic<int> seen{0};
    std::atomic<bool> wrong{false};
    std::thread reader{[&, sample = on.sample()]() mutable {
      for (bool last = false; !last; ++seen) {
        auto const least = applied.load();
        last = least == on.count();
        auto const view = std::as_const(m).view();
        auto const fits = view && std::find(after.begin() + static_cast<std::ptrdiff_t>(least), after.end(), sample.show(*view)) != after.end();
        if (!fits) wrong = true;
      }
    }};
    while (seen == 0) std::this_thread::yield();
    try {
      for (std::size_t i = 0; i < on.count(); ++i) {
        on.apply(m, under_test::place(begin, i).index, on.commands()[i].view());
        applied = i + 1;
        for (auto const before = seen.load(); i % 4 == 0 && seen == before;) std::this_thread::yield();
      }
    } catch (...) {
      applied = on.count();
      reader.join();
      throw;
    }
    reader.join();
    out.expect(!wrong, "a view taken beside apply holds a prefix of the commands, at least those applied before it");
  });
}

}  // namespace detail

/// The promises of policy/state_machine.hpp and policy/snapshottable_machine.hpp, as cases, for the machine of `sample`:
/// those of `StateMachine`, and those of each refinement that it models (members and retirement apart).
template <MachineSample Sample>
std::vector<conformance_case> state_machine_suite(Sample sample) {
  using machine = typename Sample::machine;
  static_assert(!policy::ViewableMachine<machine> || detail::ViewSample<Sample>,
                "the sample of a machine with views has show(view), which gives something that is compared with ==");
  static_assert(!policy::PersistentMachine<machine> || !policy::is_durable_machine<machine> || detail::CrashSample<Sample>,
                "the sample of a machine that outlives its process has reopen(machine), which gives result<machine>");
  std::vector<conformance_case> all;
  auto const add = [&](std::string name, detail::machine_case<Sample> body) {
    all.push_back({std::move(name), [sample, body = std::move(body)] {
                     return detail::run_case([&](report& out) {
                       detail::machine_under_test<Sample> on{sample, out};
                       body(on, out);
                     });
                   }});
  };
  detail::add_machine_cases<Sample>(add);
  if constexpr (policy::BatchMachine<machine>) detail::add_batch_cases<Sample>(add);
  if constexpr (policy::PersistentMachine<machine>) detail::add_persistent_cases<Sample>(add);
  if constexpr (policy::ViewableMachine<machine>) detail::add_view_cases<Sample>(add);
  if constexpr (policy::SnapshottableMachine<machine>) detail::add_snapshot_cases<Sample>(add);
  return all;
}

}  // namespace tinykv::testing
