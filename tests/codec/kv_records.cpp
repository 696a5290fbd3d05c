#include <tinykv/codec/kv_records.hpp>

#include "support/catch.hpp"

using namespace tinykv;

TEST_CASE("meta keys are those of the specification", "[codec][kv_records]") {
  CHECK(codec::applied_key(group_id{0x0102}) == std::string("\x01\x02\0\0\0\0\0\0\x01\x02\x03", 11));
  CHECK(codec::region_key(group_id{0x0102}) == std::string("\x01\x03\0\0\0\0\0\0\x01\x02\x01", 11));
}

TEST_CASE("an applied position comes back, and a later extension of it is passed over", "[codec][kv_records]") {
  position const at{log_index{300}, term{7}};
  auto const data = codec::encode_applied(at);
  CHECK(*codec::decode_applied(data) == at);
  CHECK(*codec::decode_applied(data + "later") == at);
  for (std::size_t n = 0; n < data.size(); ++n) CHECK(codec::decode_applied(data.substr(0, n)).error().outcome == outcome::fatal);
  CHECK(codec::decode_applied("\x02" + data.substr(1)).error().code == error_code::version_mismatch);
}

TEST_CASE("a region comes back with range, epoch, peers and state", "[codec][kv_records]") {
  codec::region_record const record{
      region_state::applying,
      {group_id{9}, "a", std::string("b\0c", 3), {4, 5},
       {{peer_id{1}, store_id{2}, peer_role::voter}, {peer_id{3}, store_id{4}, peer_role::learner}}}};
  auto const data = codec::encode_region(record);
  CHECK(*codec::decode_region(data) == record);
  CHECK(*codec::decode_region(data + "later") == record);
  for (std::size_t n = 0; n < data.size(); ++n) CHECK_FALSE(codec::decode_region(data.substr(0, n)));
  auto odd = data;
  odd[1] = '\x04';  // no such state
  CHECK_FALSE(codec::decode_region(odd));
}

TEST_CASE("a stored raw value is never empty, so that empty and absent differ in every engine", "[codec][kv_records]") {
  auto const stored = codec::encode_raw("key", "");
  CHECK(stored.key.view() == "key");
  CHECK(stored.value.size() == 1);
  CHECK(codec::decode_raw(stored.value)->empty());
  CHECK(*codec::decode_raw(codec::encode_raw("k", std::string_view{"\0v", 2}).value) == std::string_view{"\0v", 2});
  CHECK_FALSE(codec::decode_raw(""));
  CHECK_FALSE(codec::decode_raw("\x01v"));
}
