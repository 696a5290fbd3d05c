#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/id.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/core/time.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tinykv::wire {

// What clients and servers say to each other, as values and as bytes (proto/tinykv/peer.proto), under the rules of
// wire/peer.hpp. A client hello is answered by a verdict.

/// How a client introduces itself.
struct client_hello {
  cluster_id cluster;  ///< The only one whose answers it wants; 0 = any.

  /// Equal iff the field is.
  friend bool operator==(client_hello, client_hello) = default;
};

/// One request.
struct call {
  std::uint64_t id = 0;      ///< Not 0; unique among the open calls of the connection.
  std::uint16_t method = 0;  ///< As in `policy::rpc_request`.
  duration patience{0};      ///< How long the caller still waits; not negative.
  bytes body;                ///< As in `policy::rpc_request`.

  /// Equal iff all fields are.
  friend bool operator==(call const&, call const&) = default;
};

/// What became of a call.
struct answer {
  std::uint64_t id = 0;       ///< Of the call.
  result<bytes> outcome;      ///< The reply, or why there is none.
};

/// The bytes of `v`.
std::string encode(client_hello v);
/// A client hello. `rejected` (version_mismatch) as for a store's.
result<client_hello> decode_client_hello(std::string_view data);

/// The bytes of `v`.
std::string encode(call const& v);
/// A call.
result<call> decode_call(std::string_view data);

/// The bytes of `v`.
std::string encode(answer const& v);
/// An answer.
result<answer> decode_answer(std::string_view data);

}  // namespace tinykv::wire
