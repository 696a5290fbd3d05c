#include <tinykv/raft/core.hpp>

#include <tinykv/core/random.hpp>

#include "harness.hpp"

using namespace raft_tests;

namespace {

struct unchanged {
  explicit unchanged(peer& p) : p_(p), before_(p.see()) {}
  ~unchanged() {
    auto const now = p_.see();
    CHECK(now.term == before_.term);
    CHECK(now.last == before_.last);
    CHECK(now.commit == before_.commit);
    CHECK(now.vote == before_.vote);
  }
  peer& p_;
  raft::status before_;
};

}  // namespace

TEST_CASE("a message for another peer, from nobody or from oneself is passed over", "[raft][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  unchanged const same{p};
  auto m = append(2, 9, at(2, 1), entries(3, {9}));
  m.to = peer_id{7};
  p.step(m);
  m.to = peer_id{1};
  m.from = peer_id{0};
  p.step(m);
  m.from = peer_id{1};
  p.step(m);
  CHECK(p.sent().empty());
}

TEST_CASE("terms and indices near the maximum are passed over", "[raft][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1}));
  unchanged const same{p};
  for (auto const huge : {~std::uint64_t{0}, ~std::uint64_t{0} - 1, std::uint64_t{1} << 63, std::uint64_t{1} << 62})
    for (int kind = 1; kind <= 10; ++kind) {
      auto m = mail(static_cast<message_kind>(kind), 2, huge);
      p.step(m);
      m.term = term{1};
      m.index = log_index{huge};
      p.step(m);
    }
}

TEST_CASE("an append with a gap, falling terms or terms of the future changes no log", "[raft][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 2}));
  p.step(append(2, 5, at(2, 2), {}));
  unchanged const same{p};
  p.step(append(2, 5, at(2, 2), {entry(4, 5)}));                // begins too late
  p.step(append(2, 5, at(2, 2), {entry(2, 5)}));                // begins too early
  p.step(append(2, 5, at(2, 2), {entry(3, 5), entry(5, 5)}));   // a hole
  p.step(append(2, 5, at(2, 2), {entry(3, 5), entry(3, 5)}));   // twice
  p.step(append(2, 5, at(2, 2), {entry(3, 1)}));                // below its predecessor
  p.step(append(2, 5, at(2, 2), {entry(3, 4), entry(4, 3)}));   // falling
  p.step(append(2, 5, at(2, 2), {entry(3, 6)}));                // later than its leader
}

TEST_CASE("a committed entry is not replaced", "[raft][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1, 1, 1}));
  p.step(append(2, 1, at(3, 1), {}, 2));
  unchanged const same{p};
  auto const t = p.see().term.value;
  p.step(append(2, t, at(1, 1), {entry(2, t, "other"), entry(3, t)}));  // equal by index and term: the log stays as it is
  CHECK(p.core().log()[log_index{2}].data == text("x"));
  p.step(append(2, t, at(0, 0), {entry(1, 0), entry(2, 0), entry(3, 0)}));
}

TEST_CASE("entries below the start of the log are compared with it", "[raft][hostile]") {
  disk d;
  d.truncated = {at(5, 5), voters({1, 2, 3})};
  d.state = {term{5}, {}, log_index{5}};
  d.applied = log_index{5};
  auto p = lonely(d);
  auto const m = append(2, 6, at(4, 0), {entry(5, 0), entry(6, 0)});  // would let the terms of the log fall
  p.step(m);
  CHECK(p.see().last == log_index{5});
  p.step(append(2, 6, at(3, 3), {entry(4, 4), entry(5, 5), entry(6, 6)}));
  CHECK(p.see().last == log_index{6});
}

TEST_CASE("a second leader of the same term is not obeyed by the first", "[raft][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.sent();
  unchanged const same{p};
  p.step(append(2, 1, at(0, 0), entries(1, {1, 1, 1}), 3));
  p.step(mail(message_kind::heartbeat, 3, 1));
  CHECK(p.leads());
  CHECK(p.sent().empty());
}

TEST_CASE("an answer to more than was ever sent does not count", "[raft][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.step(accepted(2, 1, 1000));
  CHECK(p.see().commit == log_index{0});
  auto m = mail(message_kind::heartbeat_reply, 2, 1);
  m.round = 1000;
  p.step(m);
  p.core().read_index(read_id{1});
  p.pump();
  CHECK(p.granted.empty());
}

TEST_CASE("answers of strangers do not count", "[raft][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {}));
  make_leader(p);
  p.step(accepted(77, 1, 1));
  p.step(accepted(78, 1, 1));
  CHECK(p.see().commit == log_index{0});
}

TEST_CASE("a configuration entry is not taken in by a version that does not know it", "[raft][hostile]") {
  auto p = lonely(disk_of(voters({1, 2, 3}), {1}));
  auto e = entry(2, 1, "whatever");
  e.kind = raft::entry_kind::configuration;
  p.step(append(2, 1, at(1, 1), {e}));
  CHECK(p.see().last == log_index{1});  // or its own log would be refused at the next start
}

TEST_CASE("no mixture of fields breaks a peer", "[raft][hostile][determinism]") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    tinykv::random draw{seed};
    disk d = disk_of(voters({1, 2, 3}), {1, 1, 2, 3});
    if (seed % 3 == 0) {
      d.truncated = {at(4, 3), voters({1, 2, 3})};
      d.log.clear();
      d.state = {term{3}, {}, log_index{4}};
      d.applied = log_index{4};
    }
    auto o = options_of(1, seed);
    o.window_entries_max = 1 + draw.below(8);
    auto p = lonely(d, o);
    p.fetch_works = draw.chance(500);
    for (int i = 0; i < 120; ++i) {
      p.disk_works = draw.chance(600);
      raft::message m;
      m.kind = static_cast<message_kind>(1 + draw.below(10));
      m.from = peer_id{1 + draw.below(4)};
      m.to = peer_id{1};
      m.term = term{draw.chance(700) ? p.see().term.value : draw.below(p.see().term.value + 3)};
      m.index = log_index{draw.below(9)};
      m.log_term = term{draw.below(5)};
      m.commit = log_index{draw.below(5)};
      m.hint = log_index{draw.below(12)};
      m.round = draw.below(4);
      m.read = read_id{draw.next() >> draw.below(60)};
      m.refused = draw.chance(300);
      auto index = m.index.value + draw.below(20) / 19;
      auto of_term = m.log_term.value;
      for (auto n = draw.below(4); n > 0; --n) {
        if (draw.chance(300)) ++of_term;
        m.entries.push_back(entry(++index, of_term));
      }
      // What is committed is the same everywhere; the harness holds on to that, so let these appends be honest about it.
      if (m.kind == message_kind::heartbeat || m.kind == message_kind::append) m.commit = log_index{0};
      if (m.kind == message_kind::append_reply) m.index = log_index{0};
      p.step(std::move(m));
      if (draw.chance(200)) p.tick(1 + static_cast<std::uint32_t>(draw.below(12)));
      if (draw.chance(100)) (void)p.propose("y");
      if (draw.chance(100)) p.core().read_index(read_id{1000 + static_cast<std::uint64_t>(i)});
    }
  }
}
