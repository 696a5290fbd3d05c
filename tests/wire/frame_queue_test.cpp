#include <tinykv/wire/frame_queue.hpp>

#include <tinykv/wire/frame_joiner.hpp>

#include "support/catch.hpp"

using namespace tinykv;
using raft::priority;
using wire::frame_kind;
using wire::frame_queue;

namespace {

std::string text_of(frame_queue::frame const& f) {
  return std::string{f.header.data(), f.header.size()} + f.piece.str();
}
/// The tags of all that waits, in the order in which it leaves.
std::vector<std::uint64_t> drain(frame_queue& queue) {
  std::vector<std::uint64_t> tags;
  while (auto const f = queue.next()) tags.push_back(f->tag);
  return tags;
}
constexpr std::size_t cost(std::size_t size) { return size + frame_queue::message_cost; }

}  // namespace

TEST_CASE("messages leave by priority, and in order within one", "[wire][frame]") {
  frame_queue queue{100, 10000};
  CHECK(queue.push(frame_kind::mail, priority::bulk, "a", 1));
  CHECK(queue.push(frame_kind::mail, priority::urgent, "b", 2));
  CHECK(queue.push(frame_kind::mail, priority::normal, "c", 3));
  CHECK(queue.push(frame_kind::mail, priority::urgent, "d", 4));
  CHECK(queue.waiting() == 4);
  CHECK(drain(queue) == std::vector<std::uint64_t>{2, 4, 3, 1});
  CHECK(queue.empty());
  CHECK(queue.bytes_waiting() == 0);
  CHECK_FALSE(queue.next());
}

TEST_CASE("a message is cut into frames of at most the bound, header included, and joined again", "[wire][frame]") {
  for (std::size_t const size : {0U, 1U, 7U, 8U, 9U, 16U, 17U, 100U}) {
    std::string body;
    for (std::size_t i = 0; i < size; ++i) body += static_cast<char>('a' + i % 26);
    frame_queue queue{10, 10000};
    REQUIRE(queue.push(frame_kind::call, priority::normal, body));
    wire::frame_joiner joiner{size};
    std::size_t frames = 0;
    std::string joined = "nothing";
    while (auto const f = queue.next()) {
      ++frames;
      CHECK(text_of(*f).size() <= 10);
      auto const text = text_of(*f);
      auto const got = joiner.push(text);
      REQUIRE(got);
      CHECK(got->has_value() == queue.empty());
      if (*got) joined = std::string{(*got)->body};
    }
    CHECK(frames == std::max<std::size_t>(1, (size + 7) / 8));
    CHECK(joined == body);
  }
}

TEST_CASE("an urgent message goes between the frames of a large one", "[wire][frame]") {
  frame_queue queue{12, 10000};
  queue.push(frame_kind::mail, priority::bulk, std::string(25, 'x'), 1);
  CHECK(queue.next()->tag == 1);
  queue.push(frame_kind::mail, priority::urgent, "u", 2);
  queue.push(frame_kind::mail, priority::normal, "n", 3);
  CHECK(drain(queue) == std::vector<std::uint64_t>{2, 3, 1, 1});
}

TEST_CASE("the bound on the queue counts what waits, to the byte", "[wire][frame][bounds]") {
  frame_queue queue{100, 2 * cost(10)};
  CHECK(queue.push(frame_kind::mail, priority::normal, std::string(10, 'x'), 1));
  CHECK_FALSE(queue.push(frame_kind::mail, priority::normal, std::string(11, 'x'), 2));
  CHECK(queue.push(frame_kind::mail, priority::normal, std::string(10, 'x'), 3));
  CHECK_FALSE(queue.push(frame_kind::mail, priority::normal, "", 4));
  CHECK(queue.dropped() == 2);
  CHECK(queue.bytes_waiting() == 2 * cost(10));
  REQUIRE(queue.next());
  CHECK(queue.push(frame_kind::mail, priority::normal, std::string(10, 'x'), 5));
  CHECK(drain(queue) == std::vector<std::uint64_t>{3, 5});
}

TEST_CASE("a full queue drops the newest of the lowest priority first", "[wire][frame][bounds]") {
  frame_queue queue{1000, 5 * cost(10)};
  queue.push(frame_kind::mail, priority::bulk, std::string(10, 'x'), 1);
  queue.push(frame_kind::mail, priority::bulk, std::string(10, 'x'), 2);
  queue.push(frame_kind::mail, priority::normal, std::string(10, 'x'), 3);
  queue.push(frame_kind::mail, priority::normal, std::string(10, 'x'), 4);
  queue.push(frame_kind::mail, priority::urgent, std::string(10, 'x'), 5);
  CHECK(queue.push(frame_kind::mail, priority::urgent, std::string(10, 'x'), 6));  // drops 2
  CHECK(queue.push(frame_kind::mail, priority::urgent, std::string(10, 'x'), 7));  // drops 1
  CHECK(queue.push(frame_kind::mail, priority::urgent, std::string(10, 'x'), 8));  // drops 4
  CHECK(queue.dropped() == 3);
  CHECK_FALSE(queue.push(frame_kind::mail, priority::bulk, "", 9));    // lower ones are not there to be dropped
  CHECK_FALSE(queue.push(frame_kind::mail, priority::normal, "", 9));  // an equal one is not dropped either
  CHECK(drain(queue) == std::vector<std::uint64_t>{5, 6, 7, 8, 3});
}

TEST_CASE("nothing is pushed out in vain", "[wire][frame][bounds]") {
  frame_queue queue{1000, 3 * cost(10)};
  queue.push(frame_kind::mail, priority::bulk, std::string(10, 'x'), 1);
  queue.push(frame_kind::mail, priority::urgent, std::string(10, 'x'), 2);
  CHECK_FALSE(queue.push(frame_kind::mail, priority::urgent, std::string(1000, 'x'), 3));
  CHECK_FALSE(queue.push(frame_kind::mail, priority::urgent, std::string(2 * cost(10), 'x'), 4));
  CHECK(queue.dropped() == 2);
  CHECK(drain(queue) == std::vector<std::uint64_t>{2, 1});
}

TEST_CASE("a message that has begun to leave is neither dropped nor taken back", "[wire][frame][bounds]") {
  frame_queue queue{10, 2 * cost(20)};
  queue.push(frame_kind::mail, priority::bulk, std::string(20, 'x'), 1);
  CHECK(queue.next()->tag == 1);
  CHECK_FALSE(queue.erase(1));
  CHECK(queue.push(frame_kind::mail, priority::urgent, std::string(8, 'x'), 2));
  CHECK_FALSE(queue.push(frame_kind::mail, priority::urgent, std::string(20, 'x'), 3));
  CHECK(drain(queue) == std::vector<std::uint64_t>{2, 1, 1});
}

TEST_CASE("a message that waits can be taken back once", "[wire][frame]") {
  frame_queue queue{100, 10000};
  queue.push(frame_kind::call, priority::normal, "one", 1);
  queue.push(frame_kind::call, priority::normal, "two", 2);
  CHECK(queue.erase(1));
  CHECK_FALSE(queue.erase(1));
  CHECK_FALSE(queue.erase(3));
  CHECK(queue.bytes_waiting() == cost(3));
  CHECK(drain(queue) == std::vector<std::uint64_t>{2});
}
