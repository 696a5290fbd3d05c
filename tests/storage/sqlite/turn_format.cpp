#include <tinykv/storage/sqlite/detail/turn_format.hpp>

#include <tinykv/core/random.hpp>
#include <tinykv/storage/sqlite/detail/turn_directory.hpp>

#include "support/catch.hpp"

using namespace tinykv;
using namespace tinykv::storage::detail;

TEST_CASE("a turn is read as it was written", "[storage][sqlite][format]") {
  turn_writer out{7};
  out.add(record_kind::drop, group_id{1}, {}, {});
  out.add(record_kind::entries, group_id{2}, log_index{5}, "payload");
  auto const last = out.add(record_kind::store, {}, {}, std::string(1000, '\0'));
  auto const body = std::move(out).finish(3);
  auto const got = read_turn(7, body);
  REQUIRE(got);
  CHECK(got->first == 3);
  REQUIRE(got->records.size() == 3);
  CHECK(got->records[1].kind == record_kind::entries);
  CHECK(got->records[1].group == group_id{2});
  CHECK(got->records[1].index == log_index{5});
  CHECK(got->records[1].payload == "payload");
  CHECK(got->records[2].offset == last.offset);
  CHECK(got->records[2].size == last.size);
  CHECK(body.size() == last.offset + last.size);
}

TEST_CASE("the first bytes of a stored turn stay what they are", "[storage][sqlite][format]") {
  turn_writer out{1};
  out.add(record_kind::hard_state, group_id{2}, log_index{3}, "\x04\x05\x03");
  auto const body = std::move(out).finish(1);
  std::string hex;
  for (auto const c : body) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  // The sums were computed by another program.
  CHECK(hex == "2c000000" "0100000000000000" "33eb4cbb"                                         // size, first, sum
               "04" "0200000000000000" "0300000000000000" "03000000" "f0af7905" "040503");      // the record
}

TEST_CASE("a turn with a flipped bit, cut short, longer, or under another number is no turn", "[storage][sqlite][format]") {
  turn_writer out{7};
  out.add(record_kind::entries, group_id{2}, log_index{5}, "some payload");
  out.add(record_kind::hard_state, group_id{2}, log_index{5}, "state");
  auto const body = std::move(out).finish(3);
  REQUIRE(read_turn(7, body));
  CHECK(!read_turn(8, body));
  for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
    auto rotten = body;
    rotten[bit / 8] = static_cast<char>(rotten[bit / 8] ^ (1 << bit % 8));
    CHECK(!read_turn(7, rotten));
  }
  for (std::size_t size = 0; size < body.size(); ++size) CHECK(!read_turn(7, body.substr(0, size)));
  CHECK(!read_turn(7, body + '\0'));
  CHECK(!read_turn(7, body + body.substr(turn_header_size)));
}

TEST_CASE("records that are summed well but malformed are refused, whatever they hold", "[storage][sqlite][format]") {
  tinykv::random dice{5};
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string payload;
    for (auto n = dice.below(12); n > 0; --n) payload += static_cast<char>(dice.chance(300) ? dice.below(4) : dice.below(256));
    record r{static_cast<record_kind>(dice.between(1, 6)), group_id{1}, log_index{dice.chance(500) ? dice.below(3) : ~dice.below(3)},
             turn_header_size, 25, payload};
    turn_directory directory;
    directory.add_row(1, 100);
    if (!fold(directory, 1, r)) {
      ++refused;
      continue;
    }
    for (auto const& [group, places] : directory.groups()) {
      (void)places.whole();
      for (auto const& [first, e] : places.extents) CHECK((first == e.first && e.first <= e.last && e.count > 0));
    }
  }
  CHECK(refused > 5'000);
}
