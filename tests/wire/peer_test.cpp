#include <tinykv/wire/peer.hpp>

#include <tinykv/core/random.hpp>

#include "support/catch.hpp"

#include <limits>

using namespace tinykv;
using raft::entry_kind;
using raft::message_kind;
using raft::priority;

namespace {

wire::hello some_hello() {
  wire::hello v;
  v.from = {cluster_id{7}, store_id{2}, {}, consensus_kind::solo, {3, ~std::uint64_t{0}}};
  for (std::size_t i = 0; i < 16; ++i) v.from.uuid.octets[i] = static_cast<std::uint8_t>(250 + i);
  v.to = store_id{~std::uint64_t{0}};
  return v;
}

raft::message some_message(message_kind kind, std::uint64_t n = 1) {
  raft::message m;
  m.kind = kind;
  m.from = peer_id{n};
  m.to = peer_id{n + 1};
  m.term = term{n + 2};
  m.index = log_index{n + 3};
  m.log_term = term{n + 4};
  m.commit = log_index{n + 5};
  m.hint = log_index{n + 6};
  m.round = n + 7;
  m.read = read_id{n + 8};
  m.refused = n % 2 == 1;
  m.forced = n % 3 == 1;
  return m;
}
raft::message append(std::uint64_t index, std::vector<std::string> data) {
  auto m = some_message(message_kind::append);
  m.index = log_index{index};
  for (auto& each : data) {
    auto const kind = static_cast<entry_kind>(each.size() % 3);
    m.entries.push_back({log_index{++index}, term{each.size()}, kind, bytes::adopt(std::move(each))});
  }
  return m;
}
raft::group_snapshot piece(std::uint64_t n, std::size_t size) {
  raft::snapshot_message m{peer_id{n}, peer_id{n + 1}, term{n + 2}, n + 3, {log_index{n + 4}, term{n + 5}}, 1U << 20, n, {}};
  m.data = bytes::adopt(std::string(size, static_cast<char>('a' + n % 26)));
  return {group_id{n + 6}, m};
}
std::vector<raft::group_snapshot> decode_pieces(std::vector<std::string> const& mails, wire::mail_limits limits = {}) {
  std::vector<raft::group_snapshot> out;
  for (auto const& each : mails) {
    auto got = wire::decode_mail(priority::bulk, each, limits);
    REQUIRE(got);
    CHECK(got->priority == priority::bulk);
    for (auto& m : got->snapshots) out.push_back(std::move(m));
  }
  return out;
}
std::vector<raft::group_message> decode_all(priority of, std::vector<std::string> const& mails, wire::mail_limits limits = {}) {
  std::vector<raft::group_message> out;
  for (auto const& each : mails) {
    auto got = wire::decode_mail(of, each, limits);
    REQUIRE(got);
    CHECK(got->priority == of);
    for (auto& m : got->messages) out.push_back(std::move(m));
  }
  return out;
}

}  // namespace

TEST_CASE("a hello reads back", "[wire][peer]") {
  auto const v = some_hello();
  auto const back = wire::decode_hello(wire::encode(v));
  REQUIRE(back);
  CHECK(*back == v);
}

TEST_CASE("a hello of another protocol version is told apart from a malformed one", "[wire][peer]") {
  std::string const version_9{"\x08\x09"};  // protocol_version = 9, and none of the fields of today
  CHECK(wire::decode_hello(version_9).error() ==
        rejected(error_code::version_mismatch, "the other side speaks protocol version 9, this one 1", 9));
  CHECK(wire::decode_hello("").error().code == error_code::corrupt);
  CHECK(wire::decode_hello("\x08").error().code == error_code::corrupt);
}

TEST_CASE("a hello that leaves something out, or says what cannot be, is malformed", "[wire][peer]") {
  auto const refused = [](auto change) {
    auto v = some_hello();
    change(v);
    auto const got = wire::decode_hello(wire::encode(v));
    return !got && got.error().code == error_code::corrupt;
  };
  CHECK(refused([](auto& v) { v.from.cluster = {}; }));
  CHECK(refused([](auto& v) { v.from.store = {}; }));
  CHECK(refused([](auto& v) { v.to = {}; }));
  CHECK(refused([](auto& v) { v.from.start.epoch = 0; }));
  CHECK(refused([](auto& v) { v.from.consensus = static_cast<consensus_kind>(0); }));
  CHECK(refused([](auto& v) { v.from.consensus = static_cast<consensus_kind>(3); }));
  auto const whole = wire::encode(some_hello());
  auto const uuid = whole.find("\x2a\x10");  // field 5, 16 bytes
  REQUIRE(uuid != std::string::npos);
  auto shorter = whole;
  shorter[uuid + 1] = 15;
  shorter.erase(uuid + 2, 1);
  CHECK(wire::decode_hello(shorter).error().code == error_code::corrupt);
}

TEST_CASE("fields that a later program adds are passed over", "[wire][peer]") {
  auto const more = wire::encode(some_hello()) + "\xa2\x06\x03new";  // field 100
  REQUIRE(wire::decode_hello(more));
  CHECK(*wire::decode_hello(more) == some_hello());
}

TEST_CASE("a verdict reads back, with all fields of a refusal", "[wire][peer]") {
  auto const yes = wire::decode_verdict(wire::encode_verdict(std::nullopt));
  REQUIRE(yes);
  CHECK_FALSE(yes->has_value());
  auto const why = fatal(error_code::identity_refused, std::string{"caf\xe9 \0 x", 8}, ~std::uint64_t{0});  // not UTF-8
  auto const no = wire::decode_verdict(wire::encode_verdict(why));
  REQUIRE(no);
  CHECK(*no == why);
}

TEST_CASE("what is neither yes nor no is no verdict", "[wire][peer]") {
  CHECK_FALSE(wire::decode_verdict(""));                  // not accepted, and no reason
  CHECK_FALSE(wire::decode_verdict("\x08\x01\x12\x00"));  // accepted, with a reason
  CHECK_FALSE(wire::decode_verdict(std::string_view{"\x12\x04\x08\x00\x10\x01", 6}));  // outcome 0
  CHECK_FALSE(wire::decode_verdict("\x12\x04\x08\x05\x10\x01"));  // outcome 5
  CHECK_FALSE(wire::decode_verdict("\x12\x02\x08\x01"));  // no code
  auto const later = wire::decode_verdict("\x12\x05\x08\x01\x10\x90\x4e");  // a code of a later program
  REQUIRE(later);
  CHECK(static_cast<int>((*later)->code) == 10000);
}

TEST_CASE("every kind of message reads back with every field", "[wire][peer]") {
  raft::envelope v{priority::urgent, {}};
  for (int kind = 1; kind <= 12; ++kind) {
    v.messages.push_back({group_id{static_cast<std::uint64_t>(kind)}, some_message(static_cast<message_kind>(kind), 10)});
    v.messages.push_back({group_id{1}, some_message(static_cast<message_kind>(kind), ~std::uint64_t{0} - 9)});
  }
  auto const mails = wire::encode(v);
  CHECK(mails.size() == 1);
  CHECK(decode_all(priority::urgent, mails) == v.messages);
}

TEST_CASE("entries read back: none, empty ones, many, large ones", "[wire][peer]") {
  raft::envelope v;
  v.messages.push_back({group_id{1}, append(0, {})});
  v.messages.push_back({group_id{1}, append(7, {""})});
  v.messages.push_back({group_id{1}, append(7, {"", "a", "", std::string(1000, 'x'), "b", ""})});
  CHECK(decode_all(priority::normal, wire::encode(v)) == v.messages);
}

TEST_CASE("the entries of a message share one block of memory", "[wire][peer]") {
  auto const first = std::string(100, 'a');
  raft::envelope const v{priority::normal, {{group_id{1}, append(1, {first, std::string(101, 'b')})}}};
  auto const got = wire::decode_mail(priority::normal, wire::encode(v).at(0));
  REQUIRE(got);
  auto const& entries = got->messages.at(0).message.entries;
  CHECK(entries[1].data.data() == entries[0].data.data() + 100);
}

TEST_CASE("an envelope is cut into mails, in order, a message never", "[wire][peer][bounds]") {
  raft::envelope v;
  for (std::uint64_t n = 0; n < 50; ++n) v.messages.push_back({group_id{n + 1}, append(n, {std::string(n % 7 * 100, 'x')})});
  wire::mail_limits limits;
  limits.bytes_target = 1500;
  auto const by_bytes = wire::encode(v, limits);
  CHECK(by_bytes.size() > 5);
  for (auto const& each : by_bytes) CHECK(each.size() <= 1500);
  CHECK(decode_all(priority::bulk, by_bytes) == v.messages);

  limits = {};
  limits.messages_max = 7;
  auto const by_count = wire::encode(v, limits);
  CHECK(by_count.size() == 8);
  CHECK(decode_all(priority::bulk, by_count, limits) == v.messages);

  limits = {};
  limits.entries_max = 10;
  auto const by_entries = wire::encode(v, limits);
  CHECK(by_entries.size() == 5);
  CHECK(decode_all(priority::bulk, by_entries, limits) == v.messages);

  limits.bytes_target = 1;
  CHECK(wire::encode(v, limits).size() == 50);
  CHECK(wire::encode(raft::envelope{}).empty());
}

TEST_CASE("a mail above its counts is refused", "[wire][peer][bounds]") {
  raft::envelope v;
  for (std::uint64_t n = 0; n < 11; ++n) v.messages.push_back({group_id{1}, append(n, {"a", "b"})});
  auto const mail = wire::encode(v).at(0);
  wire::mail_limits limits;
  limits.messages_max = 10;
  CHECK(wire::decode_mail(priority::normal, mail, limits).error() ==
        rejected(error_code::too_large, "mail with more than messages_max messages", 10));
  limits.messages_max = 11;
  limits.entries_max = 21;
  CHECK(wire::decode_mail(priority::normal, mail, limits).error().code == error_code::too_large);
  limits.entries_max = 22;
  CHECK(wire::decode_mail(priority::normal, mail, limits));
  std::string many;
  for (int i = 0; i < 1000000; ++i) many += std::string_view{"\x0a\x00", 2};
  CHECK(wire::decode_mail(priority::normal, many).error().code == error_code::too_large);
}

TEST_CASE("a message that cannot be is malformed", "[wire][peer]") {
  auto const refused = [](auto change) {
    raft::envelope v{priority::normal, {{group_id{1}, append(5, {"data"})}}};
    change(v.messages[0]);
    auto const got = wire::decode_mail(priority::normal, wire::encode(v).at(0));
    return !got && got.error().code == error_code::corrupt;
  };
  CHECK_FALSE(refused([](auto&) {}));
  CHECK(refused([](auto& m) { m.group = {}; }));
  CHECK(refused([](auto& m) { m.message.from = {}; }));
  CHECK(refused([](auto& m) { m.message.to = {}; }));
  CHECK(refused([](auto& m) { m.message.kind = static_cast<message_kind>(0); }));
  CHECK(refused([](auto& m) { m.message.kind = static_cast<message_kind>(13); }));
  CHECK(refused([](auto& m) { m.message.kind = message_kind::heartbeat; }));  // with an entry
  CHECK(refused([](auto& m) { m.message.entries[0].kind = static_cast<entry_kind>(3); }));
  CHECK(refused([](auto& m) { m.message.index = log_index{std::numeric_limits<std::uint64_t>::max()}; }));
}

TEST_CASE("pieces of snapshots and their answers read back with every field", "[wire][peer][snapshot]") {
  auto const most = std::numeric_limits<std::uint64_t>::max();
  raft::envelope v{priority::bulk, {}};
  for (auto const size : {std::size_t{0}, std::size_t{1}, std::size_t{65536}}) v.snapshots.push_back(piece(10, size));
  auto last = piece(20, 100);
  last.message.size = most;
  last.message.offset = most - 100;  // ends with its file
  v.snapshots.push_back(last);
  auto answer = piece(30, 0);
  answer.message.answer = true;
  answer.message.offset = answer.message.size;
  v.snapshots.push_back(answer);
  answer.message.refused = true;
  answer.message.id = most;
  v.snapshots.push_back(answer);
  CHECK(decode_pieces(wire::encode(v)) == v.snapshots);
}

TEST_CASE("an envelope of pieces is cut into mails, in order, a piece never", "[wire][peer][snapshot][bounds]") {
  raft::envelope v{priority::bulk, {{group_id{1}, append(1, {"data"})}}};
  for (std::uint64_t n = 1; n <= 10; ++n) v.snapshots.push_back(piece(n, 65536));
  auto const mails = wire::encode(v);
  CHECK(mails.size() == 5);  // two pieces each, since three and their numbers are above 192 KiB
  for (auto const& each : mails) CHECK(each.size() <= 192U << 10);
  CHECK(decode_pieces(mails) == v.snapshots);
  CHECK(decode_all(priority::bulk, mails) == v.messages);
  wire::mail_limits limits;
  limits.messages_max = 3;
  limits.bytes_target = 1U << 30;
  CHECK(wire::encode(v, limits).size() == 4);
  CHECK(decode_pieces(wire::encode(v, limits), limits) == v.snapshots);
}

TEST_CASE("messages and pieces are counted together before one is made", "[wire][peer][snapshot][bounds]") {
  raft::envelope v{priority::bulk, {}};
  for (std::uint64_t n = 1; n <= 5; ++n) {
    v.messages.push_back({group_id{n}, append(n, {})});
    v.snapshots.push_back(piece(n, 1));
  }
  auto const mail = wire::encode(v).at(0);
  wire::mail_limits limits;
  limits.messages_max = 9;
  CHECK(wire::decode_mail(priority::bulk, mail, limits).error().code == error_code::too_large);
  limits.messages_max = 10;
  CHECK(wire::decode_mail(priority::bulk, mail, limits));
  std::string many;
  for (int i = 0; i < 1000000; ++i) many += std::string_view{"\x12\x00", 2};
  CHECK(wire::decode_mail(priority::bulk, many).error().code == error_code::too_large);
}

TEST_CASE("a piece of a snapshot that cannot be is malformed", "[wire][peer][snapshot]") {
  auto const most = std::numeric_limits<std::uint64_t>::max();
  auto const refused = [](auto change) {
    raft::envelope v{priority::bulk, {}, {piece(5, 100)}};
    change(v.snapshots[0]);
    auto const got = wire::decode_mail(priority::bulk, wire::encode(v).at(0));
    return !got && got.error().code == error_code::corrupt;
  };
  CHECK_FALSE(refused([](auto&) {}));
  CHECK(refused([](auto& s) { s.group = {}; }));
  CHECK(refused([](auto& s) { s.message.from = {}; }));
  CHECK(refused([](auto& s) { s.message.to = {}; }));
  CHECK(refused([](auto& s) { s.message.data = bytes::adopt(std::string(65537, 'x')); }));
  CHECK_FALSE(refused([](auto& s) { s.message.offset = s.message.size - 100; }));
  CHECK(refused([](auto& s) { s.message.offset = s.message.size - 99; }));
  CHECK(refused([](auto& s) { s.message.offset = s.message.size + 1; }));
  CHECK(refused([&](auto& s) { s.message.offset = most; }));       // where offset + size comes round to 99
  CHECK(refused([](auto& s) { s.message.answer = true; }));        // with data
  CHECK(refused([](auto& s) { s.message.refused = true; }));       // only an answer can
}

TEST_CASE("columns of entries that contradict each other are malformed", "[wire][peer]") {
  // group 1, append, from 1, to 2; then terms {1}, kinds {0}, sizes {n}, data
  auto const mail = [](std::string entries) {
    std::string message = "\x08\x01\x10\x05\x18\x01\x20\x02" + entries;
    return std::string{'\x0a', static_cast<char>(message.size())} + message;
  };
  auto const text = [](char const* data, std::size_t size) { return std::string{data, size}; };
  auto const terms = text("\x6a\x01\x01", 3), kinds = text("\x72\x01\x00", 3);
  auto const two = [](char size) { return std::string{'\x7a', 1, size}; };
  auto const data = text("\x82\x01\x02xy", 5);
  CHECK(wire::decode_mail(priority::normal, mail(terms + kinds + two(2) + data)));
  for (auto const& wrong : {terms + kinds + two(1) + data, terms + kinds + two(3) + data, terms + kinds + two(2), terms + kinds + data,
                            terms + two(2) + data, kinds + two(2) + data, data,
                            terms + terms + kinds + kinds + text("\x7a\x0b\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13) + data})
    CHECK(wire::decode_mail(priority::normal, mail(wrong)).error().code == error_code::corrupt);
}

TEST_CASE("no bytes make a decoder do anything but answer", "[wire][peer][fuzz]") {
  raft::envelope v;
  for (std::uint64_t n = 0; n < 5; ++n) v.messages.push_back({group_id{1}, append(n, {"alpha", "", "beta"})});
  std::vector<std::string> const seeds{wire::encode(some_hello()), wire::encode_verdict(rejected(error_code::busy, "why")),
                                       wire::encode(v).at(0), wire::encode(raft::envelope{priority::bulk, {}, {piece(1, 20), piece(2, 0)}}).at(0)};
  tinykv::random draw{1};
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    auto data = seeds[draw.below(seeds.size())];
    for (auto changes = draw.between(1, 4); changes > 0; --changes) {
      auto const at = draw.below(data.size());
      auto const how = draw.below(3);
      if (how == 0) data[at] = static_cast<char>(draw.next());
      else if (how == 1) data.resize(at + 1);
      else data.insert(at, 1, static_cast<char>(draw.next()));
    }
    if (auto const got = wire::decode_hello(data)) ++accepted;
    if (auto const got = wire::decode_verdict(data)) ++accepted;
    if (auto const got = wire::decode_mail(priority::normal, data)) {
      ++accepted;
      for (auto const& m : got->messages) {
        auto index = m.message.index;
        for (auto const& e : m.message.entries) CHECK(e.index == ++index);
      }
      for (auto const& s : got->snapshots) CHECK(s.message.data.size() <= s.message.size - s.message.offset);
    }
  }
  CHECK(accepted > 100);
}
