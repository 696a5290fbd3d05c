#pragma once

#include <tinykv/policy/transport.hpp>
#include <tinykv/testing/conformance/detail/stores_under_test.hpp>
#include <tinykv/testing/conformance/recording_sink.hpp>
#include <tinykv/testing/conformance/suite.hpp>

#include <concepts>
#include <functional>
#include <memory>
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
  add("a message of each kind arrives with everything that it says", [](stores& in, report& out) {
    in.start(1), in.start(2);
    out.expect(in.deliver(1, 2, stores::mail_of_all_kinds()), "a message of each kind arrives as it was sent");
  });
  add("pieces of snapshots and their answers arrive unchanged", [](stores& in, report& out) {
    in.start(1), in.start(2);
    raft::snapshot_message piece;
    piece.from = peer_id{11};
    piece.to = peer_id{~std::uint64_t{0}};
    piece.term = term{7};
    piece.id = 1ULL << 63;
    piece.at = {log_index{99}, term{6}};
    piece.size = 1ULL << 40;
    piece.offset = 12345;
    auto answer = piece;
    answer.answer = answer.refused = true;
    std::string data(raft::snapshot_message::chunk_bytes_max, ' ');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 37 >> 4);
    piece.data = bytes::adopt(std::move(data));
    out.expect(in.deliver(1, 2, {policy::priority::bulk, {}, {{group_id{5}, piece}}}), "a piece of a snapshot arrives as it was sent");
    out.expect(in.deliver(1, 2, {policy::priority::urgent, {}, {{group_id{5}, answer}}}), "its answer arrives as it was sent");
  });
  add("messages of many groups travel in one mail", [](stores& in, report& out) {
    in.start(1), in.start(2);
    policy::envelope mail{policy::priority::urgent, {}, {}};
    for (std::uint64_t group = 1; group <= 2000; ++group) {
      raft::message beat;
      beat.kind = raft::message_kind::heartbeat;
      beat.from = peer_id{group};
      beat.to = peer_id{group + 5000};
      beat.term = term{group % 7 + 1};
      beat.round = group;
      mail.messages.push_back({group_id{group}, beat});
    }
    out.expect(in.deliver(1, 2, mail), "each message of a mail arrives");
  });
  add("a flood is dropped in part, and what comes after it arrives", [](stores& in, report& out) {
    in.start(1), in.start(2);
    out.expect(in.deliver(1, 2, stores::mail(1)), "a mail arrives");
    for (std::uint64_t n = 0; n < 5000; ++n) in[1].net->send(store_id{2}, stores::mail(1000 + n, policy::priority::bulk));
    out.expect(in.deliver(1, 2, stores::mail(2, policy::priority::urgent)), "a mail arrives after a flood");
    for (auto const& [from, mail] : in[2].sink.mails)
      for (auto const& each : mail.messages) {
        auto const n = each.message.kind == raft::message_kind::append ? each.message.term.value : each.message.round;
        if (!out.expect(recording_sink::contains(stores::mail(n), each), "nothing else arrives")) return;
      }
  });
  add("a command of 1 MiB arrives unchanged", [](stores& in, report& out) {
    in.start(1), in.start(2);
    auto mail = stores::mail(1);
    std::string large(1U << 20, ' ');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 3);
    mail.messages[0].message.entries[2].data = bytes::adopt(std::move(large));
    out.expect(in.deliver(1, 2, mail), "a large mail arrives as it was sent");
  });
  add("pieces of snapshots and their answers arrive unchanged", [](stores& in, report& out) {
    in.start(1), in.start(2);
    for (auto const size : {std::uint64_t{0}, std::uint64_t{1}, raft::snapshot_message::chunk_bytes_max})
      out.expect(in.deliver(1, 2, stores::piece(size % 7 + 1, static_cast<std::size_t>(size))), "a piece arrives as it was sent");
    auto many = stores::piece(1, raft::snapshot_message::chunk_bytes_max);
    for (std::uint64_t n = 2; n <= 8; ++n) many.snapshots.push_back(stores::piece(n, 40000).snapshots[0]);
    many.messages = stores::mail(9).messages;
    out.expect(in.deliver(1, 2, many), "many pieces arrive, and the messages beside them");
    for (auto const refused : {false, true})
      out.expect(in.deliver(2, 1, stores::piece_reply(3, refused)), "an answer arrives as it was sent");
    for (auto const& [from, mail] : in[1].sink.mails) out.expect(mail.messages.empty(), "nothing else arrives");
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
