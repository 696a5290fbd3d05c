#include <tinykv/wire/impl/failure.hpp>
#include <tinykv/wire/peer.hpp>
#include <tinykv/wire/rpc.hpp>

#include <algorithm>
#include <utility>

namespace tinykv::wire {

std::string encode(client_hello v) {
  peerpb::ClientHello out;
  out.set_protocol_version(protocol_version);
  out.set_cluster(v.cluster.value);
  return out.SerializeAsString();
}

result<client_hello> decode_client_hello(std::string_view data) {
  peerpb::ClientHello in;
  if (!detail::parse(in, data) || in.protocol_version() == 0) return detail::malformed("malformed client hello");
  if (in.protocol_version() != protocol_version) return detail::other_version(in.protocol_version(), protocol_version);
  return client_hello{cluster_id{in.cluster()}};
}

std::string encode(call const& v) {
  peerpb::Call out;
  out.set_id(v.id);
  out.set_method(v.method);
  out.set_patience_ns(static_cast<std::uint64_t>(std::max<duration::rep>(v.patience.count(), 0)));
  out.set_body(v.body.data(), v.body.size());
  return out.SerializeAsString();
}

result<call> decode_call(std::string_view data) {
  peerpb::Call in;
  if (!detail::parse(in, data) || in.id() == 0 || in.method() > 0xffff || in.patience_ns() > 0x7fffffffffffffffULL)
    return detail::malformed("malformed call");
  return call{in.id(), static_cast<std::uint16_t>(in.method()), duration{static_cast<duration::rep>(in.patience_ns())},
              bytes::adopt(std::move(*in.mutable_body()))};
}

std::string encode(answer const& v) {
  peerpb::Answer out;
  out.set_id(v.id);
  if (v.outcome) out.set_body(v.outcome->data(), v.outcome->size());
  else detail::fill(*out.mutable_failure(), v.outcome.error());
  return out.SerializeAsString();
}

result<answer> decode_answer(std::string_view data) {
  peerpb::Answer in;
  if (!detail::parse(in, data) || in.id() == 0) return detail::malformed("malformed answer");
  if (!in.has_failure()) return answer{in.id(), bytes::adopt(std::move(*in.mutable_body()))};
  failure reason;
  if (!detail::read_failure(in.failure(), reason)) return detail::malformed("answer of no known failure");
  return answer{in.id(), std::move(reason)};
}

}  // namespace tinykv::wire
