#pragma once

#include <tinykv/wire/impl/count_fields.hpp>
#include <tinykv/wire/impl/kv_conversions.hpp>
#include <tinykv/wire/kv_messages.hpp>

namespace tinykv::wire {

namespace detail {

inline void put(kvrpcpb::RawWrite& out, write const& w) {
  out.set_key(w.key);
  if (w.value) out.set_value(*w.value);
  out.set_conditional(w.conditional);
  if (w.conditional && w.expected) out.set_expected(*w.expected);
}
inline write to_value(kvrpcpb::RawWrite const& w) {
  return {w.key(), text_if(w.has_value(), w.value()), w.conditional(),
          text_if(w.conditional() && w.has_expected(), w.expected())};
}

inline kv_call call_of(get_request const& request) {
  kvrpcpb::RawGetRequest out;
  put(*out.mutable_context(), request.context);
  out.set_key(request.key);
  return {method::raw_get, serialized(out)};
}

inline kv_call call_of(write_request const& request) {
  if (request.writes.size() != 1) {
    kvrpcpb::RawBatchRequest out;
    put(*out.mutable_context(), request.context);
    for (auto const& w : request.writes) put(*out.add_writes(), w);
    return {method::raw_batch, serialized(out)};
  }
  auto const& only = request.writes.front();
  if (only.conditional) {
    kvrpcpb::RawCompareAndSetRequest out;
    put(*out.mutable_context(), request.context);
    put(*out.mutable_write(), only);
    return {method::raw_compare_and_set, serialized(out)};
  }
  if (only.value) {
    kvrpcpb::RawPutRequest out;
    put(*out.mutable_context(), request.context);
    out.set_key(only.key);
    out.set_value(*only.value);
    return {method::raw_put, serialized(out)};
  }
  kvrpcpb::RawDeleteRequest out;
  put(*out.mutable_context(), request.context);
  out.set_key(only.key);
  return {method::raw_delete, serialized(out)};
}

inline kv_call call_of(scan_request const& request) {
  kvrpcpb::RawScanRequest out;
  put(*out.mutable_context(), request.context);
  out.set_start_key(request.start);
  out.set_end_key(request.end);
  out.set_prefix(request.prefix);
  out.set_limit(request.limit);
  out.set_bytes_max(request.bytes_max);
  out.set_reverse(request.reverse);
  out.set_keys_only(request.keys_only);
  return {method::raw_scan, serialized(out)};
}

inline kv_call call_of(status_request const&) { return {method::status, serialized(kvrpcpb::StatusRequest{})}; }

inline kv_request to_value(kvrpcpb::RawGetRequest& m) { return get_request{to_value(m.context()), m.key()}; }
inline kv_request to_value(kvrpcpb::RawPutRequest& m) {
  return write_request{to_value(m.context()), {{m.key(), std::move(*m.mutable_value()), false, {}}}};
}
inline kv_request to_value(kvrpcpb::RawDeleteRequest& m) {
  return write_request{to_value(m.context()), {{m.key(), {}, false, {}}}};
}
inline kv_request to_value(kvrpcpb::RawCompareAndSetRequest& m) {
  auto only = to_value(m.write());
  only.conditional = true;
  if (m.write().has_expected()) only.expected = m.write().expected();
  return write_request{to_value(m.context()), {std::move(only)}};
}
inline kv_request to_value(kvrpcpb::RawBatchRequest& m) {
  write_request out{to_value(m.context()), {}};
  for (auto const& w : m.writes()) out.writes.push_back(to_value(w));
  return out;
}
inline kv_request to_value(kvrpcpb::RawScanRequest& m) {
  return scan_request{to_value(m.context()), m.start_key(), m.end_key(), m.prefix(),
                      m.limit(),             m.bytes_max(), m.reverse(), m.keys_only()};
}
inline kv_request to_value(kvrpcpb::StatusRequest&) { return status_request{}; }

/// Raw data have one column family; the original names its default one, or none.
template <class Message>
bool known_family(Message const& message) {
  if constexpr (requires { message.cf(); }) return message.cf().empty() || message.cf() == "default";
  else return true;
}

template <class Message>
result<kv_request> request_from(bytes const& body) {
  Message message;
  if (!parse(message, body)) return rejected(error_code::invalid_argument, "malformed request");
  if (!known_family(message))
    return rejected(error_code::invalid_argument, "raw data have no column family but the default one");
  return to_value(message);
}

}  // namespace detail

kv_call encode(kv_request const& request) {
  return std::visit([](auto const& r) { return detail::call_of(r); }, request);
}

result<kv_request> decode_request(std::uint16_t method, bytes const& body) {
  using enum wire::method;
  switch (static_cast<wire::method>(method)) {
    case raw_get: return detail::request_from<kvrpcpb::RawGetRequest>(body);
    case raw_put: return detail::request_from<kvrpcpb::RawPutRequest>(body);
    case raw_delete: return detail::request_from<kvrpcpb::RawDeleteRequest>(body);
    case raw_scan: return detail::request_from<kvrpcpb::RawScanRequest>(body);
    case raw_compare_and_set: return detail::request_from<kvrpcpb::RawCompareAndSetRequest>(body);
    case raw_batch:
      // An empty write is three bytes on the wire and hundreds in memory.
      if (body.size() >= (std::size_t{1} << 30) || detail::count_fields(body, batch_fields_max) > batch_fields_max)
        return rejected(error_code::too_large, "more than " + std::to_string(batch_fields_max) + " writes in one batch",
                        batch_fields_max);
      return detail::request_from<kvrpcpb::RawBatchRequest>(body);
    case status: return detail::request_from<kvrpcpb::StatusRequest>(body);
  }
  return rejected(error_code::not_supported, "this server does not know the request: it may be older than the client");
}

}  // namespace tinykv::wire
