#pragma once

#include <tinykv/wire/kv_values.hpp>
#include <tinykv/wire/proto/tinykv/errorpb.pb.h>
#include <tinykv/wire/proto/tinykv/kvrpcpb.pb.h>
#include <tinykv/wire/proto/tinykv/metapb.pb.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

// Between the parts of messages and the values of kv_values.hpp. For wire/impl/*.ipp alone.

namespace tinykv::wire::detail {

template <class Message>
bytes serialized(Message const& message) {
  return bytes::adopt(message.SerializeAsString());
}
template <class Message>
bool parse(Message& message, bytes const& body) {
  // Protobuf takes the size as an int; no frame is near that large, but a caller may be wrong.
  return body.size() < (std::size_t{1} << 30) && message.ParseFromArray(body.data(), static_cast<int>(body.size()));
}

inline std::optional<std::string> text_if(bool there, std::string const& text) {
  return there ? std::optional{text} : std::nullopt;
}

inline metapb::Peer to_message(region_peer const& peer) {
  metapb::Peer out;
  out.set_id(peer.peer.value);
  out.set_store_id(peer.store.value);
  out.set_role(static_cast<metapb::PeerRole>(peer.role));
  return out;
}
inline region_peer to_value(metapb::Peer const& peer) {
  // An unknown role is taken for one that is never counted.
  auto const role = metapb::PeerRole_IsValid(peer.role()) ? static_cast<peer_role>(peer.role()) : peer_role::learner;
  return {peer_id{peer.id()}, store_id{peer.store_id()}, role};
}

inline metapb::Region to_message(region const& r) {
  metapb::Region out;
  out.set_id(r.id.value);
  out.set_start_key(r.start);
  out.set_end_key(r.end);
  out.mutable_region_epoch()->set_conf_ver(r.epoch.conf_ver);
  out.mutable_region_epoch()->set_version(r.epoch.version);
  for (auto const& peer : r.peers) *out.add_peers() = to_message(peer);
  return out;
}
inline region to_value(metapb::Region const& r) {
  region_epoch const epoch{r.region_epoch().conf_ver(), r.region_epoch().version()};
  region out{group_id{r.id()}, r.start_key(), r.end_key(), epoch, {}};
  for (auto const& peer : r.peers()) out.peers.push_back(to_value(peer));
  return out;
}

inline void put(kvrpcpb::Context& out, request_context const& context) {
  out.set_region_id(context.region.value);
  if (context.epoch.conf_ver != 0 || context.epoch.version != 0) {
    out.mutable_region_epoch()->set_conf_ver(context.epoch.conf_ver);
    out.mutable_region_epoch()->set_version(context.epoch.version);
  }
  if (context.store != store_id{}) out.mutable_peer()->set_store_id(context.store.value);
}
inline request_context to_value(kvrpcpb::Context const& context) {
  return {group_id{context.region_id()},
          {context.region_epoch().conf_ver(), context.region_epoch().version()},
          store_id{context.peer().store_id()}};
}

inline void put(errorpb::Failure& out, failure const& why) {
  out.set_outcome(static_cast<std::uint32_t>(why.outcome));
  out.set_code(static_cast<std::uint32_t>(why.code));
  out.set_hint(why.hint);
  out.set_detail(why.detail);
}
/// An outcome that is not known is `unknown`: nothing was proved.
inline failure to_value(errorpb::Failure const& why) {
  auto const known = why.outcome() >= 1 && why.outcome() <= 4;
  auto const code = static_cast<error_code>(why.code() <= 0xffff ? why.code() : 0);
  return {known ? static_cast<outcome>(why.outcome()) : outcome::unknown, code, why.hint(), why.detail()};
}

/// The error as our own clients read it, and the nearest original one beside it (SAFETY.md §9).
inline errorpb::Error to_message(kv_refusal const& refused) {
  errorpb::Error out;
  auto const& why = refused.reason;
  out.set_message(why.detail.empty() ? std::string{name_of(why.code)} : why.detail);
  put(*out.mutable_failure(), why);
  // Only what was certainly not done may carry an error on which the original client repeats its request.
  out.set_outcome_unknown(why.outcome == outcome::unknown);
  if (why.outcome != outcome::rejected) return out;
  auto const current = refused.regions.empty() ? region{} : refused.regions.front();
  if (why.code == error_code::not_leader) {
    auto& leader = *out.mutable_not_leader();
    leader.set_region_id(current.id.value);
    if (why.hint != 0) {
      leader.mutable_leader()->set_store_id(why.hint);
      leader.mutable_leader()->set_address(refused.leader_address);
    }
  }
  if (why.code == error_code::epoch_mismatch) {
    auto& mismatch = *out.mutable_epoch_not_match();
    for (auto const& r : refused.regions) *mismatch.add_current_regions() = to_message(r);
  }
  if (why.code == error_code::key_not_in_region) {
    auto& other = *out.mutable_key_not_in_region();
    other.set_region_id(current.id.value);
    other.set_start_key(current.start);
    other.set_end_key(current.end);
  }
  if (why.code == error_code::not_found) out.mutable_region_not_found()->set_region_id(why.hint);
  if (why.code == error_code::stale_term) out.mutable_stale_command();
  return out;
}

inline kv_refusal to_value(errorpb::Error const& error) {
  kv_refusal out;
  if (error.has_not_leader()) out.leader_address = error.not_leader().leader().address();
  for (auto const& r : error.epoch_not_match().current_regions()) out.regions.push_back(to_value(r));
  if (error.has_failure()) {
    out.reason = to_value(error.failure());
    // A flag that contradicts is believed when it promises less.
    if (error.outcome_unknown()) out.reason.outcome = outcome::unknown;
  } else if (error.outcome_unknown()) {
    out.reason = unknown(error_code::deadline, error.message());
  } else if (error.has_not_leader()) {
    out.reason = rejected(error_code::not_leader, error.message(), error.not_leader().leader().store_id());
  } else if (error.has_epoch_not_match()) {
    out.reason = rejected(error_code::epoch_mismatch, error.message());
  } else if (error.has_key_not_in_region()) {
    out.reason = rejected(error_code::key_not_in_region, error.message());
  } else if (error.has_region_not_found() || error.has_store_not_match()) {
    out.reason = rejected(error_code::not_found, error.message());
  } else {
    // An original server says StaleCommand also of an entry that entered a log.
    out.reason = unknown(error.has_stale_command() ? error_code::leadership_lost : error_code::io, error.message());
  }
  return out;
}

}  // namespace tinykv::wire::detail
