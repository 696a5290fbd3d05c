#pragma once

#include <cstdint>

namespace tinykv::wire {

/// What a request asks for: the number in `policy::rpc_request::method`. Sent: never renumber; below 1000 are the methods
/// of the original protocol (spec 6.1), our own begin there.
enum class method : std::uint16_t {
  raw_get = 1,                 ///< RawGetRequest.
  raw_put = 2,                 ///< RawPutRequest.
  raw_delete = 3,              ///< RawDeleteRequest.
  raw_scan = 4,                ///< RawScanRequest.
  raw_compare_and_set = 1000,  ///< RawCompareAndSetRequest.
  raw_batch = 1001,            ///< RawBatchRequest.
  status = 1002,               ///< StatusRequest.
};

/// What one who runs a cluster asks for; in the same field, beside `method`. Sent: never renumber.
enum class admin_method : std::uint16_t {
  show_region = 1100,  ///< ShowRegionRequest.
  transfer = 1101,     ///< TransferRequest.
  add_peer = 1102,     ///< AddPeerRequest.
  remove_peer = 1103,  ///< RemovePeerRequest.
};

/// True iff `number` is one of `admin_method`.
constexpr bool is_admin(std::uint16_t number) {
  return number >= static_cast<std::uint16_t>(admin_method::show_region) && number <= static_cast<std::uint16_t>(admin_method::remove_peer);
}

}  // namespace tinykv::wire
