#pragma once

#include <tinykv/testing/conformance/detail/consensus_group.hpp>

#include <functional>
#include <string>
#include <vector>

namespace tinykv::testing {

/// What `consensus_suite` does with a model.
struct consensus_suite_options {
  std::uint64_t group_size = 3;  ///< Peers of the cases with a group; 1 for a model that has no peers.
  std::uint64_t seeds = 20;      ///< Random schedules.
  std::uint64_t steps = 4000;    ///< Inputs in each of them.
};

namespace detail {

/// Small bounds, so that the cases reach them.
inline raft::options small_consensus_options(std::uint64_t seed = 1) {
  raft::options out;
  out.seed = seed;
  out.window_bytes_max = 64ULL << 10;
  out.window_entries_max = 256;
  out.command_bytes_max = 1024;
  out.append_bytes_max = 2048;
  out.inflight_appends_max = 4;
  out.apply_bytes_max = 4096;
  out.pending_reads_max = 16;
  return out;
}

inline bytes consensus_command(std::uint64_t n, std::size_t size) {
  auto text = std::to_string(n) + ' ';
  text.resize(std::max(size, text.size()), '.');
  return bytes::adopt(std::move(text));
}

/// Inputs in any order and number, with loss, repetition, crashes and slow disks; then calm.
template <policy::Consensus Model>
std::uint64_t random_schedule(consensus_suite_options const& with, std::uint64_t seed, report& out) {
  random dice{seed};
  consensus_group<Model> group{with.group_size, small_consensus_options(seed), out};
  for (std::uint64_t step = 0; step < with.steps; ++step) {
    auto const action = dice.below(1000);
    auto const id = 1 + dice.below(group.size());
    auto& p = group[id];
    if (action < 200) {
      p.model->tick();
    } else if (action < 600) {
      if (group.mail() == 0) continue;
      auto const which = dice.below(std::min<std::size_t>(group.mail(), 32));
      auto const fate = dice.below(100);
      group.deliver(which, fate < 8, fate >= 95);
    } else if (action < 770) {
      group.take(p);
    } else if (action < 870) {
      auto const count = 1 + dice.below(3);
      group.persist(p, count);
    } else if (action < 920) {
      group.answer_fetches(p, dice.chance(800));
      auto const through = p.handed.value - dice.below(3);
      group.apply(p, through > p.handed.value ? p.handed : log_index{through});
    } else if (action < 970) {
      auto const length = 1 + dice.below(300);
      static_cast<void>(group.propose(p, consensus_command(step, length)));
    } else if (action < 988) {
      group.read(p);
    } else if (action < 994) {
      auto const extra = dice.below(p.writing.size() + 1);
      group.restart(p, extra, dice.chance(500));
    } else {
      p.cut_off = !p.cut_off;
    }
  }
  for (std::uint64_t id = 1; id <= group.size(); ++id) group[id].cut_off = false;
  position last;
  auto const served = [&] {
    auto const leader = group.leader();
    if (leader == 0) return false;
    if (last == position{} || group[leader].model->brief().term != last.term) {
      auto const at = group.propose(group[leader], consensus_command(0, 10));
      if (at) last = *at;
      return false;
    }
    for (std::uint64_t id = 1; id <= group.size(); ++id)
      if (group[id].applied < last.index) return false;
    return true;
  };
  group.must(group.run_until(1000, served), "when everything works again, a command is committed and reaches every peer");
  return group.trace();
}

/// The cases for a group of any size.
template <policy::Consensus Model, class Add>
void add_consensus_cases(consensus_suite_options const& with, Add const& add) {
  using group_type = consensus_group<Model>;
  add("it starts from what it has stored, and refuses what contradicts itself", [](report& out) {
    group_type group{1, small_consensus_options(), out};
    auto& p = group.elect();
    for (std::uint64_t i = 0; i < 5; ++i) group.must(group.propose(p, consensus_command(i, 20)).has_value(), "a leader takes a proposal");
    group.run();
    auto const before = p.model->status();
    group.restart(p, 0, true);
    auto const after = p.model->status();
    out.expect(after.last == before.last && after.durable == before.last, "the log is as it was stored");
    out.expect(after.term >= before.term, "the term is at least as it was stored");
    out.expect(after.applied == p.applied, "applied is where the machine stands");
    auto ahead = p.disk.load(p.disk.last() + 1);
    Model other{p.options};
    auto const got = other.recover(std::move(ahead));
    out.expect(!got && got.error().outcome == outcome::fatal, "a machine that is ahead of its log is fatal");
    auto cut = p.disk.load(log_index{1});
    cut.truncated.at = {cut.last + 1, cut.state.term};
    Model third{p.options};
    auto const lost = third.recover(std::move(cut));
    out.expect(!lost && lost.error().outcome == outcome::fatal, "a log that ends before it begins is fatal");
  });
  add("a command is committed when it is durable, and not before", [with](report& out) {
    group_type group{with.group_size, small_consensus_options(), out};
    auto& p = group.elect();
    group.run();
    auto const before = group.newest_handed_out();
    auto const at = group.propose(p, consensus_command(1, 20));
    group.must(at.has_value(), "a leader takes a proposal");
    group.take(p);  // its write begins; nothing else happens
    for (int i = 0; i < 3; ++i) p.model->tick(), group.take(p);
    out.expect(group.newest_handed_out() == before, "nothing is handed out while no disk has it");
    group.run();
    out.expect(group.newest_handed_out() >= at->index, "a command is handed out when a quorum has it");
  });
  add("several Readies may be under way, and one ticket stands for all before it", [with](report& out) {
    group_type group{with.group_size, small_consensus_options(), out};
    auto& p = group.elect();
    group.run();
    for (std::uint64_t i = 0; i < 4; ++i) {
      group.must(group.propose(p, consensus_command(i, 20)).has_value(), "a leader takes a proposal");
      group.take(p);
    }
    out.expect(p.writing.size() >= 4, "take_ready() may be called again before persisted()");
    auto const last = p.model->status().last;
    group.persist(p, p.writing.size());
    out.expect(p.model->status().durable == last, "persisted(t) stands for all tickets up to t");
    group.run();
    out.expect(group.newest_handed_out() >= last, "all of them are handed out");
  });
  add("proposals are refused with a reason, and leave no entry", [with](report& out) {
    group_type group{with.group_size, small_consensus_options(), out};
    auto& p = group.elect();
    group.run();
    auto const last = p.model->status().last;
    auto const now = p.model->brief().term;
    auto const refused = [&](result<position> const& got, error_code code, std::string const& promise) {
      out.expect(!got && got.error().outcome == outcome::rejected && got.error().code == code, promise);
    };
    refused(p.model->propose(consensus_command(1, 9), now + 1), error_code::stale_term, "a proposal for a later term is refused");
    refused(p.model->propose(consensus_command(1, 9), term{now.value - 1}), error_code::stale_term,
            "a proposal for an earlier term is refused");
    refused(p.model->propose(consensus_command(1, p.options.command_bytes_max + 1), now), error_code::too_large,
            "command_bytes_max bounds a command");
    out.expect(!p.model->propose({}, now), "an empty command is refused");
    out.expect(p.model->status().last == last, "a refused proposal leaves no entry");
    for (std::uint64_t id = 1; id <= group.size(); ++id)
      if (group[id].model->brief().role != raft::role::leader)
        refused(group[id].model->propose(consensus_command(1, 9), group[id].model->brief().term), error_code::not_leader,
                "who does not lead refuses proposals");
  });
  add("the bounds hold while a disk and a machine stand still", [with](report& out) {
    group_type group{with.group_size, small_consensus_options(), out};
    auto& p = group.elect();
    group.run();
    std::uint64_t accepted = 0;
    std::uint64_t reads = 0;
    for (std::uint64_t i = 0; i < 4096; ++i) {
      auto const command = consensus_command(i, 400);
      if (auto const at = group.propose(p, command)) accepted += command.size();
      else if (!out.expect(at.error().code == error_code::busy, "over a bound proposals are busy")) return;
      group.take(p);
    }
    out.expect(accepted > 0, "a proposal is taken");
    out.expect(accepted <= p.options.window_bytes_max, "window_bytes_max bounds what is accepted and not durable");
    group.run();
    group.must(group.propose(p, consensus_command(0, 400)).has_value(), "a proposal is taken again when the disk has written");
    group.run();
    // The disks work and the machine stands still: hand_out() looks at apply_bytes_max.
    for (std::uint64_t i = 0; i < 200; ++i) {
      static_cast<void>(group.propose(p, consensus_command(i, 400)));
      for (std::uint64_t id = 1; id <= group.size(); ++id) group.take(group[id]), group.persist(group[id], 9);
      for (auto n = group.mail(); n > 0; --n) group.deliver(0, false, false);
    }
    for (std::uint64_t id = 2; id <= group.size(); ++id) group[id].cut_off = true;
    for (; reads < 100 && p.model->brief().role == raft::role::leader; ++reads) group.read(p);
    group.take(p);
    if (group.size() > 1) out.expect(p.reads.size() <= p.options.pending_reads_max, "pending_reads_max bounds the reads that wait");
    for (std::uint64_t id = 2; id <= group.size(); ++id) group[id].cut_off = false;
    group.run();
  });
  add("a read is answered, with an index that holds what was committed before it", [with](report& out) {
    group_type group{with.group_size, small_consensus_options(), out};
    auto& leader = group.elect();
    group.run();
    static_cast<void>(group.propose(leader, consensus_command(1, 20)));
    group.run();
    for (std::uint64_t id = 1; id <= group.size(); ++id) group.read(group[id]);
    auto const answered = [&] {
      for (std::uint64_t id = 1; id <= group.size(); ++id)
        if (!group[id].reads.empty()) return false;
      return true;
    };
    out.expect(group.run_until(50, answered), "a read is answered");
  });
  add("any order of inputs, losses and crashes keeps the promises, and calm brings everybody together", [with](report& out) {
    for (std::uint64_t seed = 1; seed <= with.seeds && out.complaints().empty(); ++seed) random_schedule<Model>(with, seed, out);
  });
  add("the same inputs give the same outputs", [with](report& out) {
    auto const first = random_schedule<Model>(with, 99, out);
    out.expect(random_schedule<Model>(with, 99, out) == first, "outputs depend on inputs, options and seed only");
  });
}

/// The cases that need peers.
template <policy::Consensus Model, class Add>
void add_group_cases(consensus_suite_options const& with, Add const& add) {
  using group_type = consensus_group<Model>;
  add("a leader that is cut off commits nothing and answers no read; the others go on", [with](report& out) {
    group_type group{with.group_size, small_consensus_options(), out};
    auto& old = group.elect();
    group.run();
    old.cut_off = true;
    auto const before = group.newest_handed_out();
    static_cast<void>(group.propose(old, consensus_command(1, 20)));
    group.read(old);
    group.run();
    out.expect(group.newest_handed_out() == before, "a leader that is cut off commits nothing");
    auto& next = group.elect();
    if (!out.expect(&next != &old, "the others elect another leader")) return;
    static_cast<void>(group.propose(next, consensus_command(2, 20)));
    group.run();
    out.expect(group.newest_handed_out() > before, "the others go on");
    old.cut_off = false;
    auto const last = group.newest_handed_out();
    out.expect(group.run_until(100, [&] { return old.applied >= last; }), "who comes back gets what was committed meanwhile");
  });
  add("a leader that abdicates leads no more, and the group finds another one or it again", [with](report& out) {
    group_type group{with.group_size, small_consensus_options(), out};
    auto& p = group.elect();
    group.run();
    p.model->abdicate();
    out.expect(p.model->brief().role != raft::role::leader, "who abdicates does not lead");
    group.elect();
  });
  add("what a crash leaves of a group is enough to go on", [with](report& out) {
    for (std::uint64_t round = 0; round < 8; ++round) {
      group_type group{with.group_size, small_consensus_options(round + 1), out};
      auto& p = group.elect();
      group.run();
      for (std::uint64_t i = 0; i < 6; ++i) static_cast<void>(group.propose(p, consensus_command(i, 30)));
      for (std::uint64_t id = 1; id <= group.size(); ++id) group.take(group[id]);
      for (auto n = group.mail() / 2; n > 0; --n) group.deliver(0, false, false);
      for (std::uint64_t id = 1; id <= group.size(); ++id) group.restart(group[id], (round >> (id - 1)) & 1U, round % 2 == 0);
      auto const last = group.newest_handed_out();
      group.elect();
      out.expect(group.run_until(100, [&] { return group.newest_handed_out() >= last; }), "a group goes on after all of it was killed");
    }
  });
}

}  // namespace detail

/// The promises of policy/consensus.hpp, as cases: `Model` alone and as a group over mail that is lost, late and repeated,
/// with disks that are slow and machines that are killed. Membership stays as it is. A model of `consensus_kind::solo` is
/// tried alone.
template <policy::Consensus Model>
std::vector<conformance_case> consensus_suite(consensus_suite_options with = {}) {
  if (Model::kind == consensus_kind::solo) with.group_size = 1;
  std::vector<conformance_case> all;
  auto const add = [&](std::string name, std::function<void(report&)> body) {
    all.push_back({std::move(name), [body = std::move(body)] { return detail::run_case(body); }});
  };
  detail::add_consensus_cases<Model>(with, add);
  if (with.group_size > 1) detail::add_group_cases<Model>(with, add);
  return all;
}

}  // namespace tinykv::testing
