#include <tinykv/raftstore/inbox.hpp>

#include "support/catch.hpp"

namespace policy = tinykv::policy;
namespace raft = tinykv::raft;
namespace raftstore = tinykv::raftstore;

namespace {

struct nobody {};
using answer = tinykv::unique_function<void(tinykv::result<int>)>;
using inbox = raftstore::inbox<nobody, int, answer, answer>;

raftstore::options bounds() {
  raftstore::options o;
  o.inbox_messages_max = 10;
  o.inbox_urgent_max = 100;
  o.inbox_bytes_max = 2000;
  o.inbox_calls_max = 3;
  return o;
}

policy::envelope mail(policy::priority priority, std::size_t count, std::size_t entry_bytes = 0) {
  policy::envelope out;
  out.priority = priority;
  for (std::size_t i = 0; i < count; ++i) {
    raft::message m;
    m.kind = priority == policy::priority::urgent ? raft::message_kind::heartbeat : raft::message_kind::append;
    if (entry_bytes > 0)
      m.entries.push_back({tinykv::log_index{1}, tinykv::term{1}, raft::entry_kind::command, tinykv::bytes::adopt(std::string(entry_bytes, 'x'))});
    out.messages.push_back({tinykv::group_id{1}, std::move(m)});
  }
  return out;
}

struct fixture {
  fixture() {
    box.wake_by([this] { ++wakes; });
  }
  std::size_t messages() {
    std::size_t n = 0;
    for (auto& item : box.drain())
      if (auto* m = std::get_if<raftstore::mail_arrived>(&item)) n += m->mail.messages.size();
    return n;
  }
  int wakes = 0;
  raftstore::options o = bounds();
  inbox box{o};
  tinykv::store_identity from;
};

constexpr auto normal = policy::priority::normal;
constexpr auto urgent = policy::priority::urgent;

}  // namespace

TEST_CASE("the first item after a drain wakes, the others do not", "[raftstore][inbox]") {
  fixture f;
  f.box.push(raftstore::tick_due{});
  f.box.push(raftstore::tick_due{});
  CHECK(f.wakes == 1);
  CHECK(f.box.drain().size() == 2);
  f.box.push(raftstore::tick_due{});
  CHECK(f.wakes == 2);
}

TEST_CASE("over its bound appends are dropped and counted, heartbeats are not", "[raftstore][inbox][bounds]") {
  fixture f;
  for (int i = 0; i < 12; ++i) f.box.received(f.from, mail(normal, 1));
  for (int i = 0; i < 50; ++i) f.box.received(f.from, mail(urgent, 1));
  CHECK(f.box.take_dropped() == 2);
  CHECK(f.box.take_dropped() == 0);
  CHECK(f.messages() == 60);
  f.box.received(f.from, mail(normal, 10));
  CHECK(f.messages() == 10);
}

TEST_CASE("heartbeats have a bound of their own", "[raftstore][inbox][bounds]") {
  fixture f;
  for (int i = 0; i < 110; ++i) f.box.received(f.from, mail(urgent, 1));
  CHECK(f.box.take_dropped() == 10);
  CHECK(f.messages() == 100);
}

TEST_CASE("entries are bounded in bytes, but one envelope always fits an empty inbox", "[raftstore][inbox][bounds]") {
  fixture f;
  f.box.received(f.from, mail(normal, 1, 5000));
  f.box.received(f.from, mail(normal, 1, 10));
  CHECK(f.box.take_dropped() == 1);
  CHECK(f.messages() == 1);
  for (int i = 0; i < 5; ++i) f.box.received(f.from, mail(normal, 1, 600));
  CHECK(f.box.take_dropped() == 2);
}

TEST_CASE("entries under the name of a heartbeat do not escape the bound in bytes", "[raftstore][inbox][hostile]") {
  fixture f;
  for (int i = 0; i < 50; ++i) f.box.received(f.from, mail(urgent, 1, 900));
  CHECK(f.messages() <= 3);
}

TEST_CASE("completions and ticks are never dropped, calls are given back over their bound", "[raftstore][inbox][bounds]") {
  fixture f;
  for (int i = 0; i < 200; ++i) f.box.push(raftstore::batch_written{1, tinykv::done{}});
  int back = 0;
  for (int i = 0; i < 5; ++i)
    back += f.box.offer(raftstore::read_arrived<answer>{tinykv::group_id{1}, {}, [](tinykv::result<int>) {}}).has_value();
  CHECK(back == 2);
  CHECK(f.box.drain().size() == 203);
}
