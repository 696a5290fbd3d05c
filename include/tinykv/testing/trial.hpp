#pragma once

#include <tinykv/testing/cluster.hpp>
#include <tinykv/testing/nemesis.hpp>
#include <tinykv/testing/plan.hpp>
#include <tinykv/testing/workload.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// What came of one seed.
struct trial_result {
  std::uint64_t seed = 0;                ///< Which.
  std::uint64_t trace = 0;               ///< The hash of everything that happened.
  std::uint64_t events = 0;              ///< How many lines the trace had.
  std::string plan;                      ///< Which faults were on.
  std::vector<finding> violations;       ///< Empty = passed.
  std::vector<sim::trace_line> last;     ///< The end of the trace, for a reader; only of a failed trial.
  testing::situations reached;           ///< What occurred.
};

/// How fast a healed cluster must serve again (I-30): some tens of the longest election timeout of a trial.
inline constexpr duration recovery_max = std::chrono::seconds{12};

namespace detail {
template <class Cluster>
trial_result judged(Cluster& target, plan const& of) {
  trial_result out;
  out.seed = of.cluster.seed;
  out.trace = target.world().trace().hash();
  out.events = target.world().trace().count();
  out.plan = of.text();
  out.violations = target.violations().list();
  if (!out.violations.empty()) out.last = target.world().trace().last_lines();
  out.reached = target.oracle().reached();
  return out;
}
}  // namespace detail

/// Runs one seed against the composition P: first faults, with every invariant checked at every step; then a healed quorum,
/// which must elect, serve every client, answer every open call, and converge, all in bounded time (I-30).
template <class P>
trial_result run_trial(plan const& of, command_maker make, typename cluster<P>::make_machine open_machine =
                                                                   [](sim::world&, store_id) { return typename cluster<P>::machine{}; }) {
  cluster<P> target{of.cluster, std::move(open_machine)};
  {
    workload<cluster<P>> clients{target, of.clients, std::move(make)};
    nemesis<cluster<P>> trouble{target, of};
    target.run_until([] { return false; }, of.safety);

    if (!target.violations().empty()) return detail::judged(target, of);

    trouble.stop();
    clients.reset_counts();
    auto const must = [&](bool fact, char const* what) { target.oracle().found().expect(fact, "I-30", [&] { return what; }); };
    must(target.run_until([&] { return clients.all_served(2); }, recovery_max), "after the healing a client is not served");
    clients.stop();
    must(target.run_until([&] { return target.open_calls() == 0; }, recovery_max), "after the healing a call is never answered");
    must(target.converges_within(recovery_max), "after the healing the stores do not reach the same state");
  }
  return detail::judged(target, of);
}

}  // namespace tinykv::testing
