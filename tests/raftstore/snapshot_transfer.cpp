#include <tinykv/raftstore/snapshot_receiver.hpp>
#include <tinykv/raftstore/snapshot_sender.hpp>

#include "support/catch.hpp"

#include <deque>
#include <string>

namespace raft = tinykv::raft;
namespace raftstore = tinykv::raftstore;
using raft::snapshot_message;
using raftstore::snapshot_receiver;
using raftstore::snapshot_sender;
using tinykv::log_index;
using tinykv::peer_id;
using tinykv::position;
using tinykv::term;

namespace {

constexpr auto chunk = snapshot_message::chunk_bytes_max;
constexpr std::uint64_t plenty = ~std::uint64_t{0};

raftstore::snapshot_options numbers() {
  raftstore::snapshot_options out;
  out.window_bytes_max = 4 * chunk;
  out.resend_ticks = 3;
  out.patience_ticks = 20;
  return out;
}

/// One sender, one receiver, and what is between them.
struct route {
  route(std::uint64_t size, std::uint64_t id = 7) : sender(numbers()), receiver(numbers()), content(size, '\0') {
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 + i / 251);
    sender.want({peer_id{2}, term{5}, log_index{10}});
    REQUIRE(sender.file_due());
    sender.making(log_index{12});
    CHECK_FALSE(sender.file_due());
    CHECK(sender.hold() == log_index{12});
    sender.made({id, {{log_index{15}, term{4}}, {}}, size});
    CHECK(sender.hold() == log_index{15});
  }
  /// Reads and sends what may be sent now.
  void pump(std::uint64_t budget = plenty) {
    for (;;) {
      auto const pieces = sender.take_pieces(budget);
      if (pieces.empty()) return;
      for (auto const& p : pieces) {
        auto m = sender.read(p, tinykv::bytes::copy_of(std::string_view{content}.substr(p.offset, p.count)), peer_id{1});
        if (!m) continue;
        bytes_sent += m->data.size();
        CHECK(m->data.size() <= chunk);
        there.push_back(std::move(*m));
      }
    }
  }
  void deliver() {
    for (; !there.empty(); there.pop_front()) {
      auto what = receiver.take(std::move(there.front()));
      if (what.answer) back.push_back(*what.answer);
      if (!what.to_write) continue;
      if (what.to_write->create) file.clear();
      file += what.to_write->data.str();
      if (auto const answer = receiver.written(what.to_write->attempt, what.to_write->data.size())) back.push_back(*answer);
    }
  }
  std::optional<snapshot_sender::ending> answer() {
    std::optional<snapshot_sender::ending> end;
    for (; !back.empty(); back.pop_front())
      if (auto const e = sender.answered(back.front())) end = e;
    return end;
  }
  std::optional<snapshot_sender::ending> run() {
    for (int i = 0; i < 10'000; ++i) {
      pump();
      deliver();
      if (auto const end = answer()) return end;
      sender.tick();
      receiver.tick();
    }
    return std::nullopt;
  }

  snapshot_sender sender;
  snapshot_receiver receiver;
  std::string content;
  std::string file;
  std::deque<snapshot_message> there;
  std::deque<snapshot_message> back;
  std::uint64_t bytes_sent = 0;
};

}  // namespace

TEST_CASE("a snapshot arrives whole, in pieces, each byte once", "[raftstore][snapshots]") {
  for (auto const size : {std::uint64_t{1}, chunk, chunk + 1, 20 * chunk + 17}) {
    route r{size};
    auto const end = r.run();
    REQUIRE(end);
    CHECK(end->to == peer_id{2});
    CHECK(end->sent == log_index{15});
    CHECK(r.receiver.whole());
    CHECK(r.file == r.content);
    CHECK(r.bytes_sent == size);
    CHECK(r.sender.hold() == log_index{15});  // until the receiver has installed it
    r.sender.forget(peer_id{2});
    CHECK_FALSE(r.sender.hold());
    CHECK(r.sender.idle());
  }
}

TEST_CASE("no more than the window is under way without an answer, and no more than the budget is read", "[raftstore][snapshots]") {
  route r{100 * chunk};
  r.pump();
  CHECK(r.bytes_sent == 4 * chunk);
  r.pump();
  CHECK(r.bytes_sent == 4 * chunk);
  route slow{100 * chunk};
  slow.pump(chunk + 5);
  CHECK(slow.bytes_sent == chunk + 5);
}

TEST_CASE("after a cut at any piece at most one window is sent again", "[raftstore][snapshots]") {
  for (std::uint64_t lost_at = 0; lost_at < 12; ++lost_at) {
    route r{12 * chunk};
    std::uint64_t delivered = 0;
    auto cut = false;
    std::optional<snapshot_sender::ending> end;
    for (int i = 0; i < 1000 && !end; ++i) {
      r.pump();
      if (!cut && delivered + r.there.size() > lost_at) {  // everything from here on is lost, answers too
        cut = true;
        while (delivered + r.there.size() > lost_at && !r.there.empty()) r.there.pop_back();
        r.deliver();
        r.back.clear();
        continue;
      }
      delivered += r.there.size();
      r.deliver();
      end = r.answer();
      r.sender.tick();
      r.receiver.tick();
    }
    REQUIRE(end);
    CHECK(r.file == r.content);
    CHECK(r.bytes_sent <= 12 * chunk + 4 * chunk);
  }
}

TEST_CASE("a lost piece is told once, and the sender goes back to it", "[raftstore][snapshots]") {
  route r{10 * chunk};
  r.pump();
  r.there.pop_front();
  r.deliver();
  REQUIRE(r.back.size() == 1);
  CHECK(r.back.front().refused);
  CHECK(r.back.front().offset == 0);
  r.answer();
  r.pump();
  CHECK(r.there.front().offset == 0);
  REQUIRE(r.run());
  CHECK(r.file == r.content);
}

TEST_CASE("a receiver that begins anew is sent everything again", "[raftstore][snapshots]") {
  route r{10 * chunk};
  r.pump();
  r.deliver();
  r.answer();
  r.receiver.end();  // it was started again, say
  r.pump();
  r.deliver();
  REQUIRE(!r.back.empty());
  CHECK(r.back.front().refused);
  REQUIRE(r.run());
  CHECK(r.file == r.content);
}

TEST_CASE("a sender that is never answered sends again, then gives up; the peer may ask again", "[raftstore][snapshots]") {
  route r{10 * chunk};
  std::vector<snapshot_sender::ending> endings;
  for (int i = 0; i < 100 && endings.empty(); ++i) {
    r.pump();
    r.there.clear();
    endings = r.sender.tick();
  }
  REQUIRE(endings.size() == 1);
  CHECK(endings[0].to == peer_id{2});
  CHECK_FALSE(endings[0].sent);
  CHECK(r.bytes_sent > 4 * chunk);
  CHECK(r.sender.idle());
  r.sender.want({peer_id{2}, term{5}, log_index{10}});
  CHECK_FALSE(r.sender.file_due());  // the one there is will do
  REQUIRE(r.run());
}

TEST_CASE("who needs a later snapshot gets a new file, when nobody reads the old one", "[raftstore][snapshots]") {
  route r{10 * chunk};
  r.pump();
  r.sender.want({peer_id{3}, term{5}, log_index{40}});
  CHECK_FALSE(r.sender.file_due());
  REQUIRE(r.run());
  CHECK(r.sender.file_due());
  r.sender.making(log_index{50});
  CHECK(r.sender.hold() == log_index{50});
  auto const failed = r.sender.make_failed();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].to == peer_id{3});
}

TEST_CASE("pieces of another file, sizes that lie and pieces beyond the bounds are not taken", "[raftstore][snapshots]") {
  snapshot_receiver r{numbers()};
  snapshot_message m;
  m.from = peer_id{1};
  m.to = peer_id{2};
  m.term = term{3};
  m.id = 9;
  m.at = {log_index{5}, term{2}};
  m.size = 100;
  auto const take = [&](std::uint64_t offset, std::string const& data) {
    auto copy = m;
    copy.offset = offset;
    copy.data = tinykv::bytes::copy_of(data);
    return r.take(std::move(copy));
  };
  CHECK_FALSE(take(0, "").to_write);
  CHECK_FALSE(take(0, std::string(101, 'x')).to_write);
  CHECK_FALSE(take(101, "x").to_write);
  CHECK_FALSE(take(~std::uint64_t{0}, "xx").to_write);
  m.size = ~std::uint64_t{0};
  CHECK_FALSE(take(0, "x").to_write);  // above file_bytes_max
  m.size = chunk + 10;
  CHECK_FALSE(take(0, std::string(chunk + 1, 'x')).to_write);
  m.size = 100;
  auto const first = take(0, std::string(60, 'x'));
  REQUIRE(first.to_write);
  CHECK(first.to_write->create);
  auto const second = take(60, std::string(10, 'x'));
  REQUIRE(second.to_write);
  CHECK_FALSE(second.to_write->create);
  CHECK_FALSE(take(60, std::string(10, 'x')).to_write);  // a repeated one
  m.id = 10;  // another file: from its beginning or not at all
  auto const other = take(70, "x");
  CHECK_FALSE(other.to_write);
  REQUIRE(other.answer);
  CHECK(other.answer->refused);
  CHECK(other.answer->offset == 0);
  CHECK(other.answer->id == 10);
  CHECK_FALSE(r.written(first.to_write->attempt, 60));  // the write of the file before
  auto const whole = take(0, std::string(100, 'x'));
  REQUIRE(whole.to_write);
  REQUIRE(r.written(whole.to_write->attempt, 100));
  CHECK(r.whole());
  r.verify();
  CHECK_FALSE(take(0, "x").to_write);  // one at a time
  r.install();
  CHECK_FALSE(take(0, "x").to_write);
  r.end();
  CHECK(take(0, "x").to_write);
}
