#include <tinykv/wire/impl/count_fields.hpp>
#include <tinykv/wire/impl/failure.hpp>
#include <tinykv/wire/peer.hpp>

#include <algorithm>
#include <utility>

namespace tinykv::wire {
namespace detail {

inline void fill(peerpb::GroupMessage& out, raft::group_message const& from) {
  auto const& m = from.message;
  out.set_group(from.group.value);
  out.set_kind(static_cast<std::uint32_t>(m.kind));
  out.set_from(m.from.value);
  out.set_to(m.to.value);
  out.set_term(m.term.value);
  out.set_index(m.index.value);
  out.set_log_term(m.log_term.value);
  out.set_commit(m.commit.value);
  out.set_hint(m.hint.value);
  out.set_round(m.round);
  out.set_read(m.read.value);
  out.set_refused(m.refused);
  out.set_forced(m.forced);
  std::size_t total = 0;
  for (auto const& e : m.entries) total += e.data.size();
  out.mutable_entry_data()->reserve(total);
  for (auto const& e : m.entries) {
    out.add_entry_terms(e.term.value);
    out.add_entry_kinds(static_cast<std::uint32_t>(e.kind));
    out.add_entry_sizes(e.data.size());
    out.mutable_entry_data()->append(e.data.view());
  }
}

/// Takes `from`'s entry data over; false when the columns contradict each other.
inline bool read_entries(peerpb::GroupMessage& from, raft::message& out) {
  auto const count = from.entry_terms_size();
  if (from.entry_kinds_size() != count || from.entry_sizes_size() != count) return false;
  if (count != 0 && out.index.value > ~std::uint64_t{0} - static_cast<std::uint64_t>(count)) return false;
  auto const block = bytes::adopt(std::move(*from.mutable_entry_data()));
  std::size_t at = 0;
  out.entries.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    auto const size = from.entry_sizes(i);
    if (size > block.size() - at) return false;
    if (from.entry_kinds(i) > static_cast<std::uint32_t>(raft::entry_kind::barrier)) return false;
    out.entries.push_back({out.index + (static_cast<std::uint64_t>(i) + 1), term{from.entry_terms(i)},
                           static_cast<raft::entry_kind>(from.entry_kinds(i)), block.slice(at, static_cast<std::size_t>(size))});
    at += static_cast<std::size_t>(size);
  }
  return at == block.size();
}

inline bool read_message(peerpb::GroupMessage& from, raft::group_message& out) {
  if (from.kind() < static_cast<std::uint32_t>(raft::message_kind::pre_vote_request) ||
      from.kind() > static_cast<std::uint32_t>(raft::message_kind::removed))
    return false;
  out.group = group_id{from.group()};
  auto& m = out.message;
  m.kind = static_cast<raft::message_kind>(from.kind());
  m.from = peer_id{from.from()};
  m.to = peer_id{from.to()};
  m.term = term{from.term()};
  m.index = log_index{from.index()};
  m.log_term = term{from.log_term()};
  m.commit = log_index{from.commit()};
  m.hint = log_index{from.hint()};
  m.round = from.round();
  m.read = read_id{from.read()};
  m.refused = from.refused();
  m.forced = from.forced();
  if (out.group == group_id{} || m.from == peer_id{} || m.to == peer_id{}) return false;
  if (m.kind != raft::message_kind::append && from.entry_terms_size() != 0) return false;
  return read_entries(from, m);
}

inline void fill(peerpb::GroupSnapshot& out, raft::group_snapshot const& from) {
  auto const& m = from.message;
  out.set_group(from.group.value);
  out.set_from(m.from.value);
  out.set_to(m.to.value);
  out.set_term(m.term.value);
  out.set_id(m.id);
  out.set_index(m.at.index.value);
  out.set_log_term(m.at.term.value);
  out.set_size(m.size);
  out.set_offset(m.offset);
  out.set_data(m.data.data(), m.data.size());
  out.set_answer(m.answer);
  out.set_refused(m.refused);
}

/// Takes `from`'s data over; false when the piece lies outside its file, or an answer and a piece are mixed.
inline bool read_snapshot(peerpb::GroupSnapshot& from, raft::group_snapshot& out) {
  auto const piece = from.data().size();
  if (from.group() == 0 || from.from() == 0 || from.to() == 0) return false;
  if (piece > raft::snapshot_message::chunk_bytes_max) return false;
  if (from.offset() > from.size() || piece > from.size() - from.offset()) return false;
  if (from.answer() ? piece != 0 : from.refused()) return false;
  out.group = group_id{from.group()};
  auto& m = out.message;
  m.from = peer_id{from.from()};
  m.to = peer_id{from.to()};
  m.term = term{from.term()};
  m.id = from.id();
  m.at = {log_index{from.index()}, term{from.log_term()}};
  m.size = from.size();
  m.offset = from.offset();
  m.data = bytes::adopt(std::move(*from.mutable_data()));
  m.answer = from.answer();
  m.refused = from.refused();
  return true;
}

}  // namespace detail

std::string encode(hello const& v) {
  peerpb::Hello out;
  out.set_protocol_version(protocol_version);
  out.set_cluster(v.from.cluster.value);
  out.set_from_store(v.from.store.value);
  out.set_to_store(v.to.value);
  out.set_uuid(v.from.uuid.octets.data(), v.from.uuid.octets.size());
  out.set_consensus(static_cast<std::uint32_t>(v.from.consensus));
  out.set_start_epoch(v.from.start.epoch);
  out.set_start_number(v.from.start.number);
  return out.SerializeAsString();
}

result<hello> decode_hello(std::string_view data) {
  peerpb::Hello in;
  if (!detail::parse(in, data) || in.protocol_version() == 0) return detail::malformed("malformed hello");
  if (in.protocol_version() != protocol_version) return detail::other_version(in.protocol_version(), protocol_version);
  hello out;
  if (in.uuid().size() != out.from.uuid.octets.size()) return detail::malformed("hello with a uuid of another length");
  if (in.consensus() < static_cast<std::uint32_t>(consensus_kind::raft) ||
      in.consensus() > static_cast<std::uint32_t>(consensus_kind::solo))
    return detail::malformed("hello of no known consensus");
  if (in.cluster() == 0 || in.from_store() == 0 || in.to_store() == 0 || in.start_epoch() == 0)
    return detail::malformed("hello without cluster, stores or start epoch");
  out.from.cluster = cluster_id{in.cluster()};
  out.from.store = store_id{in.from_store()};
  out.to = store_id{in.to_store()};
  std::copy(in.uuid().begin(), in.uuid().end(), out.from.uuid.octets.begin());
  out.from.consensus = static_cast<consensus_kind>(in.consensus());
  out.from.start = {in.start_epoch(), in.start_number()};
  return out;
}

std::string encode_verdict(std::optional<failure> const& refusal) {
  peerpb::Verdict out;
  out.set_accepted(!refusal);
  if (refusal) detail::fill(*out.mutable_failure(), *refusal);
  return out.SerializeAsString();
}

result<std::optional<failure>> decode_verdict(std::string_view data) {
  peerpb::Verdict in;
  if (!detail::parse(in, data) || in.accepted() == in.has_failure()) return detail::malformed("malformed verdict");
  if (in.accepted()) return std::optional<failure>{};
  failure refusal;
  if (!detail::read_failure(in.failure(), refusal)) return detail::malformed("verdict of no known failure");
  return std::optional{std::move(refusal)};
}

std::vector<std::string> encode(raft::envelope const& v, mail_limits const& limits) {
  std::vector<std::string> out;
  peerpb::Mail mail;
  std::size_t size = 0;
  std::size_t entries = 0;
  std::size_t count = 0;
  auto const flush = [&] {
    out.push_back(mail.SerializeAsString());
    mail.Clear();
    size = entries = count = 0;
  };
  auto const make_room = [&](std::size_t more_bytes, std::size_t more_entries) {
    auto const full = size + more_bytes > limits.bytes_target || entries + more_entries > limits.entries_max || count >= limits.messages_max;
    if (count != 0 && full) flush();
    size += more_bytes;
    entries += more_entries;
    ++count;
  };
  constexpr std::size_t numbers = 112;  // above what those of a message take
  for (auto const& each : v.messages) {
    auto cost = numbers;
    for (auto const& e : each.message.entries) cost += e.data.size() + 16;
    make_room(cost, each.message.entries.size());
    detail::fill(*mail.add_messages(), each);
  }
  for (auto const& each : v.snapshots) {
    make_room(numbers + each.message.data.size(), 0);
    detail::fill(*mail.add_snapshots(), each);
  }
  if (count != 0) flush();
  return out;
}

result<raft::envelope> decode_mail(raft::priority priority, std::string_view data, mail_limits const& limits) {
  if (data.size() > 0x7fffffff) return detail::malformed("mail above 2 GiB");
  if (detail::count_fields(data, limits.messages_max) > limits.messages_max)
    return rejected(error_code::too_large, "mail with more than messages_max messages", limits.messages_max);
  peerpb::Mail in;
  if (!detail::parse(in, data)) return detail::malformed("malformed mail");
  raft::envelope out;
  out.priority = priority;
  out.messages.reserve(static_cast<std::size_t>(in.messages_size()));
  auto room = limits.entries_max;
  for (auto& each : *in.mutable_messages()) {
    auto const entries = static_cast<std::size_t>(each.entry_terms_size());
    if (entries > room) return rejected(error_code::too_large, "mail with more than entries_max entries", limits.entries_max);
    room -= entries;
    if (!detail::read_message(each, out.messages.emplace_back())) return detail::malformed("mail with a malformed message");
  }
  out.snapshots.reserve(static_cast<std::size_t>(in.snapshots_size()));
  for (auto& each : *in.mutable_snapshots())
    if (!detail::read_snapshot(each, out.snapshots.emplace_back())) return detail::malformed("mail with a malformed piece of a snapshot");
  return out;
}

}  // namespace tinykv::wire
