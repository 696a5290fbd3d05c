#pragma once

#include <tinykv/core/result.hpp>

#include <tinykv/wire/proto/tinykv/peer.pb.h>

#include <cstddef>
#include <string>

// Shared by the bodies of peer.ipp and rpc.ipp.
namespace tinykv::wire::detail {

/// Longer texts are cut: they are for people.
inline constexpr std::size_t failure_detail_bytes_max = 4096;

inline failure malformed(char const* what) { return rejected(error_code::corrupt, what); }

inline failure other_version(std::uint32_t theirs, std::uint32_t ours) {
  return rejected(error_code::version_mismatch,
                  "the other side speaks protocol version " + std::to_string(theirs) + ", this one " + std::to_string(ours),
                  theirs);
}

inline void fill(peerpb::Failure& out, failure const& from) {
  out.set_outcome(static_cast<std::uint32_t>(from.outcome));
  out.set_code(static_cast<std::uint32_t>(from.code));
  out.set_hint(from.hint);
  out.set_detail(from.detail.substr(0, failure_detail_bytes_max));
}

/// Into `out`; false when it is none. Codes that a newer program added are kept as numbers.
inline bool read_failure(peerpb::Failure const& from, failure& out) {
  if (from.outcome() < static_cast<std::uint32_t>(outcome::rejected) || from.outcome() > static_cast<std::uint32_t>(outcome::fatal))
    return false;
  if (from.code() == 0 || from.code() > 0xffff) return false;
  out.outcome = static_cast<outcome>(from.outcome());
  out.code = static_cast<error_code>(from.code());
  out.hint = from.hint();
  out.detail = from.detail().substr(0, failure_detail_bytes_max);
  return true;
}

template <class Message>
bool parse(Message& out, std::string_view data) {
  return data.size() <= 0x7fffffff && out.ParseFromArray(data.data(), static_cast<int>(data.size()));
}

}  // namespace tinykv::wire::detail
