#pragma once

#include <tinykv/policy/transport.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <algorithm>
#include <concepts>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::testing {

/// Where the stores of a case live: made afresh for each case, with
///
///     using model = ...;                                  // the Transport
///     model open(store_id self);                          // a handle for store 1, 2 or 3, which can reach the other two;
///                                                         // again after `stop`: the store's next start
///     bool wait(std::function<bool()> const& fact);       // lets work be done until `fact`; false when it gives up
template <class W>
concept TransportWorld = requires(W& world, store_id self, std::function<bool()> const& fact) {
  requires policy::Transport<typename W::model>;
  { world.open(self) } -> std::same_as<typename W::model>;
  { world.wait(fact) } -> std::same_as<bool>;
};

/// A sink that writes everything down. Greetings wait for `judge`.
class recording_sink final : public policy::receive_sink {
 public:
  /// A greeting.
  struct greeting {
    store_identity from;  ///< Who.
    store_id to;          ///< Whom it meant.
  };
  std::vector<greeting> greetings;                                     ///< All, in order.
  std::vector<std::pair<store_identity, policy::envelope>> mails;      ///< All, in order.
  std::vector<std::pair<store_id, failure>> refusals;                  ///< All, in order.
  std::function<result<done>(store_identity const&)> verdict;          ///< Empty: everybody is let in.
  bool judging = true;                                                 ///< False: greetings stay unanswered.

  void greeted(store_identity const& from, store_id to, policy::receive_sink::verdict answer) noexcept override {
    greetings.push_back({from, to});
    waiting_.emplace_back(from, std::move(answer));
  }
  void received(store_identity const& from, policy::envelope mail) noexcept override {
    mails.emplace_back(from, std::move(mail));
  }
  void refused(store_id by, failure reason) noexcept override { refusals.emplace_back(by, std::move(reason)); }

  /// Answers the greetings that wait, as a store does on its home lane.
  void judge() {
    if (!judging) return;
    for (auto& [from, answer] : std::exchange(waiting_, {})) answer(verdict ? verdict(from) : result<done>{done{}});
  }
  /// Forgets the greetings that wait, unanswered.
  void forget() { waiting_.clear(); }
  /// True iff every message of `mail` has come from that start of a store, with its priority. A model may cut an envelope.
  bool has(store_identity const& from, policy::envelope const& mail) const {
    return std::all_of(mail.messages.begin(), mail.messages.end(), [&](policy::group_message const& wanted) {
      return std::any_of(mails.begin(), mails.end(), [&](auto const& each) {
        return each.first == from && each.second.priority == mail.priority && contains(each.second, wanted);
      });
    });
  }
  /// True iff `mail` holds `message`.
  static bool contains(policy::envelope const& mail, policy::group_message const& message) {
    return std::find(mail.messages.begin(), mail.messages.end(), message) != mail.messages.end();
  }

 private:
  std::vector<std::pair<store_identity, policy::receive_sink::verdict>> waiting_;
};

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
    return {priority, {{group_id{1}, m}, {group_id{n + 1}, reply}}};
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

/// The promises of policy/transport.hpp, as cases.
template <TransportWorld World>
std::vector<conformance_case> transport_suite(std::function<std::unique_ptr<World>()> fresh) {
  using stores = detail::stores_under_test<World>;
  std::vector<conformance_case> all;
  auto const add = [&](std::string name, std::function<void(stores&, report&)> body) {
    all.push_back({std::move(name), [fresh, body = std::move(body)] {
                     report out;
                     stores world{fresh(), out};
                     body(world, out);
                     return out;
                   }});
  };

  add("three stores hear each other, and each mail is unchanged and names its sender", [](stores& in, report& out) {
    for (std::uint64_t id = 1; id <= 3; ++id) in.start(id);
    for (std::uint64_t from = 1; from <= 3; ++from)
      for (std::uint64_t to = 1; to <= 3; ++to)
        if (from != to) out.expect(in.deliver(from, to, stores::mail(10 * from + to)), "a mail arrives as it was sent");
    for (std::uint64_t id = 1; id <= 3; ++id)
      for (auto const& [from, mail] : in[id].sink.mails) {
        auto const sent = stores::mail(10 * from.store.value + id);
        out.expect(from == stores::identity(from.store.value), "a mail names the start that sent it");
        for (auto const& message : mail.messages) out.expect(recording_sink::contains(sent, message), "nothing else arrives");
      }
  });
  add("each priority is kept", [](stores& in, report& out) {
    in.start(1), in.start(2);
    for (auto const each : {policy::priority::urgent, policy::priority::normal, policy::priority::bulk})
      out.expect(in.deliver(1, 2, stores::mail(1, each)), "a mail arrives with its priority");
  });
  add("a command of 1 MiB arrives unchanged", [](stores& in, report& out) {
    in.start(1), in.start(2);
    auto mail = stores::mail(1);
    std::string large(1U << 20, ' ');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 3);
    mail.messages[0].message.entries[2].data = bytes::adopt(std::move(large));
    out.expect(in.deliver(1, 2, mail), "a large mail arrives as it was sent");
  });
  add("a store greets before it is heard, and says whom it means", [](stores& in, report& out) {
    in.start(1), in.start(2).sink.judging = false;
    int turn = 0;
    in.wait([&] {
      if (turn++ % 16 == 0) in[1].net->send(store_id{2}, stores::mail(1));
      return !in[2].sink.greetings.empty();
    });
    if (!out.expect(!in[2].sink.greetings.empty(), "the receiver is greeted")) return;
    out.expect(in[2].sink.greetings[0].from == in[1].self, "a greeting carries the identity of the sender's start");
    out.expect(in[2].sink.greetings[0].to == store_id{2}, "a greeting names the store that is meant");
    for (int i = 0; i < 20; ++i) in[1].net->send(store_id{2}, stores::mail(1));
    int patience = 200;
    in.wait([&] { return patience-- == 0; });
    out.expect(in[2].sink.mails.empty(), "nothing arrives before the verdict");
    in[2].sink.judging = true;
    out.expect(in.deliver(1, 2, stores::mail(2)), "mail arrives after the verdict");
  });
  add("a refused store is told by whom and why, and is not heard", [](stores& in, report& out) {
    auto const why = rejected(error_code::identity_refused, "another uuid", 42);
    in.start(1), in.start(2), in.start(3);
    in[2].sink.verdict = [&](store_identity const& who) { return who.store == store_id{1} ? result<done>{why} : done{}; };
    int turn = 0;
    in.wait([&] {
      if (turn++ % 16 == 0) in[1].net->send(store_id{2}, stores::mail(1));
      return !in[1].sink.refusals.empty();
    });
    if (out.expect(!in[1].sink.refusals.empty(), "the refusal reaches the sender"))
      out.expect(in[1].sink.refusals[0] == std::pair{store_id{2}, why}, "a refusal keeps all its fields");
    out.expect(in[2].sink.mails.empty(), "nothing of a refused store arrives");
    out.expect(in.deliver(3, 2, stores::mail(3)), "others are heard");
    in[2].sink.verdict = {};
    out.expect(in.deliver(1, 2, stores::mail(2)), "a store that is no longer refused is heard");
  });
  add("a greeting that is forgotten is not an acceptance", [](stores& in, report& out) {
    in.start(1), in.start(2).sink.judging = false;
    int turn = 0;
    in.wait([&] {
      if (turn++ % 16 == 0) in[1].net->send(store_id{2}, stores::mail(1));
      return !in[2].sink.greetings.empty();
    });
    in[2].sink.forget();
    int patience = 200;
    in.wait([&] { return patience-- == 0; });
    out.expect(in[2].sink.mails.empty(), "nothing arrives without a verdict");
    in[2].sink.judging = true;
    out.expect(in.deliver(1, 2, stores::mail(2)), "the sender greets again");
  });
  add("a store that starts again greets with its new start", [](stores& in, report& out) {
    in.start(1), in.start(2);
    out.expect(in.deliver(1, 2, stores::mail(1)), "a mail arrives");
    in[1].net->stop();
    in.start(1, 2);
    out.expect(in.deliver(1, 2, stores::mail(2)), "a mail of the new start arrives");
    out.expect(in[2].sink.greetings.back().from == stores::identity(1, 2), "the new start has greeted");
    out.expect(in.deliver(2, 1, stores::mail(3)), "the new start is reached");
    in[2].net->stop();
    in.start(2, 2);
    auto const greeted = in[2].sink.greetings.size();
    out.expect(in.deliver(1, 2, stores::mail(4)), "a receiver that has started again is reached");
    out.expect(in[2].sink.greetings.size() > greeted, "it is greeted again");
  });
  add("after stop the sink is not touched, and nothing is sent", [](stores& in, report& out) {
    in.start(1), in.start(2);
    out.expect(in.deliver(1, 2, stores::mail(1)), "a mail arrives");
    for (int i = 0; i < 50; ++i) in[1].net->send(store_id{2}, stores::mail(2));
    in[2].net->stop();
    auto const mails = in[2].sink.mails.size();
    auto const greetings = in[2].sink.greetings.size();
    int turn = 0;
    in.wait([&] {
      in[1].net->send(store_id{2}, stores::mail(3));
      in[2].net->send(store_id{1}, stores::mail(4));
      return turn++ == 200;
    });
    out.expect(in[2].sink.mails.size() == mails && in[2].sink.greetings.size() == greetings, "a stopped store hears nothing");
    out.expect(in[1].sink.mails.empty(), "a stopped store sends nothing");
    in[2].net->stop();
  });
  add("stores that are not there or not known cost nothing", [](stores& in, report& out) {
    in.start(1);
    int turn = 0;
    in.wait([&] {
      in[1].net->send(store_id{2}, stores::mail(1));
      in[1].net->send(store_id{99}, stores::mail(1));
      in[1].net->send(store_id{1}, stores::mail(1));
      return turn++ == 100;
    });
    out.expect(in[1].sink.refusals.empty(), "nobody is no refusal");
    out.expect(in[1].sink.mails.empty(), "a store does not write to itself by a Transport");
    in.start(2);
    out.expect(in.deliver(1, 2, stores::mail(2)), "a store that comes later is reached");
  });
  return all;
}

}  // namespace tinykv::testing
