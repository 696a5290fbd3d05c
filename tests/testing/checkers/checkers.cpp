// Each checker is shown to fail on a planted violation, and to be silent about what is allowed and looks similar.

#include <tinykv/testing/checkers/client_order.hpp>
#include <tinykv/testing/checkers/commit_rule.hpp>
#include <tinykv/testing/checkers/durable_promises.hpp>
#include <tinykv/testing/checkers/election_safety.hpp>
#include <tinykv/testing/checkers/leader_append_only.hpp>
#include <tinykv/testing/checkers/leader_completeness.hpp>
#include <tinykv/testing/checkers/log_matching.hpp>
#include <tinykv/testing/checkers/proposal_answers.hpp>
#include <tinykv/testing/checkers/quorum_commit.hpp>
#include <tinykv/testing/checkers/state_machine_safety.hpp>

#include "support/catch.hpp"

#include <map>
#include <string>
#include <vector>

using namespace tinykv;
namespace t = tinykv::testing;

namespace {

raft::entry entry(std::uint64_t index, std::uint64_t in, std::string data = "x") {
  return {log_index{index}, term{in}, raft::entry_kind::command, bytes::copy_of(data)};
}

/// A log of entries from 1 on, given by their terms.
raft::log_window log_of(std::vector<std::uint64_t> terms) {
  raft::log_window log;
  for (std::size_t i = 0; i < terms.size(); ++i) log.append(entry(i + 1, terms[i]));
  return log;
}

sim::disk_group disk_of(std::vector<raft::entry> entries, raft::hard_state state = {}) {
  sim::disk_group out;
  out.entries = std::move(entries);
  out.state = state;
  return out;
}

policy::log_write state_write(std::uint64_t in, std::uint64_t vote) {
  policy::log_write out;
  out.state = raft::hard_state{term{in}, peer_id{vote}, {}};
  return out;
}

raft::message message(raft::message_kind kind, std::uint64_t from, std::uint64_t to, std::uint64_t in, std::uint64_t index = 0,
                      std::uint64_t log_term = 0) {
  raft::message m;
  m.kind = kind;
  m.from = peer_id{from};
  m.to = peer_id{to};
  m.term = term{in};
  m.index = log_index{index};
  m.log_term = term{log_term};
  return m;
}

bool broke(t::findings const& found, std::string const& invariant) {
  return !found.empty() && found.list().front().invariant == invariant;
}

}  // namespace

TEST_CASE("I-1: two leaders of one term are found, one leader of two terms is not", "[checkers]") {
  t::findings found;
  t::election_safety checker{found};
  CHECK(checker.leads(peer_id{1}, term{1}));
  CHECK_FALSE(checker.leads(peer_id{1}, term{1}));
  CHECK(checker.leads(peer_id{2}, term{2}));
  CHECK(checker.leads(peer_id{1}, term{3}));
  CHECK(found.empty());
  checker.leads(peer_id{1}, term{2});
  CHECK(broke(found, "I-1"));
}

TEST_CASE("I-2: a leader that shortens or rewrites its log is found; a follower of another term may", "[checkers]") {
  t::findings found;
  t::leader_append_only checker{found};
  checker.leads(peer_id{1}, term{2}, log_of({1, 1, 2}));
  checker.leads(peer_id{1}, term{2}, log_of({1, 1, 2, 2}));
  checker.leads(peer_id{1}, term{4}, log_of({1, 4}));
  CHECK(found.empty());

  SECTION("shorter") { checker.leads(peer_id{1}, term{4}, log_of({1})); }
  SECTION("another entry") { checker.leads(peer_id{1}, term{4}, log_of({1, 1, 4})); }
  CHECK(broke(found, "I-2"));
}

TEST_CASE("I-3: different data at one place, or a different history before it, are found", "[checkers]") {
  t::findings found;
  t::log_matching checker{found};
  checker.holds(entry(1, 1), term{0});
  checker.holds(entry(2, 1), term{1});
  checker.holds(entry(2, 2, "other"), term{1});
  checker.holds(entry(2, 1), term{1});
  CHECK(found.empty());

  SECTION("data") { checker.holds(entry(2, 2, "third"), term{1}); }
  SECTION("history") { checker.holds(entry(2, 2, "other"), term{2}); }
  CHECK(broke(found, "I-3"));
}

TEST_CASE("I-4: a later leader without a committed entry is found; one of an earlier term is not", "[checkers]") {
  t::findings found;
  t::leader_completeness checker{found};
  checker.committed({log_index{1}, term{1}}, term{1});
  checker.committed({log_index{2}, term{1}}, term{3});
  checker.elected(peer_id{1}, term{2}, log_of({1, 2}));  // does not have to know what term 3 committed
  checker.elected(peer_id{1}, term{4}, log_of({1, 1, 4}));
  CHECK(found.empty());

  SECTION("missing") { checker.elected(peer_id{2}, term{5}, log_of({1})); }
  SECTION("replaced") { checker.elected(peer_id{2}, term{5}, log_of({1, 2, 5})); }
  CHECK(broke(found, "I-4"));
}

TEST_CASE("I-5: another state, a repetition and a gap are found; a restart from the beginning is allowed", "[checkers]") {
  t::findings found;
  t::state_machine_safety checker{found};
  for (auto const store : {store_id{1}, store_id{2}}) {
    checker.starts(store, {});
    checker.applied(store, log_index{2}, 20);
    checker.applied(store, log_index{3}, 30);
  }
  checker.starts(store_id{1}, {});
  checker.applied(store_id{1}, log_index{2}, 20);
  CHECK(checker.digest_at(log_index{2}) == 20);
  CHECK(checker.digest_at(log_index{9}) == 30);
  CHECK(checker.digest_at(log_index{1}) == std::nullopt);
  CHECK(found.empty());

  SECTION("state") { checker.applied(store_id{1}, log_index{3}, 31); }
  SECTION("twice") { checker.applied(store_id{2}, log_index{3}, 30); }
  SECTION("a command that nobody else has seen between") {
    checker.applied(store_id{2}, log_index{5}, 50);
    checker.applied(store_id{1}, log_index{4}, 40);
  }
  CHECK(broke(found, "I-5"));
}

TEST_CASE("I-6: what is told before it is durable is found", "[checkers]") {
  using kind = raft::message_kind;
  t::findings found;
  t::durable_promises checker{found};
  auto const disk = disk_of({entry(1, 1), entry(2, 2)}, {term{3}, peer_id{2}, {}});
  checker.persisting(store_id{1}, {}, state_write(3, 2));
  checker.sent(store_id{1}, disk, message(kind::vote_reply, 1, 2, 3));
  checker.sent(store_id{1}, disk, message(kind::append_reply, 1, 2, 3, 2));
  checker.sent(store_id{1}, disk, message(kind::pre_vote_request, 1, 2, 4, 2, 2));
  CHECK(found.empty());

  SECTION("a term") { checker.sent(store_id{1}, disk, message(kind::heartbeat_reply, 1, 2, 4)); }
  SECTION("a vote") { checker.sent(store_id{1}, disk, message(kind::vote_reply, 1, 3, 3)); }
  SECTION("entries") { checker.sent(store_id{1}, disk, message(kind::append_reply, 1, 2, 3, 3)); }
  SECTION("leadership") { checker.sent(store_id{1}, disk, message(kind::append, 1, 2, 3)); }
  SECTION("a candidate's own vote") { checker.sent(store_id{1}, disk, message(kind::vote_request, 1, 2, 3, 2, 2)); }
  SECTION("a candidate's log") {
    auto own = disk;
    own.state = {term{4}, peer_id{1}, {}};
    checker.persisting(store_id{1}, disk, state_write(4, 1));
    checker.sent(store_id{1}, own, message(kind::vote_request, 1, 2, 4, 3, 2));
  }
  CHECK(broke(found, "I-6"));
}

TEST_CASE("I-6: a term that falls, a vote that changes or is forgotten are found on the disk", "[checkers]") {
  t::findings found;
  t::durable_promises checker{found};
  auto const disk = disk_of({}, {term{3}, peer_id{2}, {}});
  checker.persisting(store_id{1}, {}, state_write(3, 2));
  checker.persisting(store_id{1}, disk, state_write(3, 2));
  CHECK(found.empty());
  SECTION("term") { checker.persisting(store_id{1}, disk, state_write(2, 2)); }
  SECTION("vote") { checker.persisting(store_id{1}, disk, state_write(3, 1)); }
  SECTION("forgotten") { checker.persisting(store_id{1}, disk, state_write(3, 0)); }
  CHECK(broke(found, "I-6"));
}

TEST_CASE("I-6: term, commit and applied fall in memory only over a restart", "[checkers]") {
  auto const status = [](std::uint64_t in, std::uint64_t commit, std::uint64_t applied) {
    raft::status s;
    s.term = term{in};
    s.first = log_index{1};
    s.last = log_index{9};
    s.commit = log_index{commit};
    s.applied = log_index{applied};
    return s;
  };
  t::findings found;
  t::durable_promises checker{found};
  checker.observe(store_id{1}, 0, status(2, 5, 4));
  checker.observe(store_id{1}, 0, status(3, 6, 6));
  checker.observe(store_id{1}, 1, status(3, 2, 0));
  CHECK(found.empty());
  SECTION("term") { checker.observe(store_id{1}, 1, status(2, 2, 0)); }
  SECTION("commit") { checker.observe(store_id{1}, 1, status(3, 1, 0)); }
  SECTION("applied beyond commit") { checker.observe(store_id{1}, 1, status(3, 2, 3)); }
  SECTION("commit beyond last") { checker.observe(store_id{1}, 1, status(3, 10, 3)); }
  CHECK(broke(found, "I-6"));
}

TEST_CASE("I-7: a commit without a quorum of durable copies is found, also of one half of a joint configuration", "[checkers]") {
  raft::membership three;
  for (std::uint64_t i = 1; i <= 3; ++i) three.voters.push_back({peer_id{i}, store_id{i}});
  std::map<store_id, sim::disk_group> disks;
  auto const find = [&](store_id id) -> sim::disk_group const* { return disks.count(id) ? &disks[id] : nullptr; };
  t::findings found;
  t::quorum_commit checker{found};
  disks[store_id{1}] = disk_of({entry(1, 1), entry(2, 1)});
  disks[store_id{2}] = disk_of({entry(1, 1), entry(2, 1, "other")});
  CHECK(checker.committed(entry(1, 1), three, find));
  CHECK_FALSE(checker.committed(entry(1, 1), three, find));
  CHECK(found.empty());

  SECTION("one copy of two") { checker.committed(entry(2, 1), three, find); }
  SECTION("another entry later") { checker.committed(entry(1, 2), three, find); }
  SECTION("the outgoing half") {
    disks[store_id{2}] = disks[store_id{1}];
    three.outgoing = {{peer_id{4}, store_id{4}}};
    checker.committed(entry(2, 1), three, find);
  }
  SECTION("two of four") {
    disks[store_id{2}] = disks[store_id{1}];
    three.voters.push_back({peer_id{4}, store_id{4}});
    checker.committed(entry(2, 1), three, find);
  }
  CHECK(broke(found, "I-7"));
}

TEST_CASE("I-7: a leader that commits an older term's entry by counting is found", "[checkers]") {
  t::findings found;
  t::commit_rule checker{found};
  checker.leads(peer_id{1}, term{3}, log_index{1}, log_of({1, 2, 3}));  // what it had learnt before it led
  checker.leads(peer_id{1}, term{3}, log_index{3}, log_of({1, 2, 3}));
  checker.leads(peer_id{2}, term{4}, log_index{1}, log_of({1, 2, 4}));
  CHECK(found.empty());
  checker.leads(peer_id{2}, term{4}, log_index{2}, log_of({1, 2, 4}));
  CHECK(broke(found, "I-7"));
}

TEST_CASE("I-16: a second answer, a success elsewhere and a refusal that was done are found", "[checkers]") {
  t::findings found;
  t::proposal_answers checker{found};
  auto const a = checker.proposed(bytes::copy_of("a"));
  auto const b = checker.proposed(bytes::copy_of("b"));
  auto const c = checker.proposed(bytes::copy_of("c"));
  auto const d = checker.proposed(bytes::copy_of("d"));
  CHECK(checker.open() == 4);
  checker.committed(entry(1, 1, "a"));
  checker.committed(entry(2, 1, ""));
  checker.committed(entry(3, 1, "b"));
  checker.succeeded(a, log_index{1});
  checker.failed(b, outcome::unknown);
  checker.failed(c, outcome::rejected);
  checker.settle();
  CHECK(found.empty());
  CHECK(checker.open() == 1);

  SECTION("second answer") { checker.failed(a, outcome::unknown); }
  SECTION("another index") {
    checker.committed(entry(4, 1, "d"));
    checker.succeeded(d, log_index{3});
    checker.settle();
  }
  SECTION("not committed") {
    checker.succeeded(d, log_index{4});
    checker.settle();
  }
  SECTION("refused, then committed") { checker.committed(entry(4, 1, "c")); }
  SECTION("committed, then refused") {
    checker.committed(entry(4, 1, "d"));
    checker.failed(d, outcome::rejected);
  }
  SECTION("committed twice") { checker.committed(entry(4, 2, "a")); }
  CHECK(broke(found, "I-16"));
}

TEST_CASE("I-9, I-17: a call that began after an answer and is placed before it is found", "[checkers]") {
  t::findings found;
  t::client_order checker{found};
  auto const early = checker.begins();
  checker.wrote(early, log_index{5});
  checker.wrote(early, log_index{4});  // was open at the same time
  checker.read(early, log_index{2});
  auto const late = checker.begins();
  checker.read(late, log_index{5});
  CHECK(found.empty());

  SECTION("stale read") {
    checker.read(late, log_index{4});
    CHECK(broke(found, "I-9"));
  }
  SECTION("a write before an answered one") {
    checker.wrote(late, log_index{5});
    CHECK(broke(found, "I-17"));
  }
  SECTION("a read that goes back behind another read") {
    checker.read(late, log_index{8});
    checker.read(checker.begins(), log_index{7});
    CHECK(broke(found, "I-9"));
  }
}
