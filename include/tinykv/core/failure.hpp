#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tinykv {

/// What the caller may do after a failure (DESIGN.md §5.1, SAFETY.md §9).
enum class outcome : std::uint8_t {
  rejected = 1,  ///< Certainly not done: correct the request and send it again.
  unknown = 2,   ///< Maybe done, maybe later: look first, then repeat.
  conflict = 3,  ///< Decided: no. Repeating it unchanged gives the same answer.
  fatal = 4,     ///< The replica or store must stop; nothing it has is to be trusted further.
};

/// Why. Numbers travel on the wire and in logs of users: add, never renumber.
enum class error_code : std::uint16_t {
  invalid_argument = 1,   ///< Malformed, empty, too large, out of range.
  not_leader = 2,         ///< Ask the peer in `hint` (its store id), or any other when it is 0.
  busy = 3,               ///< A named bound is reached; wait and repeat.
  deadline = 4,           ///< The caller's time is over.
  stale_term = 5,         ///< The term expected by the caller is over.
  leadership_lost = 6,    ///< The leader stepped down after the entry entered a log.
  stopped = 7,            ///< The node was stopped or destroyed.
  not_found = 8,          ///< No such group, store, key or file.
  epoch_mismatch = 9,     ///< The region has changed since the caller looked.
  key_not_in_region = 10, ///< The key belongs to another region.
  compare_failed = 11,    ///< A compare-and-set found another value.
  io = 12,                ///< The operating system or the database reported an error.
  corrupt = 13,           ///< Stored or received bytes are not what was written.
  foreign = 14,           ///< The data belong to another cluster, store, program or version.
  identity_refused = 15,  ///< Another store refuses this one (uuid, epoch, cluster or store id).
  version_mismatch = 16,  ///< The other side speaks another protocol version.
  unreachable = 17,       ///< No connection.
  too_large = 18,         ///< A frame, key, value or batch above its named bound.
  not_supported = 19,     ///< This composition does not offer the operation.
  disk_full = 20,         ///< No space left; what was acknowledged is safe.
  canceled = 21,          ///< The caller gave up.
  machine_failed = 22,    ///< The state machine threw or reported an error: its replica is fenced.
  locked = 23,            ///< Another process uses the directory, file or port.
};

/// The stable name of `code`, as printed by programs and used in metrics.
constexpr std::string_view name_of(error_code code) {
  switch (code) {
    case error_code::invalid_argument: return "invalid_argument";
    case error_code::not_leader: return "not_leader";
    case error_code::busy: return "busy";
    case error_code::deadline: return "deadline";
    case error_code::stale_term: return "stale_term";
    case error_code::leadership_lost: return "leadership_lost";
    case error_code::stopped: return "stopped";
    case error_code::not_found: return "not_found";
    case error_code::epoch_mismatch: return "epoch_mismatch";
    case error_code::key_not_in_region: return "key_not_in_region";
    case error_code::compare_failed: return "compare_failed";
    case error_code::io: return "io";
    case error_code::corrupt: return "corrupt";
    case error_code::foreign: return "foreign";
    case error_code::identity_refused: return "identity_refused";
    case error_code::version_mismatch: return "version_mismatch";
    case error_code::unreachable: return "unreachable";
    case error_code::too_large: return "too_large";
    case error_code::not_supported: return "not_supported";
    case error_code::disk_full: return "disk_full";
    case error_code::canceled: return "canceled";
    case error_code::machine_failed: return "machine_failed";
    case error_code::locked: return "locked";
  }
  return "unlisted";
}

/// The stable name of `what`.
constexpr std::string_view name_of(outcome what) {
  switch (what) {
    case outcome::rejected: return "rejected";
    case outcome::unknown: return "unknown";
    case outcome::conflict: return "conflict";
    case outcome::fatal: return "fatal";
  }
  return "unlisted";
}

/// An operation that did not succeed.
struct failure {
  tinykv::outcome outcome = outcome::rejected;         ///< What the caller may do.
  error_code code = error_code::invalid_argument;      ///< Why.
  std::uint64_t hint = 0;                              ///< By code: the leader's store id, a bound, an errno; 0 = none.
  std::string detail;                                  ///< One line for people: what happened and what to do next.

  /// Equal iff all fields are.
  friend bool operator==(failure const&, failure const&) = default;
};

/// Certainly not done.
inline failure rejected(error_code code, std::string detail = {}, std::uint64_t hint = 0) {
  return {outcome::rejected, code, hint, std::move(detail)};
}
/// Maybe done.
inline failure unknown(error_code code, std::string detail = {}, std::uint64_t hint = 0) {
  return {outcome::unknown, code, hint, std::move(detail)};
}
/// Decided: no.
inline failure conflict(error_code code, std::string detail = {}, std::uint64_t hint = 0) {
  return {outcome::conflict, code, hint, std::move(detail)};
}
/// Stop.
inline failure fatal(error_code code, std::string detail = {}, std::uint64_t hint = 0) {
  return {outcome::fatal, code, hint, std::move(detail)};
}

}  // namespace tinykv
