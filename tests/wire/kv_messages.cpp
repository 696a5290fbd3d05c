#include <tinykv/wire/kv_messages.hpp>

#include "support/catch.hpp"

#include <tinykv/core/random.hpp>

using namespace tinykv;
using namespace tinykv::wire;

namespace {

request_context const somewhere{group_id{7}, {2, 3}, store_id{4}};

std::vector<std::pair<method, kv_request>> requests() {
  std::string const binary("\0\xff\n", 3);
  return {
      {method::raw_get, get_request{somewhere, binary}},
      {method::raw_get, get_request{{}, "k"}},
      {method::raw_put, write_request{somewhere, {{"k", "v", false, {}}}}},
      {method::raw_put, write_request{{}, {{"k", "", false, {}}}}},
      {method::raw_delete, write_request{somewhere, {{"k", {}, false, {}}}}},
      {method::raw_compare_and_set, write_request{somewhere, {{"k", "v", true, "old"}}}},
      {method::raw_compare_and_set, write_request{somewhere, {{"k", "", true, ""}}}},
      {method::raw_compare_and_set, write_request{somewhere, {{"k", {}, true, {}}}}},
      {method::raw_batch, write_request{somewhere, {{"k", "v", false, {}}, {"l", {}, false, {}}, {"m", "x", true, ""}}}},
      {method::raw_scan, scan_request{somewhere, "a", "z", "p", 10, 1000, true, true}},
      {method::raw_scan, scan_request{}},
      {method::status, status_request{}},
  };
}

status_reply a_status() {
  group_status group{group_id{1}, "leader",      term{7},       store_id{2},   "h:1", log_index{1}, log_index{9},
                     log_index{8}, log_index{7}, log_index{6}, {{peer_id{1}, store_id{1}, peer_role::demoting}}, fatal(error_code::machine_failed, "threw")};
  return {cluster_id{1}, store_id{2}, "ab", 3, "h:2", "0.1", fatal(error_code::io, "gone"), {group},
          {{store_id{3}, rejected(error_code::identity_refused, "another uuid")}}};
}

std::vector<std::pair<method, kv_reply>> replies() {
  return {
      {method::raw_get, get_reply{"v", log_index{5}}},
      {method::raw_get, get_reply{"", log_index{5}}},
      {method::raw_get, get_reply{{}, log_index{5}}},
      {method::raw_put, write_reply{}},
      {method::raw_delete, write_reply{}},
      {method::raw_batch, write_reply{}},
      {method::raw_batch, write_reply{false, {}}},
      {method::raw_compare_and_set, write_reply{}},
      {method::raw_compare_and_set, write_reply{false, "other"}},
      {method::raw_compare_and_set, write_reply{false, ""}},
      {method::raw_compare_and_set, write_reply{false, {}}},
      {method::raw_scan, scan_reply{{{"a", "1"}, {"b", ""}}, true, log_index{9}}},
      {method::status, a_status()},
      {method::status, status_reply{}},
  };
}

method const all_methods[] = {method::raw_get,   method::raw_put,             method::raw_delete, method::raw_scan,
                              method::raw_batch, method::raw_compare_and_set, method::status};

}  // namespace

TEST_CASE("each request travels as the message of its method and comes back", "[wire][kv]") {
  for (auto const& [method, request] : requests()) {
    auto const call = encode(request);
    CHECK(call.method == method);
    auto const back = decode_request(static_cast<std::uint16_t>(call.method), call.body);
    REQUIRE(back);
    CHECK(*back == request);
  }
}

TEST_CASE("each reply comes back, absent and empty values told apart", "[wire][kv]") {
  for (auto const& [method, reply] : replies()) {
    auto const back = decode_answer(method, encode_answer(method, reply));
    REQUIRE(back);
    CHECK(*back == reply);
  }
}

TEST_CASE("fields have the numbers of the original protocol", "[wire][kv]") {
  // RawPutRequest{context = 1 {}, key = 2, value = 3}, RawGetResponse{value = 3}, written by hand.
  auto const put = decode_request(2, bytes::copy_of("\x12\x01k\x1a\x01v"));
  REQUIRE(put);
  CHECK(std::get<write_request>(*put) == write_request{{}, {{"k", "v", false, {}}}});
  auto const get = decode_answer(method::raw_get, bytes::copy_of("\x1a\x01v"));
  CHECK(std::get<get_reply>(*get).value == "v");
  auto const missing = decode_answer(method::raw_get, bytes::copy_of(std::string_view{"\x20\x01", 2}));
  CHECK(std::get<get_reply>(*missing).value == std::nullopt);
  auto const scan = decode_request(4, bytes::copy_of("\x12\x01" "a\x18\x05"));
  CHECK(std::get<scan_request>(*scan).limit == 5);
}

TEST_CASE("raw data have the default column family and no other", "[wire][kv]") {
  CHECK(decode_request(1, bytes::copy_of("\x12\x01k\x1a\x07" "default")));
  auto const lock = decode_request(1, bytes::copy_of("\x12\x01k\x1a\x04lock"));
  REQUIRE_FALSE(lock);
  CHECK(lock.error().code == error_code::invalid_argument);
}

TEST_CASE("a failure reaches the client as it was, with what helps it on", "[wire][kv]") {
  region const known{group_id{1}, "a", "b", {2, 3}, {{peer_id{4}, store_id{5}, peer_role::learner}}};
  kv_refusal const refusals[] = {
      {rejected(error_code::not_leader, "ask store 3", 3), "host:3", {}},
      {rejected(error_code::not_leader, "no leader"), "", {}},
      {rejected(error_code::epoch_mismatch, "changed"), "", {known}},
      {rejected(error_code::key_not_in_region, "elsewhere"), "", {}},
      {rejected(error_code::busy, "full", 99), "", {}},
      {unknown(error_code::deadline, "too late"), "", {}},
      {unknown(error_code::leadership_lost, ""), "", {}},
      {fatal(error_code::machine_failed, "fenced"), "", {}},
  };
  for (auto const method : all_methods)
    for (auto const& refused : refusals) {
      auto const back = decode_answer(method, encode_answer(method, unexpected{refused}));
      REQUIRE_FALSE(back);
      CHECK(back.error() == refused);
    }
}

TEST_CASE("an answer without proof that nothing was done is unknown", "[wire][kv]") {
  auto const outcome_of = [](std::string_view body) { return decode_answer(method::raw_put, bytes::copy_of(body)).error().reason.outcome; };
  CHECK(outcome_of("\x12\x04oops") == outcome::unknown);                 // error = "oops"
  CHECK(outcome_of("\x0a\x06\x0a\x04oops") == outcome::unknown);        // region_error.message
  CHECK(outcome_of(std::string_view{"\x0a\x02\x3a\x00", 4}) == outcome::unknown);   // stale_command: it was in a log
  CHECK(outcome_of(std::string_view{"\x0a\x02\x12\x00", 4}) == outcome::rejected);  // not_leader: refused before
  // not_leader beside outcome_unknown (field 1000): the flag that promises less is believed.
  CHECK(outcome_of(std::string_view{"\x0a\x05\x12\x00\xc0\x3e\x01", 7}) == outcome::unknown);
  CHECK(outcome_of("garbage") == outcome::unknown);
}

TEST_CASE("a method or message that is not known is refused", "[wire][kv]") {
  CHECK(decode_request(999, {}).error().code == error_code::not_supported);
  CHECK(decode_request(2, bytes::copy_of("\x12\x7fk")).error().code == error_code::invalid_argument);
}

TEST_CASE("a batch of more writes than are ever admitted is refused before they take memory", "[wire][kv]") {
  std::string body;
  for (std::size_t i = 0; i < batch_fields_max; ++i) body += std::string_view{"\xc2\x3e\x00", 3};  // an empty write
  auto const method = static_cast<std::uint16_t>(method::raw_batch);
  auto const all = decode_request(method, bytes::copy_of(body));
  REQUIRE(all.has_value());
  CHECK(std::get<write_request>(*all).writes.size() == batch_fields_max);
  body += std::string_view{"\xc2\x3e\x00", 3};
  CHECK(decode_request(method, bytes::copy_of(body)).error().code == error_code::too_large);
}

TEST_CASE("changed bytes are refused or read, never worse", "[wire][kv]") {
  tinykv::random dice{3};
  for (int round = 0; round < 300; ++round) {
    for (auto const& [method, request] : requests()) {
      auto body = encode(request).body.str();
      if (body.empty()) continue;
      body[dice.below(body.size())] = static_cast<char>(dice.next());
      (void)decode_request(static_cast<std::uint16_t>(method), bytes::copy_of(body));
    }
    for (auto const& [method, reply] : replies()) {
      auto body = encode_answer(method, reply).str();
      if (body.empty()) continue;
      body[dice.below(body.size())] = static_cast<char>(dice.next());
      (void)decode_answer(method, bytes::copy_of(body));
    }
  }
}
