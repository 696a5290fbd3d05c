#pragma once

#include <tinykv/core/identity.hpp>
#include <tinykv/core/result.hpp>
#include <tinykv/raft/values/envelope.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinykv::wire {

// What stores say to each other, as values and as bytes (proto/tinykv/peer.proto). Decoders take bytes that nobody
// vouches for: they answer `rejected` (corrupt) to what no encoder of this library makes, and bound counts before they
// take memory. They are pure, and may be called from any thread.

/// The version of everything that travels between processes, written in each hello. Raised when an older program would
/// misread a newer one.
inline constexpr std::uint32_t protocol_version = 1;

/// How a store introduces itself to one that it dials.
struct hello {
  store_identity from;  ///< Who speaks.
  store_id to;          ///< Whom it takes the other side for.

  /// Equal iff both fields are.
  friend bool operator==(hello const&, hello const&) = default;
};

/// The bounds of one mail.
struct mail_limits {
  std::size_t bytes_target = 192U << 10;  ///< An envelope is cut into mails of about this size, a message never.
  std::size_t messages_max = 8192;        ///< Messages and pieces of snapshots in a mail.
  std::size_t entries_max = 65536;        ///< Entries in all messages of a mail.
};

/// The bytes of `v`.
std::string encode(hello const& v);
/// A hello. `rejected` (version_mismatch) when the sender speaks another version, which `hint` names; the other fields
/// are not looked at then.
result<hello> decode_hello(std::string_view data);

/// The answer to a hello: no refusal = accepted.
std::string encode_verdict(std::optional<failure> const& refusal);
/// What a hello was answered.
result<std::optional<failure>> decode_verdict(std::string_view data);

/// The bytes of `v`'s messages and pieces of snapshots, in order, in as many mails as the limits ask for; none for an empty envelope. The priority
/// travels in the frames. A message may exceed `bytes_target`, and alone `entries_max`: its receiver then refuses it.
std::vector<std::string> encode(raft::envelope const& v, mail_limits const& limits = {});
/// An envelope. The data of a message's entries share one block.
result<raft::envelope> decode_mail(raft::priority priority, std::string_view data, mail_limits const& limits = {});

}  // namespace tinykv::wire
