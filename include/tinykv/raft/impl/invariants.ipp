#pragma once

#include <tinykv/raft/invariants.hpp>

#include <algorithm>
#include <string_view>

namespace tinykv::raft {

namespace detail {

/// Collects what does not hold.
struct broken_list {
  std::vector<std::string> out;
  void unless(bool fact, std::string_view words) {
    if (!fact) out.emplace_back(words);
  }
};

TINYKV_DECL void check_log(broken_list& broken, image const& i) {
  broken.unless(i.truncated.index <= i.applied, "R-1: the log begins behind what the machine has taken");
  broken.unless(i.applied <= i.handed, "R-2: applied before it was handed out");
  broken.unless(i.handed <= i.state.commit, "R-3: handed out before it was committed");
  broken.unless(i.handed <= i.durable, "R-4: handed out before it was on the own disk");
  broken.unless(i.state.commit <= i.last, "R-5: the commit is beyond the log");
  broken.unless(i.durable <= i.released, "R-6: durable before it was handed out to be stored");
  broken.unless(i.released <= i.last, "R-7: handed out to be stored, but not in the log");
  broken.unless(i.window_first <= std::min(i.state.commit, i.durable) + 1, "R-8: the window lacks an entry that is not committed and durable");
  broken.unless(i.window_first > i.truncated.index, "R-9: the window reaches below the start of the log");
  auto before = position{i.truncated.index, i.truncated.term};
  for (auto const& run : i.runs) {
    auto const first = &run == &i.runs.front();
    auto const rises = first ? run.first == before.index + 1 && run.term >= before.term : run.first > before.index && run.term > before.term;
    broken.unless(rises, "R-10: the terms of the log fall or have a gap");
    before = {run.first, run.term};
  }
  broken.unless(before.index <= i.last, "R-11: a term is known of an entry that is not there");
  broken.unless(before.term <= i.state.term, "R-12: an entry is of a later term than its peer");
}

TINYKV_DECL void check_configuration(broken_list& broken, image const& i) {
  auto const sorted = [](std::vector<member> const& list) {
    return std::adjacent_find(list.begin(), list.end(), [](auto const& a, auto const& b) { return a.peer >= b.peer; }) == list.end();
  };
  broken.unless(sorted(i.group.voters) && sorted(i.group.outgoing) && sorted(i.group.learners), "R-13: members do not rise by peer");
  for (auto const& m : i.group.learners) broken.unless(!contains(i.group.voters, m.peer), "R-14: a peer is voter and learner");
  broken.unless(i.group_since <= i.applied, "R-15: a configuration is in force before it was applied");
  auto behind = i.applied;
  std::size_t open = 0;
  for (auto const at : i.pending) {
    broken.unless(at > behind && at <= i.last, "R-16: a pending configuration is applied already, out of order or not in the log");
    behind = at;
    open += at > i.state.commit ? 1 : 0;
  }
  broken.unless(i.role != role::leader || open <= 1, "R-17: a leader has two changes of members that are not committed");
  if (!i.pending.empty()) broken.unless(i.handed <= i.pending.front(), "R-18: handed out behind a configuration that is not applied");
}

TINYKV_DECL void check_role(broken_list& broken, image const& i) {
  auto const candidate = i.role == role::candidate;
  auto const leader = i.role == role::leader;
  broken.unless(!(candidate || leader) || i.state.vote == i.self, "R-19: a candidate or leader has not voted for itself");
  broken.unless(!(i.installing || i.removed) || i.role == role::follower, "R-20: a peer that installs or is removed is no follower");
  auto const undecided = i.pending.empty() || i.pending.front() > i.state.commit;
  auto const may = is_voter(i.group, i.self) && undecided && !i.installing && !i.removed;
  broken.unless(may || !(candidate || i.role == role::pre_candidate), "R-21: a peer campaigns that must not");
  if (!leader) return;
  auto const compacted = i.first_own && *i.first_own < i.truncated.index;
  broken.unless(compacted || (i.first_own && i.term_at(*i.first_own) == std::optional{i.state.term}), "R-22: the first entry of a leader is not of its term");
  for (auto const& p : i.peers) {
    broken.unless(p.match < p.next, "R-23: match is not below next");
    broken.unless(p.next <= i.last + 1, "R-24: next is beyond the log");
    broken.unless(p.peer != i.self && is_member(i.group, p.peer), "R-25: a leader sends to who is no member");
  }
  auto const others = all_members(i.group).size() - (is_member(i.group, i.self) ? 1 : 0);
  broken.unless(i.peers.size() == others, "R-26: a leader does not send to every member");
  broken.unless(i.transferee == peer_id{} || is_voter(i.group, i.transferee), "R-27: the leadership goes to who is no voter");
}

/// True iff both know the same terms in (from, to].
TINYKV_DECL bool same_terms(image const& a, image const& b, log_index from, log_index to) {
  auto const differs_at = [&](log_index i) { return i > from && i <= to && a.term_at(i) != b.term_at(i); };
  if (from < to && differs_at(from + 1)) return false;
  for (auto const* runs : {&a.runs, &b.runs})
    for (auto const& run : *runs)
      if (differs_at(run.first)) return false;
  return true;
}

TINYKV_DECL bool may_become(role from, role to) {
  switch (from) {
    case role::follower: return to != role::leader;
    case role::pre_candidate: return to != role::leader;
    case role::candidate: return true;
    case role::leader: return to == role::leader || to == role::follower;
  }
  return false;
}

}  // namespace detail

TINYKV_DECL image image::of(core const& seen) {
  image out;
  auto const now = seen.brief();
  out.self = seen.options_.self;
  out.role = now.role;
  out.transferee = now.transferee;
  out.state = seen.state_;
  out.truncated = seen.log_.truncated();
  out.runs = seen.log_.runs();
  out.window_first = seen.log_.window_first();
  out.last = seen.log_.last();
  out.durable = seen.durability_.last();
  out.released = seen.released_;
  out.applied = seen.applying_.applied();
  out.handed = seen.applying_.handed();
  out.group = seen.configuration_.now();
  out.group_since = seen.configuration_.since();
  out.pending = seen.configuration_.pending_at();
  out.installing = seen.installing_.has_value();
  out.removed = seen.removed_;
  if (auto const* lead = seen.as<leader_state>()) {
    out.first_own = lead->first_own;
    for (auto const& p : lead->peers) out.peers.push_back({p.peer(), p.state(), p.match(), p.next(), p.active});
  }
  return out;
}

TINYKV_DECL std::optional<term> image::term_at(log_index i) const {
  if (i < truncated.index || i > last) return std::nullopt;
  auto out = truncated.term;
  for (auto const& run : runs)
    if (run.first <= i) out = run.term;
  return out;
}

TINYKV_DECL std::vector<std::string> check(image const& now) {
  detail::broken_list broken;
  detail::check_log(broken, now);
  detail::check_configuration(broken, now);
  detail::check_role(broken, now);
  return std::move(broken.out);
}

TINYKV_DECL std::vector<std::string> check(image const& before, image const& after) {
  detail::broken_list broken;
  auto const same_term = before.state.term == after.state.term;
  auto const installed = before.installing && after.truncated.index > before.state.commit;
  broken.unless(before.state.term <= after.state.term, "R-30: the term falls");
  broken.unless(!same_term || before.state.vote == peer_id{} || before.state.vote == after.state.vote, "R-31: a second vote in one term");
  broken.unless(before.state.commit <= after.state.commit, "R-32: the commit falls");
  broken.unless(before.applied <= after.applied, "R-33: applied falls");
  broken.unless(before.handed <= after.handed, "R-34: what was handed out is handed out again");
  broken.unless(before.truncated.index <= after.truncated.index, "R-35: the start of the log falls");
  auto const from = std::max(before.truncated.index, after.truncated.index);
  broken.unless(detail::same_terms(before, after, from, std::min(before.state.commit, after.last)), "R-36: a committed entry has changed");

  broken.unless(detail::may_become(before.role, after.role), "R-37: a change of role that cannot be");
  auto const leads = before.role == role::leader && after.role == role::leader;
  broken.unless(!leads || same_term, "R-38: a leader is in another term than before");
  if (leads) {
    broken.unless(before.last <= after.last && detail::same_terms(before, after, from, before.last), "R-39: a leader has changed its log");
    for (auto const& p : before.peers)
      for (auto const& q : after.peers)
        broken.unless(p.peer != q.peer || p.match <= q.match, "R-40: the match of a follower falls");
  }
  auto const changed = before.group_since != after.group_since;
  broken.unless(changed || before.group == after.group, "R-41: another configuration without an entry");
  broken.unless(!changed || installed || after.group.version == before.group.version + 1, "R-42: the version does not rise by one");
  broken.unless(before.group_since <= after.group_since, "R-43: an earlier configuration comes back");
  broken.unless(!before.removed || after.removed, "R-44: a removed peer is back");
  return std::move(broken.out);
}

}  // namespace tinykv::raft
