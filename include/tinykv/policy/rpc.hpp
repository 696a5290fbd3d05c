#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/core/task.hpp>
#include <tinykv/core/time.hpp>

#include <concepts>
#include <cstdint>
#include <string>

namespace tinykv::policy {

/// A call: which method, and its encoded request.
struct rpc_request {
  std::uint16_t method = 0;  ///< What the two sides agreed on; the numbers of tinykv's programs are in wire/.
  bytes body;                ///< Opaque to the model.
};

/// Takes the answer of a call: the encoded reply, or why there is none.
using rpc_reply = unique_function<void(result<bytes>)>;

/// Answers calls: is given the request, the time that the caller will wait, and where the answer goes. `reply` is called
/// at most once, from the home lane; not calling it lets the caller's deadline pass.
using rpc_handler = unique_function<void(rpc_request request, duration patience, rpc_reply reply)>;

/// Carries requests of clients: one request, at most one reply, then a deadline.
///
/// The model promises:
///  1. `call` never blocks and never throws; its `reply` is called exactly once, on the home lane, not inside `call`: with
///     the answer, with the failure that the handler answered (all fields of it), or with the model's own:
///     `rejected` (unreachable, too_large) when the request certainly did not reach a handler, `unknown` (deadline,
///     unreachable) when it may have.
///  2. A request reaches the handler once or not at all; a reply is matched to its request.
///  3. After `stop()` no handler runs; open calls are answered `unknown` (stopped).
/// The caller promises:
///  4. `serve` at most once. A side that only calls need not serve.
template <class R>
concept Rpc = std::movable<R> && requires(R& rpc, std::string const& endpoint, rpc_request request, duration deadline,
                                          rpc_reply reply, rpc_handler handler) {
  { rpc.serve(std::move(handler)) } -> std::same_as<result<done>>;
  { rpc.call(endpoint, std::move(request), deadline, std::move(reply)) } noexcept;
  { rpc.stop() } noexcept;
};

}  // namespace tinykv::policy
