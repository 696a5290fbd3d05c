#pragma once

#include <tinykv/wire/impl/kv_conversions.hpp>
#include <tinykv/wire/kv_messages.hpp>

#include <type_traits>

namespace tinykv::wire {

namespace detail {

/// The answers to writes that know no condition have nothing to say beside their errors.
template <class Message>
inline constexpr bool is_conditional = requires(Message& m) { m.mutable_compare_failed(); };

inline void put(kvrpcpb::RawGetResponse& out, get_reply const& reply) {
  out.set_not_found(!reply.value);
  if (reply.value) out.set_value(*reply.value);
  out.set_applied_index(reply.applied.value);
}
inline get_reply reply_of(kvrpcpb::RawGetResponse const& m) {
  return {text_if(!m.not_found(), m.value()), log_index{m.applied_index()}};
}

template <class Message>
void put(Message& out, write_reply const& reply) {
  if constexpr (is_conditional<Message>) {
    if (reply.done) return;
    auto& failed = *out.mutable_compare_failed();
    if (reply.current) failed.set_current(*reply.current);
  }
}
template <class Message>
write_reply reply_of(Message const& m) {
  if constexpr (is_conditional<Message>)
    if (m.has_compare_failed())
      return {false, text_if(m.compare_failed().has_current(), m.compare_failed().current())};
  return {};
}

inline void put(kvrpcpb::RawScanResponse& out, scan_reply const& reply) {
  for (auto const& pair : reply.pairs) {
    auto& kv = *out.add_kvs();
    kv.set_key(pair.key);
    kv.set_value(pair.value);
  }
  out.set_more(reply.more);
  out.set_applied_index(reply.applied.value);
}
inline scan_reply reply_of(kvrpcpb::RawScanResponse const& m) {
  scan_reply out{{}, m.more(), log_index{m.applied_index()}};
  for (auto const& kv : m.kvs()) out.pairs.push_back({kv.key(), kv.value()});
  return out;
}

inline void put(kvrpcpb::GroupStatus& out, group_status const& group) {
  out.set_group_id(group.group.value);
  out.set_role(group.role);
  out.set_term(group.term.value);
  out.set_leader_store(group.leader.value);
  out.set_leader_address(group.leader_address);
  out.set_first_index(group.first.value);
  out.set_last_index(group.last.value);
  out.set_durable_index(group.durable.value);
  out.set_commit_index(group.commit.value);
  out.set_applied_index(group.applied.value);
  for (auto const& peer : group.peers) *out.add_peers() = to_message(peer);
  if (group.fenced) put(*out.mutable_fenced(), *group.fenced);
}
inline group_status to_value(kvrpcpb::GroupStatus const& m) {
  group_status out;
  out.group = group_id{m.group_id()};
  out.role = m.role();
  out.term = term{m.term()};
  out.leader = store_id{m.leader_store()};
  out.leader_address = m.leader_address();
  out.first = log_index{m.first_index()};
  out.last = log_index{m.last_index()};
  out.durable = log_index{m.durable_index()};
  out.commit = log_index{m.commit_index()};
  out.applied = log_index{m.applied_index()};
  for (auto const& peer : m.peers()) out.peers.push_back(to_value(peer));
  if (m.has_fenced()) out.fenced = to_value(m.fenced());
  return out;
}

inline void put(kvrpcpb::StatusResponse& out, status_reply const& reply) {
  out.set_cluster_id(reply.cluster.value);
  out.set_store_id(reply.store.value);
  out.set_uuid(reply.uuid);
  out.set_start_epoch(reply.start_epoch);
  out.set_address(reply.address);
  out.set_version(reply.version);
  if (reply.failed) put(*out.mutable_failed(), *reply.failed);
  for (auto const& group : reply.groups) put(*out.add_groups(), group);
  for (auto const& refused : reply.refused_by) {
    auto& m = *out.add_refused_by();
    m.set_store_id(refused.store.value);
    put(*m.mutable_failure(), refused.failure);
  }
}
inline status_reply reply_of(kvrpcpb::StatusResponse const& m) {
  status_reply out;
  out.cluster = cluster_id{m.cluster_id()};
  out.store = store_id{m.store_id()};
  out.uuid = m.uuid();
  out.start_epoch = m.start_epoch();
  out.address = m.address();
  out.version = m.version();
  if (m.has_failed()) out.failed = to_value(m.failed());
  for (auto const& group : m.groups()) out.groups.push_back(to_value(group));
  for (auto const& refused : m.refused_by())
    out.refused_by.push_back({store_id{refused.store_id()}, to_value(refused.failure())});
  return out;
}

template <class Message, class Reply>
bytes answer_as(kv_answer const& answer) {
  Message out;
  if (answer) {
    auto const* reply = std::get_if<Reply>(&*answer);
    TINYKV_CHECK(reply != nullptr);
    put(out, *reply);
  } else {
    *out.mutable_region_error() = to_message(answer.error());
    // The original repeats what stands in region_error; a text in `error` makes it give up.
    if constexpr (requires { out.set_error(std::string{}); })
      if (answer.error().reason.outcome != outcome::rejected) out.set_error(out.region_error().message());
  }
  return serialized(out);
}

template <class Message>
kv_answer answer_from(bytes const& body) {
  Message message;
  if (!parse(message, body)) return unexpected{kv_refusal{unknown(error_code::corrupt, "malformed answer"), {}, {}}};
  if (message.has_region_error()) return unexpected{to_value(message.region_error())};
  if constexpr (requires { message.error(); })
    if (!message.error().empty()) return unexpected{kv_refusal{unknown(error_code::io, message.error()), {}, {}}};
  return kv_reply{reply_of(message)};
}

/// Calls `f` with the type of the answer to `method` and the type of its reply, each as an argument.
template <class F>
auto with_answer_type(wire::method method, F&& f) {
  using std::type_identity;
  using enum wire::method;
  switch (method) {
    case raw_get: return f(type_identity<kvrpcpb::RawGetResponse>{}, type_identity<get_reply>{});
    case raw_put: return f(type_identity<kvrpcpb::RawPutResponse>{}, type_identity<write_reply>{});
    case raw_delete: return f(type_identity<kvrpcpb::RawDeleteResponse>{}, type_identity<write_reply>{});
    case raw_scan: return f(type_identity<kvrpcpb::RawScanResponse>{}, type_identity<scan_reply>{});
    case raw_batch: return f(type_identity<kvrpcpb::RawBatchResponse>{}, type_identity<write_reply>{});
    case raw_compare_and_set:
      return f(type_identity<kvrpcpb::RawCompareAndSetResponse>{}, type_identity<write_reply>{});
    case status: break;
  }
  return f(type_identity<kvrpcpb::StatusResponse>{}, type_identity<status_reply>{});
}

}  // namespace detail

bytes encode_answer(wire::method method, kv_answer const& answer) {
  using std::type_identity;
  return detail::with_answer_type(method, [&]<class Message, class Reply>(type_identity<Message>, type_identity<Reply>) {
    return detail::answer_as<Message, Reply>(answer);
  });
}

kv_answer decode_answer(wire::method method, bytes const& body) {
  return detail::with_answer_type(
      method, [&]<class Message>(std::type_identity<Message>, auto) { return detail::answer_from<Message>(body); });
}

}  // namespace tinykv::wire
