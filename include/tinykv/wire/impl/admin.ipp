#pragma once

#include <tinykv/raft/values/membership.hpp>
#include <tinykv/wire/admin_messages.hpp>
#include <tinykv/wire/impl/kv_conversions.hpp>

#include <tinykv/wire/proto/tinykv/adminpb.pb.h>

#include <type_traits>

namespace tinykv::wire {

namespace detail {

inline void put(adminpb::PeerName& out, peer_name const& from) {
  out.set_peer_id(from.peer.value);
  out.set_store_id(from.store.value);
}
inline peer_name to_value(adminpb::PeerName const& m) { return {peer_id{m.peer_id()}, store_id{m.store_id()}}; }
/// One of both names is given.
inline bool is_name(peer_name const& name) { return (name.peer == peer_id{}) != (name.store == store_id{}); }

inline admin_call call_of(show_region_request const& r) {
  adminpb::ShowRegionRequest out;
  out.set_region_id(r.region.value);
  out.set_local(r.local);
  return {admin_method::show_region, serialized(out)};
}
inline admin_call call_of(transfer_request const& r) {
  adminpb::TransferRequest out;
  out.set_region_id(r.region.value);
  put(*out.mutable_to(), r.to);
  return {admin_method::transfer, serialized(out)};
}
inline admin_call call_of(add_peer_request const& r) {
  adminpb::AddPeerRequest out;
  out.set_region_id(r.region.value);
  out.set_peer_id(r.peer.value);
  out.set_store_id(r.store.value);
  out.set_address(r.address);
  out.set_learner(r.learner);
  return {admin_method::add_peer, serialized(out)};
}
inline admin_call call_of(remove_peer_request const& r) {
  adminpb::RemovePeerRequest out;
  out.set_region_id(r.region.value);
  put(*out.mutable_peer(), r.peer);
  return {admin_method::remove_peer, serialized(out)};
}

inline admin_request to_value(adminpb::ShowRegionRequest const& m) {
  return show_region_request{group_id{m.region_id()}, m.local() || m.region_id() == 0};
}
inline admin_request to_value(adminpb::TransferRequest const& m) { return transfer_request{group_id{m.region_id()}, to_value(m.to())}; }
inline admin_request to_value(adminpb::AddPeerRequest const& m) {
  return add_peer_request{group_id{m.region_id()}, peer_id{m.peer_id()}, store_id{m.store_id()}, m.address(), m.learner()};
}
inline admin_request to_value(adminpb::RemovePeerRequest const& m) {
  return remove_peer_request{group_id{m.region_id()}, to_value(m.peer())};
}

/// What a request must name, and does not; null = nothing.
inline char const* missing(show_region_request const&) { return nullptr; }
inline char const* missing(transfer_request const& r) {
  if (r.region == group_id{}) return "the request names no region";
  return is_name(r.to) ? nullptr : "the request must name a peer, or a store";
}
inline char const* missing(add_peer_request const& r) {
  if (r.region == group_id{} || r.store == store_id{}) return "the request must name a region and a store";
  if (r.address.empty()) return "the request names no address of the store";
  return r.address.size() <= raft::member::address_bytes_max ? nullptr : "the address of the store is too long";
}
inline char const* missing(remove_peer_request const& r) {
  if (r.region == group_id{}) return "the request names no region";
  return is_name(r.peer) ? nullptr : "the request must name a peer, or a store";
}

template <class Message>
result<admin_request> admin_request_from(bytes const& body) {
  Message message;
  if (!parse(message, body)) return rejected(error_code::invalid_argument, "malformed request");
  auto out = to_value(message);
  if (auto const* wrong = std::visit([](auto const& r) { return missing(r); }, out))
    return rejected(error_code::invalid_argument, wrong);
  return out;
}

inline void put(adminpb::PeerReport& out, peer_report const& from) {
  *out.mutable_peer() = to_message(from.peer);
  out.mutable_peer()->set_address(from.address);
  out.set_state(from.state);
  out.set_match_index(from.match.value);
  out.set_lag(from.lag);
  out.set_active(from.active);
}
inline peer_report to_value(adminpb::PeerReport const& m) {
  return {to_value(m.peer()), m.peer().address(), m.state(), log_index{m.match_index()}, m.lag(), m.active()};
}

inline void put(adminpb::RegionReport& out, region_report const& from) {
  out.set_region_id(from.id.value);
  if (from.range) *out.mutable_range() = to_message(*from.range);
  out.set_state(static_cast<adminpb::RegionState>(from.state));
  out.set_role(from.role);
  out.set_term(from.term.value);
  out.set_leader_store(from.leader.value);
  out.set_leader_address(from.leader_address);
  out.set_version(from.version);
  out.set_changing(from.changing);
  out.set_last_index(from.last.value);
  out.set_commit_index(from.commit.value);
  out.set_applied_index(from.applied.value);
  for (auto const& peer : from.peers) put(*out.add_peers(), peer);
}
inline region_report to_value(adminpb::RegionReport const& m) {
  region_report out;
  out.id = group_id{m.region_id()};
  if (m.has_range()) out.range = to_value(m.range());
  if (adminpb::RegionState_IsValid(m.state())) out.state = static_cast<region_state>(m.state());
  out.role = m.role();
  out.term = term{m.term()};
  out.leader = store_id{m.leader_store()};
  out.leader_address = m.leader_address();
  out.version = m.version();
  out.changing = m.changing();
  out.last = log_index{m.last_index()};
  out.commit = log_index{m.commit_index()};
  out.applied = log_index{m.applied_index()};
  for (auto const& peer : m.peers()) out.peers.push_back(to_value(peer));
  return out;
}

inline void put(adminpb::ShowRegionResponse& out, show_region_reply const& from) {
  out.set_store_id(from.store.value);
  for (auto const& each : from.regions) put(*out.add_regions(), each);
  for (auto const each : from.left) out.add_left(each.value);
}
inline show_region_reply reply_of(adminpb::ShowRegionResponse const& m) {
  show_region_reply out{store_id{m.store_id()}, {}, {}};
  for (auto const& each : m.regions()) out.regions.push_back(to_value(each));
  for (auto const each : m.left()) out.left.push_back(group_id{each});
  return out;
}

inline void put(adminpb::TransferResponse& out, transfer_reply const& from) { out.set_leader_store(from.leader.value); }
inline transfer_reply reply_of(adminpb::TransferResponse const& m) { return {store_id{m.leader_store()}}; }

inline void put(adminpb::MembersResponse& out, members_reply const& from) {
  out.set_version(from.version);
  for (auto const& peer : from.peers) put(*out.add_peers(), peer);
}
inline members_reply reply_of(adminpb::MembersResponse const& m) {
  members_reply out{m.version(), {}};
  for (auto const& peer : m.peers()) out.peers.push_back(to_value(peer));
  return out;
}

/// Calls `f` with the type of the answer to `method` and the type of its reply, each as an argument.
template <class F>
auto with_admin_answer_type(admin_method method, F&& f) {
  using std::type_identity;
  switch (method) {
    case admin_method::show_region: return f(type_identity<adminpb::ShowRegionResponse>{}, type_identity<show_region_reply>{});
    case admin_method::transfer: return f(type_identity<adminpb::TransferResponse>{}, type_identity<transfer_reply>{});
    case admin_method::add_peer:
    case admin_method::remove_peer: break;
  }
  return f(type_identity<adminpb::MembersResponse>{}, type_identity<members_reply>{});
}

}  // namespace detail

admin_call encode(admin_request const& request) {
  return std::visit([](auto const& r) { return detail::call_of(r); }, request);
}

result<admin_request> decode_admin_request(std::uint16_t method, bytes const& body) {
  switch (static_cast<admin_method>(method)) {
    case admin_method::show_region: return detail::admin_request_from<adminpb::ShowRegionRequest>(body);
    case admin_method::transfer: return detail::admin_request_from<adminpb::TransferRequest>(body);
    case admin_method::add_peer: return detail::admin_request_from<adminpb::AddPeerRequest>(body);
    case admin_method::remove_peer: return detail::admin_request_from<adminpb::RemovePeerRequest>(body);
  }
  return rejected(error_code::not_supported, "this server does not know the request: it may be older than the client");
}

bytes encode_admin_answer(admin_method method, admin_answer const& answer) {
  return detail::with_admin_answer_type(method, [&]<class Message, class Reply>(std::type_identity<Message>, std::type_identity<Reply>) {
    Message out;
    if (answer) {
      auto const* reply = std::get_if<Reply>(&*answer);
      TINYKV_CHECK(reply != nullptr);
      detail::put(out, *reply);
    } else {
      *out.mutable_region_error() = detail::to_message(answer.error());
    }
    return detail::serialized(out);
  });
}

admin_answer decode_admin_answer(admin_method method, bytes const& body) {
  return detail::with_admin_answer_type(method, [&]<class Message>(std::type_identity<Message>, auto) -> admin_answer {
    Message message;
    if (!detail::parse(message, body)) return unexpected{kv_refusal{unknown(error_code::corrupt, "malformed answer"), {}, {}}};
    if (message.has_region_error()) return unexpected{detail::to_value(message.region_error())};
    return admin_reply{detail::reply_of(message)};
  });
}

}  // namespace tinykv::wire
