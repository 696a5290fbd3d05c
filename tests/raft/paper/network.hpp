#pragma once

#include "../harness.hpp"

/// What the behaviours of the specification (§2.15) are tested with: pre-vote and check-quorum off, every Ready acknowledged
/// at once (SAFETY.md §12). `[departure]` marks a case in which a detail differs from the original, and says which.
namespace paper {

using namespace raft_tests;

inline void plain(raft::options& o) { o.pre_vote = o.check_quorum = false; }

inline raft::options plain_options(std::uint64_t self = 1, std::uint64_t seed = 1) {
  auto o = options_of(self, seed);
  plain(o);
  return o;
}

/// One peer of {1..size} over a log with these terms.
inline peer node(std::uint64_t size, std::initializer_list<std::uint64_t> terms = {}, raft::hard_state state = {}, std::uint64_t seed = 1) {
  disk d;
  for (std::uint64_t id = 1; id <= size; ++id) d.truncated.configuration.voters.push_back({peer_id{id}, tinykv::store_id{id}});
  d.log = entries(1, terms);
  d.state = state;
  if (!d.log.empty()) d.state.term = std::max(d.state.term, d.log.back().term);
  return peer{plain_options(1, seed), std::move(d)};
}

/// It campaigns.
inline void hup(peer& p) {
  p.core().campaign();
  p.pump();
}
inline void hup(cluster& c, std::uint64_t id) {
  hup(c[id]);
  c.deliver();
}

/// It leads, by hand-made votes of everyone.
inline void win(peer& p) {
  hup(p);
  auto const group = p.see().configuration;
  for (auto const& m : group.voters)
    if (m.peer != p.see().self && !p.leads()) p.step(reply(message_kind::vote_reply, m.peer.value, p.see().term.value));
  REQUIRE(p.leads());
}

/// It leads and its empty entry is committed.
inline peer leader(std::uint64_t size, std::initializer_list<std::uint64_t> terms = {}, raft::hard_state state = {}) {
  auto p = node(size, terms, state);
  win(p);
  for (std::uint64_t id = 2; id <= size; ++id) p.step(accepted(id, p.see().term.value, p.see().last.value));
  REQUIRE(p.see().commit == p.see().last);
  p.sent();
  return p;
}

inline std::vector<std::uint64_t> terms_of(peer& p) {
  std::vector<std::uint64_t> out;
  for (auto i = log_index{1}; i <= p.see().last; ++i) out.push_back(p.core().log().term_at(i)->value);
  return out;
}

inline std::vector<raft::message> to(std::vector<raft::message> all, std::uint64_t peer) {
  std::erase_if(all, [&](auto const& m) { return m.to != peer_id{peer}; });
  return all;
}

}  // namespace paper
