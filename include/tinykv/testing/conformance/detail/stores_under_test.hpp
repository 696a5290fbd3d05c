#pragma once

#include <tinykv/testing/conformance/recording_sink.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tinykv::testing {

namespace detail {

/// A world with stores in it, and what the cases do there.
template <class World>
class stores_under_test {
 public:
  struct store {
    store_identity self;
    recording_sink sink;
    std::optional<typename World::model> net;  // after the sink: ends first
  };

  stores_under_test(std::unique_ptr<World> world, report& out) : world_(std::move(world)), out_(out) {}

  static store_identity identity(std::uint64_t id, std::uint64_t epoch = 1) {
    store_identity who{cluster_id{7}, store_id{id}, {}, consensus_kind::raft, {epoch, 1000 * id + epoch}};
    who.uuid.octets.fill(static_cast<std::uint8_t>(id));
    return who;
  }
  /// A mail whose every field tells something; `n` makes it different from others.
  static policy::envelope mail(std::uint64_t n, policy::priority priority = policy::priority::normal) {
    raft::message m;
    m.kind = raft::message_kind::append;
    m.from = peer_id{11};
    m.to = peer_id{~std::uint64_t{0}};
    m.term = term{n};
    m.index = log_index{5};
    m.log_term = term{4};
    m.commit = log_index{3};
    m.entries = {{log_index{6}, term{4}, raft::entry_kind::command, {}},
                 {log_index{7}, term{n}, raft::entry_kind::configuration, bytes::copy_of("new \0 members")},
                 {log_index{8}, term{n}, raft::entry_kind::command, bytes::adopt(std::string(300, 'v'))}};
    raft::message reply;
    reply.kind = raft::message_kind::read_reply;
    reply.from = peer_id{1};
    reply.to = peer_id{2};
    reply.term = term{1};
    reply.index = log_index{9};
    reply.hint = log_index{n};
    reply.round = n;
    reply.read = read_id{8};
    reply.refused = true;
    reply.forced = true;
    return {priority, {{group_id{1}, m}, {group_id{n + 1}, reply}}};
  }
  /// A mail with a piece of a snapshot, of `size` bytes.
  static policy::envelope piece(std::uint64_t n, std::size_t size) {
    std::string data(size, ' ');
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>((i * 31 + n) >> 3);
    auto const all = std::uint64_t{1} << 40;
    raft::snapshot_message m{peer_id{1}, peer_id{2}, term{n}, ~n, {log_index{n + 5}, term{4}}, all, n << 16, bytes::adopt(std::move(data))};
    return {policy::priority::bulk, {}, {{group_id{n + 1}, m}}};
  }
  /// A mail that answers one.
  static policy::envelope piece_reply(std::uint64_t n, bool refused) {
    raft::snapshot_message m{peer_id{2}, peer_id{1}, term{n}, ~n, {log_index{n + 5}, term{4}}, 1000, 999, {}, true, refused};
    return {policy::priority::urgent, {}, {{group_id{n + 1}, m}}};
  }

  /// A message of each kind, with what that kind says.
  static policy::envelope mail_of_all_kinds() {
    policy::envelope out{policy::priority::urgent, {}, {}};
    auto const add = [&](raft::message_kind kind, auto fill) {
      raft::message m;
      m.kind = kind;
      m.from = peer_id{21};
      m.to = peer_id{22};
      m.term = term{7};
      fill(m);
      out.messages.push_back({group_id{out.messages.size() + 1}, std::move(m)});
    };
    auto const last = [](raft::message& m) { m.index = log_index{1ULL << 40}, m.log_term = term{6}; };
    using enum raft::message_kind;
    add(pre_vote_request, last);
    add(pre_vote_reply, [](raft::message& m) { m.refused = true; });
    add(vote_request, last);
    add(vote_request, [&](raft::message& m) { last(m), m.forced = true; });
    add(vote_reply, [](raft::message&) {});
    add(append, last);
    add(append_reply, [](raft::message& m) { m.index = log_index{9}, m.commit = log_index{8}; });
    add(append_reply, [](raft::message& m) { m.refused = true, m.index = log_index{9}, m.hint = log_index{5}, m.log_term = term{2}; });
    add(heartbeat, [](raft::message& m) { m.commit = log_index{4}, m.round = 3; });
    add(heartbeat_reply, [](raft::message& m) { m.round = ~std::uint64_t{0}; });
    add(read_request, [](raft::message& m) { m.read = read_id{1ULL << 61}; });
    add(read_reply, [](raft::message& m) { m.read = read_id{12}, m.index = log_index{10}; });
    add(timeout_now, [](raft::message&) {});
    add(removed, [](raft::message& m) { m.round = 5; });
    return out;
  }

  store& start(std::uint64_t id, std::uint64_t epoch = 1) {
    auto& s = stores_[id];
    s.net.reset();
    s.self = identity(id, epoch);
    s.net.emplace(world_->open(store_id{id}));
    out_.take(s.net->start(s.self, s.sink), "start");
    return s;
  }
  store& operator[](std::uint64_t id) { return stores_[id]; }

  bool wait(std::function<bool()> const& fact) {
    return world_->wait([&] {
      for (auto& [id, each] : stores_) each.sink.judge();
      return fact();
    });
  }
  /// Sends again and again, as Raft does, until it is there.
  bool deliver(std::uint64_t from, std::uint64_t to, policy::envelope const& what) {
    auto const sender = stores_[from].self;
    int turn = 0;
    return wait([&] {
      if (stores_[to].sink.has(sender, what)) return true;
      if (turn++ % 16 == 0) stores_[from].net->send(store_id{to}, what);
      return false;
    });
  }

 private:
  std::unique_ptr<World> world_;
  report& out_;
  std::map<std::uint64_t, store> stores_;
};

}  // namespace detail

}  // namespace tinykv::testing
