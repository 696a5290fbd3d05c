#pragma once

#include <tinykv/transport/impl/port_body.hpp>
#include <tinykv/wire/frame_joiner.hpp>
#include <tinykv/wire/frame_queue.hpp>
#include <tinykv/wire/peer.hpp>

#include <boost/beast/websocket.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif

namespace tinykv::transport::detail {

namespace ws = boost::beast::websocket;

/// Lets little of what was written wait in the kernel, where nothing can overtake it.
inline void bound_unsent(tcp::socket& socket, std::size_t bytes) {
#ifdef TCP_NOTSENT_LOWAT
  auto const most = static_cast<int>(std::min<std::size_t>(bytes, 1U << 30));
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
#else
  static_cast<void>(socket), static_cast<void>(bytes);
#endif
}

/// One websocket connection: frames out of a queue, frames into messages, deadlines, and one end. Derived classes say
/// what is talked about. Both sides begin with one message each, the greeting and its verdict; what is queued before waits
/// until `open_queue`.
///
/// Alive as long as an operation of its socket is: every completion holds a pointer to it and returns when `ended_`. While
/// it waits to be resumed there is none, and it keeps itself; the deadline of the handshake ends that.
class channel : public connection, public std::enable_shared_from_this<channel> {
 public:
  /// For a connection that will be dialled.
  explicit channel(std::shared_ptr<port_body> where) : channel(where, beast::tcp_stream{where->home}) {}
  /// For one that was accepted.
  channel(std::shared_ptr<port_body> where, beast::tcp_stream stream)
      : connection(where),
        socket_(std::move(stream)),
        queue_(where->options.frame_bytes_max, where->options.queue_bytes_max),
        joiner_(where->options.message_bytes_max),
        deadline_(where->home),
        write_deadline_(where->home) {
    auto const& o = where->options;
    socket_.binary(true);
    socket_.auto_fragment(false);
    socket_.secure_prng(false);  // masks keep proxies from misreading; they hide nothing
    socket_.write_buffer_bytes(std::clamp<std::size_t>(o.frame_bytes_max, 4096, 64U << 10));
    socket_.read_message_max(o.frame_bytes_max);
    socket_.set_option(ws::stream_base::timeout{timer_span(o.handshake_deadline), timer_span(o.idle_deadline), true});
  }

  ~channel() override { unbook(); }

  /// Answers the request that asked for the upgrade.
  void accept(upgrade_request request) {
    become_stranger();
    limit(port().options.handshake_deadline);
    auto const asked = std::make_shared<upgrade_request>(std::move(request));
    socket_.async_accept(*asked, [me = shared_from_this(), asked](io_error wrong) { me->shook_hands(wrong); });
  }
  /// Connects to H:P and asks for `path`.
  void dial(std::string const& endpoint, std::string path);

  /// Queues a message; false when it is dropped. `tag`: see `handed_over`.
  bool send(wire::frame_kind kind, raft::priority priority, std::string body, std::uint64_t tag = 0) {
    if (ended_ || !queue_.push(kind, priority, std::move(body), tag)) return false;
    write();
    book();
    return !ended_;
  }
  /// Sends a greeting or verdict, before everything that is queued.
  void greet(wire::frame_kind kind, std::string body) {
    greeting_.emplace(port().options.frame_bytes_max, greeting_bytes_max);
    greeting_->push(kind, raft::priority::urgent, std::move(body));
    write();
  }
  /// Both sides have greeted: what is queued goes out, and the deadline of the handshake is over.
  void open_queue() {
    greeted_ = true;
    leave_strangers();
    deadline_.cancel();
    write();
  }
  /// Reads on after `received` has said to wait.
  void resume() {
    auto const me = std::exchange(kept_, nullptr);
    if (std::exchange(waiting_, false) && !ended_) read();
  }
  /// Takes a message back that has not begun to leave.
  bool take_back(std::uint64_t tag) { return queue_.erase(tag); }
  wire::frame_queue const& queue() const { return queue_; }
  bool ended() const { return ended_; }

  /// Ends the connection: `ended` is told, the other side is told why, the socket is closed.
  void close(close_reason why, failure reason);
  /// Sends a refusal, and ends the connection behind it.
  void refuse(failure reason) {
    greet(wire::frame_kind::verdict, wire::encode_verdict(reason));
    last_words_ = std::move(reason);
  }
  void make_way(close_reason why) override {
    if (ended_) return abort();  // it was saying farewell
    close(why, rejected(error_code::busy, why == close_reason::crowded_out ? "too many connections that are not let in yet"
                                                                           : "this client held most of too much memory"));
  }
  void abort() noexcept override {
    ended_ = true;
    unbook();
    auto const me = std::exchange(kept_, nullptr);
    deadline_.cancel();
    write_deadline_.cancel();
    beast::get_lowest_layer(socket_).close();
  }

 protected:
  /// The websocket stands; nothing has been said yet.
  virtual void opened() {}
  /// A message is whole. False: read nothing more until `resume`.
  virtual bool received(wire::frame_joiner::message const& what) = 0;
  /// The first frame of the message `tag` is being written: from now on the other side may have it.
  virtual void handed_over(std::uint64_t) {}
  /// True for a connection that may be closed when memory is short, and that gives back at once what it does not need.
  virtual bool is_client() const { return false; }
  /// The connection is over, by either side or the network. Called once; not after `abort`.
  virtual void ended(close_reason why, failure const& reason) = 0;

 private:
  void limit(duration span) {
    deadline_.expires_after(timer_span(span));
    deadline_.async_wait([weak = weak_from_this()](io_error wrong) {
      auto const me = weak.lock();
      if (wrong || !me) return;
      if (me->ended_) return me->abort();  // the farewell took too long
      me->close(close_reason::slow_handshake, rejected(error_code::unreachable, "no handshake in time"));
    });
  }
  void connect_to(tcp::resolver::results_type const& where, std::string const& path, std::string const& host);
  void shook_hands(io_error wrong) {
    if (ended_) return;
    if (wrong) return fail(wrong);
    open_ = true;
    opened();
    if (!ended_) read();
  }
  // By pieces of a frame: what is declared and does not come takes no memory, and what comes is booked.
  void read() {
    socket_.async_read_some(buffer_, read_bytes_max,
                            [me = shared_from_this()](io_error wrong, std::size_t size) { me->take_bytes(wrong, size); });
  }
  void take_bytes(io_error wrong, std::size_t size);
  void take_frame();
  // Tells the port what this connection holds; it may end by that.
  void book() {
    if (ended_) return;
    auto const held = buffer_.capacity() + joiner_.bytes_held() + queue_.bytes_waiting() + writing_.piece.size();
    port().bytes_held += held - booked_;
    booked_ = held;
    if (port().bytes_held > port().options.bytes_max) port().shed();
  }
  void unbook() noexcept { port().bytes_held -= std::exchange(booked_, 0); }
  std::size_t weight() const override { return is_client() ? booked_ : 0; }
  void write();
  void wrote(io_error wrong, std::size_t size);
  void fail(io_error wrong);

  static constexpr std::size_t greeting_bytes_max = 64U << 10;
  static constexpr std::size_t read_bytes_max = 64U << 10;
  static constexpr std::size_t buffer_bytes_kept = 8U << 10;  // by a client between frames

  ws::stream<beast::tcp_stream> socket_;
  beast::flat_buffer buffer_;
  wire::frame_queue queue_;
  wire::frame_joiner joiner_;
  std::optional<wire::frame_queue> greeting_;  // a queue of one message, which goes first
  std::optional<failure> last_words_;          // a refusal is on its way; then the end
  wire::frame_queue::frame writing_;           // keeps the bytes of the write in progress
  asio::steady_timer deadline_;                // of the handshake, later of the farewell
  asio::steady_timer write_deadline_;
  std::shared_ptr<channel> kept_;  // this, while no operation is
  std::size_t strange_bytes_ = 0;  // received before the greeting
  std::size_t booked_ = 0;         // what the port was told that this holds
  bool open_ = false;     // the websocket stands
  bool greeted_ = false;  // the queue may leave
  bool busy_ = false;     // a write is in progress
  bool waiting_ = false;  // no read is in progress, by the wish of `received`
  bool ended_ = false;
};

inline void channel::dial(std::string const& endpoint, std::string path) {
  ++port().counters.dialled;
  limit(port().options.connect_deadline);
  auto const give_up = [&](std::string why) {
    asio::post(port().home, [me = shared_from_this(), why = std::move(why)]() mutable {
      me->close(close_reason::network, rejected(error_code::unreachable, std::move(why)));
    });
  };
  auto const where = parse_host_port(endpoint);
  if (!where) return give_up("not an address (H:P): " + endpoint);
  io_error not_numeric;
  auto const address = asio::ip::make_address(where->host, not_numeric);
  if (!not_numeric)
    return connect_to(tcp::resolver::results_type::create(tcp::endpoint{address, where->port}, where->host, {}), path, endpoint);
  try {
    auto const resolver = std::make_shared<tcp::resolver>(port().home);
    resolver->async_resolve(where->host, std::to_string(where->port),
                            [me = shared_from_this(), resolver, path = std::move(path), endpoint](
                                io_error wrong, tcp::resolver::results_type const& found) {
                              if (me->ended_) return;
                              if (wrong) return me->fail(wrong);
                              me->connect_to(found, path, endpoint);
                            });
  } catch (std::exception const& no_thread) {  // names are resolved on one of asio's own
    give_up(no_thread.what());
  }
}

inline void channel::connect_to(tcp::resolver::results_type const& where, std::string const& path, std::string const& host) {
  beast::get_lowest_layer(socket_).async_connect(
      where, [me = shared_from_this(), path, host](io_error wrong, tcp::endpoint const&) {
        if (me->ended_) return;
        if (wrong) return me->fail(wrong);
        io_error ignored;
        auto& socket = beast::get_lowest_layer(me->socket_).socket();
        socket.set_option(tcp::no_delay{true}, ignored);
        bound_unsent(socket, me->port().options.unsent_bytes_max);
        me->limit(me->port().options.handshake_deadline);
        me->socket_.async_handshake(host, path, [me](io_error refused) { me->shook_hands(refused); });
      });
}

inline void channel::take_bytes(io_error wrong, std::size_t size) {
  if (ended_) return;
  if (wrong) return fail(wrong);
  port().counters.bytes_received += size;
  if (!greeted_ && (strange_bytes_ += size) > greeting_bytes_max)  // who has not greeted is given no memory to fill
    return close(close_reason::too_large, rejected(error_code::too_large, "a greeting above its bound"));
  if (!socket_.got_binary()) return close(close_reason::text_frame, rejected(error_code::corrupt, "a text message"));
  if (socket_.is_message_done()) take_frame();
  book();
  if (ended_) return;
  if (waiting_) kept_ = shared_from_this();
  else read();
}

inline void channel::take_frame() {
  auto const message = joiner_.push({static_cast<char const*>(buffer_.data().data()), buffer_.size()});
  if (!message) {
    auto const large = message.error().code == error_code::too_large;
    return close(large ? close_reason::too_large : close_reason::malformed, message.error());
  }
  if (*message && !last_words_) waiting_ = !received(**message);
  buffer_.consume(buffer_.size());
  joiner_.release();
  if (is_client() && buffer_.capacity() > buffer_bytes_kept) buffer_.shrink_to_fit();
}

inline void channel::write() {
  if (ended_ || !open_ || busy_) return;
  auto frame = greeting_ ? greeting_->next() : std::nullopt;
  if (!frame && last_words_) return close(close_reason::refused, *std::exchange(last_words_, std::nullopt));
  if (!frame && greeted_) frame = queue_.next();
  if (!frame) return;
  busy_ = true;
  writing_ = std::move(*frame);
  if (writing_.tag != 0) handed_over(writing_.tag);
  write_deadline_.expires_after(timer_span(port().options.write_deadline));
  write_deadline_.async_wait([weak = weak_from_this()](io_error wrong) {
    auto const me = weak.lock();
    if (!wrong && me && me->busy_ && !me->ended_)
      me->close(close_reason::write_stalled, rejected(error_code::unreachable, "the other side takes no bytes"));
  });
  std::array<asio::const_buffer, 2> const parts{asio::buffer(writing_.header),
                                                asio::const_buffer{writing_.piece.data(), writing_.piece.size()}};
  socket_.async_write(parts, [me = shared_from_this()](io_error wrong, std::size_t size) { me->wrote(wrong, size); });
}

inline void channel::wrote(io_error wrong, std::size_t size) {
  busy_ = false;
  write_deadline_.cancel();
  writing_ = {};
  if (ended_) return;
  if (wrong) return fail(wrong);
  port().counters.bytes_sent += size;
  write();
  book();
}

inline void channel::fail(io_error wrong) {
  auto why = close_reason::network;
  if (wrong == ws::error::closed) why = close_reason::left;
  else if (wrong == ws::error::message_too_big || wrong == ws::error::buffer_overflow) why = close_reason::too_large;
  else if (wrong == ws::condition::protocol_violation) why = close_reason::malformed;
  else if (wrong == beast::error::timeout) why = greeted_ ? close_reason::silent : close_reason::slow_handshake;
  close(why, rejected(error_code::unreachable, wrong.message()));
}

inline void channel::close(close_reason why, failure reason) {
  if (ended_) return;
  ended_ = true;
  ++port().counters.closed[static_cast<std::size_t>(why)];
  deadline_.cancel();
  write_deadline_.cancel();
  auto const me = shared_from_this();  // `ended` may let go of the last other pointer
  ended(why, reason);
  // A farewell is tried only where it can be heard, and has a deadline of its own.
  auto const hopeless = why == close_reason::network || why == close_reason::left || why == close_reason::silent ||
                        why == close_reason::write_stalled || why == close_reason::slow_handshake ||
                        why == close_reason::crowded_out || why == close_reason::over_budget;
  if (!open_ || hopeless || !socket_.is_open()) return abort();
  limit(port().options.handshake_deadline);
  auto code = ws::close_code::policy_error;
  if (why == close_reason::malformed) code = ws::close_code::protocol_error;
  if (why == close_reason::too_large) code = ws::close_code::too_big;
  if (why == close_reason::text_frame) code = ws::close_code::unknown_data;
  if (why == close_reason::replaced) code = ws::close_code::normal;
  auto const word = name_of(why);
  socket_.async_close({code, beast::string_view{word.data(), word.size()}}, [me](io_error) { me->abort(); });
}

}  // namespace tinykv::transport::detail
