#include <tinykv/sim/network.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <vector>

using namespace std::chrono_literals;
namespace sim = tinykv::sim;
namespace policy = tinykv::policy;
namespace raft = tinykv::raft;
using tinykv::store_id;

namespace {

/// A store that only listens.
struct listener final : policy::receive_sink {
  listener(sim::world& w, std::uint64_t id, std::uint64_t epoch = 1) : in(w), net(w, store_id{id}) {
    self.cluster = tinykv::cluster_id{1};
    self.store = store_id{id};
    self.start.epoch = epoch;
    REQUIRE(net.start(self, *this));
  }
  void greeted(tinykv::store_identity const& from, store_id to, verdict answer) noexcept override {
    ++greetings;
    CHECK(to == self.store);
    CHECK(from.store != self.store);
    if (refuse)
      answer(tinykv::rejected(tinykv::error_code::identity_refused));
    else
      answer(tinykv::done{});
  }
  void received(tinykv::store_identity const& from, policy::envelope mail) noexcept override {
    for (auto& piece : mail.snapshots) pieces.push_back(std::move(piece));
    for (auto const& m : mail.messages) {
      got.push_back(m.message.index.value);
      epochs.push_back(from.start.epoch);
      times.push_back(in.now().since_start);
    }
  }
  void refused(store_id by, tinykv::failure) noexcept override { refused_by.push_back(by.value); }

  void say(std::uint64_t to, std::uint64_t index, raft::message_kind kind = raft::message_kind::append) {
    raft::message m;
    m.kind = kind;
    m.index = tinykv::log_index{index};
    policy::envelope mail;
    mail.messages.push_back({tinykv::group_id{1}, m});
    net.send(store_id{to}, std::move(mail));
  }

  sim::world& in;
  sim::network net;
  tinykv::store_identity self;
  bool refuse = false;
  int greetings = 0;
  std::vector<std::uint64_t> got, epochs, refused_by;
  std::vector<tinykv::duration> times;
  std::vector<policy::group_snapshot> pieces;
};

policy::group_snapshot piece(std::uint64_t offset, std::size_t size) {
  return {tinykv::group_id{1}, {tinykv::peer_id{1}, tinykv::peer_id{2}, tinykv::term{3}, 4, {tinykv::log_index{5}, tinykv::term{2}}, 1U << 20,
                                offset, tinykv::bytes::adopt(std::string(size, 'x'))}};
}

}  // namespace

TEST_CASE("in a calm world every message arrives once, after a greeting", "[sim][network]") {
  sim::world in{1};
  listener a{in, 1}, b{in, 2};
  for (std::uint64_t i = 0; i < 50; ++i) {
    a.say(2, i);
    in.run_for(10ms);
  }
  CHECK(b.greetings == 1);
  REQUIRE(b.got.size() == 50);
  CHECK(std::is_sorted(b.got.begin(), b.got.end()));
}

TEST_CASE("pieces of snapshots arrive, alone or beside messages, and their lines tell them apart", "[sim][network][snapshot]") {
  auto const run = [](std::uint64_t offset, bool refused) {
    sim::world in{1};
    listener a{in, 1}, b{in, 2};
    auto answer = piece(offset, 0);
    answer.message.answer = true;
    answer.message.refused = refused;
    a.net.send(store_id{2}, {policy::priority::bulk, {}, {piece(0, 9), piece(offset, 20)}});
    in.run_for(1s);
    a.net.send(store_id{2}, {policy::priority::urgent, {}, {answer}});
    in.run_for(1s);
    CHECK(b.pieces == std::vector<policy::group_snapshot>{piece(0, 9), piece(offset, 20), answer});
    std::vector<std::uint64_t> sent, delivered;
    for (auto const& line : in.trace().last_lines()) {
      if (line.what == sim::occurrence::send_piece) sent.push_back(line.values[5]);
      if (line.what == sim::occurrence::deliver_piece) delivered.push_back(line.values[5]);
    }
    CHECK(sent == std::vector<std::uint64_t>{36, 80, refused ? 3U : 2U});
    CHECK(delivered == sent);
    return in.trace().hash();
  };
  CHECK(run(9, false) == run(9, false));
  CHECK(run(9, false) != run(10, false));
  CHECK(run(9, false) != run(9, true));
}

TEST_CASE("messages overtake one another, are lost, and come twice, as the rates say", "[sim][network][faults]") {
  sim::world in{1};
  listener a{in, 1}, b{in, 2};
  for (std::uint64_t i = 0; i < 200; ++i) a.say(2, i);
  in.run_for(1s);
  CHECK(b.got.size() == 200);
  CHECK_FALSE(std::is_sorted(b.got.begin(), b.got.end()));

  b.got.clear();
  in.weather.drop_per_mille = 500;
  for (std::uint64_t i = 0; i < 200; ++i) a.say(2, i);
  in.run_for(1s);
  CHECK(b.got.size() > 60);
  CHECK(b.got.size() < 140);

  b.got.clear();
  b.times.clear();
  in.weather = {};
  in.weather.duplicate_per_mille = 1000;
  in.weather.duplicate_max = 10s;
  auto const begin = in.now().since_start;
  for (std::uint64_t i = 0; i < 100; ++i) a.say(2, i);
  in.run_for(20s);
  CHECK(b.got.size() == 200);
  CHECK(b.times.back() - begin > 5s);
}

TEST_CASE("a cut works in one direction, and takes what is on its way", "[sim][network][partition]") {
  sim::world in{1};
  listener a{in, 1}, b{in, 2};
  a.say(2, 1);
  b.say(1, 1);
  in.run_for(1s);
  a.say(2, 2);
  in.set_link(store_id{1}, store_id{2}, sim::link::cut);
  b.say(1, 2);
  in.run_for(1s);
  CHECK(b.got == std::vector<std::uint64_t>{1});
  CHECK(a.got == std::vector<std::uint64_t>{1, 2});
  in.heal();
  a.say(2, 3);
  in.run_for(1s);
  CHECK(b.got == std::vector<std::uint64_t>{1, 3});
}

TEST_CASE("a clogged link keeps its mail and gives it back in another order", "[sim][network][clog]") {
  sim::world in{1};
  listener a{in, 1}, b{in, 2};
  a.say(2, 100);
  in.run_for(1s);
  in.set_link(store_id{1}, store_id{2}, sim::link::clogged);
  for (std::uint64_t i = 0; i < 20; ++i) a.say(2, i);
  in.run_for(1s);
  CHECK(b.got.size() == 1);
  in.set_link(store_id{1}, store_id{2}, sim::link::open);
  in.run_for(1s);
  CHECK(b.got.size() == 21);
  CHECK_FALSE(std::is_sorted(b.got.begin() + 1, b.got.end()));
}

TEST_CASE("a greeting cut off is tried again", "[sim][network]") {
  sim::world in{1};
  listener a{in, 1}, b{in, 2};
  in.set_link(store_id{1}, store_id{2}, sim::link::cut);
  a.say(2, 1);
  in.run_for(1s);
  in.heal();
  a.say(2, 2);
  in.run_for(1s);
  CHECK(b.got.back() == 2);
}

TEST_CASE("a refused greeting reaches the sender, its mail reaches nobody, and it is tried again", "[sim][network]") {
  sim::world in{1};
  listener a{in, 1}, b{in, 2};
  b.refuse = true;
  a.say(2, 1);
  in.run_for(20ms);
  a.say(2, 2);
  in.run_for(1s);
  CHECK(b.greetings == 1);
  CHECK(b.got.empty());
  CHECK(a.refused_by == std::vector<std::uint64_t>{2});
  a.say(2, 3);
  in.run_for(1s);
  CHECK(b.greetings == 2);
}

TEST_CASE("a message to a start that has ended vanishes; one from it may still arrive, under its name", "[sim][network][crash]") {
  sim::world in{1};
  listener a{in, 1};
  auto b = std::make_unique<listener>(in, 2);
  a.say(2, 1);
  b->say(1, 1);
  in.run_for(1s);
  a.say(2, 2);
  b->say(1, 2);
  in.crash(store_id{2});
  b->say(1, 3);  // the dead say nothing
  listener again{in, 2, 2};
  again.say(1, 4);
  in.run_for(1s);
  CHECK(b->got == std::vector<std::uint64_t>{1});
  CHECK(again.got.empty());
  REQUIRE(a.got.size() == 3);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> heard;
  for (std::size_t i = 0; i < 3; ++i) heard.emplace_back(a.got[i], a.epochs[i]);
  CHECK(std::count(heard.begin(), heard.end(), std::pair<std::uint64_t, std::uint64_t>{2, 1}) == 1);
  CHECK(std::count(heard.begin(), heard.end(), std::pair<std::uint64_t, std::uint64_t>{4, 2}) == 1);
  b.reset();  // the old handle's end must not close the new one's ears
  a.say(2, 5);
  in.run_for(1s);
  CHECK(again.got == std::vector<std::uint64_t>{5});
}

TEST_CASE("a paused host reads its mail when it wakes up", "[sim][network][pause]") {
  sim::world in{1};
  listener a{in, 1}, b{in, 2};
  a.say(2, 1);
  in.run_for(1s);
  in.pause(store_id{2}, 3s);
  a.say(2, 2);
  in.run_for(2s);
  CHECK(b.got.size() == 1);
  in.run_for(2s);
  CHECK(b.got.size() == 2);
}

TEST_CASE("one kind of message can be muted", "[sim][network][faults]") {
  sim::world in{1};
  listener a{in, 1}, b{in, 2};
  in.weather.mute = raft::message_kind::append;
  in.weather.mute_per_mille = 1000;
  a.say(2, 1);
  a.say(2, 2, raft::message_kind::vote_request);
  in.run_for(1s);
  CHECK(b.got == std::vector<std::uint64_t>{2});
}

TEST_CASE("the sink is left alone after stop", "[sim][network]") {
  sim::world in{1};
  listener a{in, 1}, b{in, 2};
  a.say(2, 1);
  b.net.stop();
  in.run_for(1s);
  a.say(2, 2);
  in.run_for(1s);
  CHECK(b.got.empty());
  CHECK(b.greetings == 0);
}
