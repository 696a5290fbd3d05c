#pragma once

#include <tinykv/server/exposition.hpp>
#include <tinykv/transport/port.hpp>

#include <string>

namespace tinykv::server {

/// Appends what `port` counts. Home lane only.
inline void write(exposition& out, transport::port const& port) {
  auto const c = port.counters();
  auto const counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.counter(name, help);
    out.sample({}, value);
  };
  out.gauge("tinykv_connections", "Open connections of all kinds.");
  out.sample({}, port.connections());
  out.gauge("tinykv_connections_memory_bytes", "What websocket connections hold in memory.");
  out.sample({}, port.bytes_held());
  counter("tinykv_connections_accepted_total", "TCP connections accepted.", c.accepted);
  counter("tinykv_connections_turned_away_total", "TCP connections closed at once, there being too many.", c.turned_away);
  counter("tinykv_connections_crowded_out_total", "Connections closed before they were let in, there being too many of these.",
          c.crowded_out);
  counter("tinykv_connections_dialled_total", "Attempts to connect to other stores.", c.dialled);
  counter("tinykv_peer_sent_messages_total", "Envelopes queued for other stores.", c.mails_sent);
  counter("tinykv_peer_received_messages_total", "Envelopes of other stores taken in.", c.mails_received);
  counter("tinykv_peer_dropped_messages_total", "Envelopes for other stores that were dropped.", c.mails_dropped);
  counter("tinykv_requests_total", "Requests of clients taken in.", c.calls_received);
  counter("tinykv_requests_refused_total", "Requests of clients answered as busy by the connection.", c.calls_refused);
  counter("tinykv_received_bytes_total", "Bytes of websocket frames received.", c.bytes_received);
  counter("tinykv_sent_bytes_total", "Bytes of websocket frames sent.", c.bytes_sent);
  out.counter("tinykv_connections_closed_total", "Websocket connections that ended.");
  for (std::size_t i = 0; i < transport::close_reason_count; ++i)
    out.sample("reason=\"" + std::string{name_of(static_cast<transport::close_reason>(i))} + "\"", c.closed[i]);
}

}  // namespace tinykv::server
