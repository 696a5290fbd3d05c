#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/wire/admin_values.hpp>
#include <tinykv/wire/methods.hpp>

// The bodies are compiled once, with the generated code, into tinykv::wire: this header knows nothing of Protobuf.

namespace tinykv::wire {

/// A request as it travels.
struct admin_call {
  admin_method method = admin_method::show_region;  ///< Which message.
  bytes body;                                       ///< The message.
};

/// The message for `request`.
admin_call encode(admin_request const& request);

/// Reads a request. `rejected`: not_supported for a method that is none of `admin_method`, invalid_argument for a malformed
/// message, one that leaves out what it must name, or an address above its bound.
result<admin_request> decode_admin_request(std::uint16_t method, bytes const& body);

/// The message that answers a request of `method`. Precondition: the reply is of the kind that the method asks for.
bytes encode_admin_answer(admin_method method, admin_answer const& answer);

/// Reads an answer to a request of `method`. A malformed one is a refusal `unknown` (corrupt): the request was sent.
admin_answer decode_admin_answer(admin_method method, bytes const& body);

}  // namespace tinykv::wire
