#pragma once

#include <tinykv/wire/kv_values.hpp>
#include <tinykv/wire/methods.hpp>

// The bodies are compiled once, with the generated code, into tinykv::wire: this header knows nothing of Protobuf.

namespace tinykv::wire {

/// A request as it travels.
struct kv_call {
  wire::method method = wire::method::raw_get;  ///< Which message.
  bytes body;                                   ///< The message.
};

/// The message for `request`; the smallest that can say it.
kv_call encode(kv_request const& request);

/// Writes in a batch that are read at most: a bound of memory, above any `kv_limits::writes_max` in use.
inline constexpr std::size_t batch_fields_max = 65536;

/// Reads a request. `rejected`: not_supported for a method that is not known, invalid_argument for a malformed message or a
/// column family other than the one raw data have, too_large for a batch above `batch_fields_max`.
result<kv_request> decode_request(std::uint16_t method, bytes const& body);

/// The message that answers a request of `method`. Precondition: the reply is of the kind that the method asks for.
bytes encode_answer(wire::method method, kv_answer const& answer);

/// Reads an answer to a request of `method`. A malformed one is a refusal `unknown` (corrupt): the request was sent. One
/// with an error that says neither what was done nor what was not is `unknown` as well (SAFETY.md §9).
kv_answer decode_answer(wire::method method, bytes const& body);

}  // namespace tinykv::wire
