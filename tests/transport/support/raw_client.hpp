#pragma once

#include "net.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinykv::test {

/// A client that says whatever it is told to: HTTP and websocket frames by hand.
class raw_client {
 public:
  raw_client(net& where, std::uint16_t port) : net_(where), socket_(where.io) {
    socket_.connect({boost::asio::ip::make_address("127.0.0.1"), port});
    socket_.non_blocking(true);
  }

  /// As far as the other side takes it.
  void send(std::string_view data) {
    while (!data.empty() && !closed_) {
      boost::system::error_code wrong;
      auto const n = socket_.write_some(boost::asio::buffer(data), wrong);
      data.remove_prefix(n);
      if (wrong && wrong != boost::asio::error::would_block) closed_ = true;
      if (wrong) net_.rest(std::chrono::milliseconds{1});
    }
  }
  /// Takes in what has come.
  void read() {
    char block[65536];
    boost::system::error_code wrong;
    while (!wrong && !closed_) {
      in_.append(block, socket_.read_some(boost::asio::buffer(block), wrong));
      if (wrong && wrong != boost::asio::error::would_block) closed_ = true;
    }
  }
  bool wait(std::function<bool()> const& fact) {
    return net_.wait([&] {
      read();
      return fact();
    });
  }
  bool wait_closed() {
    return wait([&] { return closed_; });
  }
  bool wait_for(std::string_view text) {
    return wait([&] { return in_.find(text) != std::string::npos; });
  }

  /// Asks for a websocket; true when it stands.
  bool upgrade(std::string const& path) {
    send("GET " + path + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    if (!wait_for("\r\n\r\n")) return false;
    auto const end = in_.find("\r\n\r\n") + 4;
    auto const stands = in_.starts_with("HTTP/1.1 101");
    if (stands) in_.erase(0, end);
    return stands;
  }
  /// A websocket frame with a mask of zeros. `declared` overrides the length that its header states.
  static std::string websocket_frame(std::string_view payload, int opcode = 2, std::optional<std::uint64_t> declared = {}) {
    auto const size = declared.value_or(payload.size());
    std::string out{static_cast<char>(0x80 | opcode)};
    if (size < 126) {
      out += static_cast<char>(0x80 | size);
    } else {
      out += static_cast<char>(size < 65536 ? 0xfe : 0xff);
      for (int shift = size < 65536 ? 8 : 56; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
    }
    out.append(4, '\0');
    return out.append(payload);
  }
  void message(std::string_view payload) { send(websocket_frame(payload)); }

  /// A frame from the other side.
  struct frame {
    int opcode;
    std::string payload;
  };
  /// The next whole frame that has come; pings are passed over.
  std::optional<frame> next() {
    while (in_.size() >= 2) {
      std::size_t at = 2;
      std::uint64_t size = static_cast<unsigned char>(in_[1]) & 0x7f;
      auto const wide = size == 126 ? 2U : size == 127 ? 8U : 0U;
      if (in_.size() < at + wide) return std::nullopt;
      if (wide != 0) size = 0;
      for (unsigned i = 0; i < wide; ++i) size = size << 8 | static_cast<unsigned char>(in_[at++]);
      if (in_.size() - at < size) return std::nullopt;
      frame out{in_[0] & 15, in_.substr(at, static_cast<std::size_t>(size))};
      in_.erase(0, at + static_cast<std::size_t>(size));
      if (out.opcode != 9) return out;
    }
    return std::nullopt;
  }
  std::optional<frame> wait_frame() {
    std::optional<frame> found;
    wait([&] { return (found = next()) || closed_; });
    return found;
  }
  /// The code and the text of the farewell; 0 when the connection ended without one.
  std::pair<int, std::string> wait_farewell() {
    while (auto const found = wait_frame())
      if (found->opcode == 8 && found->payload.size() >= 2)
        return {static_cast<unsigned char>(found->payload[0]) << 8 | static_cast<unsigned char>(found->payload[1]),
                found->payload.substr(2)};
    return {0, {}};
  }
  /// Ends with a reset instead of a farewell.
  void reset() {
    boost::system::error_code ignored;
    socket_.set_option(boost::asio::socket_base::linger{true, 0}, ignored);
    socket_.close(ignored);
    closed_ = true;
  }
  bool closed() const { return closed_; }
  std::string& text() { return in_; }

 private:
  net& net_;
  boost::asio::ip::tcp::socket socket_;
  std::string in_;
  bool closed_ = false;
};

}  // namespace tinykv::test
