#pragma once

#include <tinykv/node/completion.hpp>
#include <tinykv/raft/core.hpp>
#include <tinykv/raftstore/store.hpp>
#include <tinykv/runtime/asio_executor.hpp>
#include <tinykv/runtime/steady_clock.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace tinykv {

/// Replicates one state machine: the public face for users with a machine of their own.
///
/// Every call takes an Asio completion token with the signature `void(result<T>)`, so `co_await` and futures give a
/// `result` and never throw. Calls may be made from any thread; completion runs exactly once, never inside the call, on
/// the handler's associated executor (the home lane's if it has none). Each call has a `patience`: when it is over, or
/// when the call is cancelled, a proposal is answered `unknown` if its entry may be in a log.
///
/// The executor outlives the node. Destroying a node ends it; what is open is answered `unknown` (stopped).
template <class P>
class node : private checked_composition<P> {  // whose sentences come before every other error
 public:
  using machine = typename P::machine;       ///< What is replicated.
  using reply = typename machine::reply;     ///< What a command answers.
  using view = raftstore::read_view<machine>;  ///< What a read is handed.

  /// Opens the node and begins to work; blocks while the log is loaded. `failed()` tells whether it could.
  node(identity who, parts<P> p, typename P::executor& where, raftstore::options options)
      : home_(where.context().get_executor()),
        group_(options.first_group.group),
        store_(raftstore::store<P>::create(who, std::move(p), where, std::move(options))) {}

  /// Why the node does not serve; empty while it does. Home lane, or before the executor runs.
  std::optional<failure> const& failed() const { return store_->failed(); }

  /// Orders `command`; gives the machine's reply once it was applied here. See `raftstore::store::propose`.
  template <class Token>
  auto async_propose(bytes command, duration patience, Token&& token) {
    return initiate<reply>(
        unknown(error_code::canceled, "cancelled; the command may still take effect"),
        [store = store_, group = group_, command = std::move(command), patience](auto op) mutable {
          store->propose(group, std::move(command), patience, [op](result<reply> r) { op->complete(std::move(r)); });
        },
        token);
  }
  /// Calls `look` with a view that holds everything acknowledged before this call, at leader and follower alike, on a
  /// lane beside the home lane; gives what it returns. See `raftstore::store::read`.
  template <class F, class Token>
  auto async_read(F look, duration patience, Token&& token) {
    return async_read(std::move(look), patience, raftstore::read_mode::index, std::forward<Token>(token));
  }
  /// The same, confirmed as `mode` says: `read_mode::log` orders an entry of its own for it, at the leader only.
  template <class F, class Token>
  auto async_read(F look, duration patience, raftstore::read_mode mode, Token&& token) {
    using value = typename as_result<std::invoke_result_t<F&, view&>>::value;
    return initiate<value>(
        rejected(error_code::canceled, "cancelled"),
        [store = store_, group = group_, look = std::move(look), patience, mode](auto op) mutable {
          store->read(
              group, patience,
              [op, look = std::move(look)](result<view> v) mutable {
                if (!v) return op->complete(std::move(v).error());
                op->complete(call(look, *v));
              },
              mode);
        },
        token);
  }
  /// Makes the voters and learners of `target` the members, at the leader, and gives the configuration when exactly these
  /// are in force; doing it again does nothing. See `raftstore::store::change_membership`. A cancelled change may go on.
  template <class Token>
  auto async_change_membership(raft::membership target, duration patience, Token&& token) {
    return initiate<raft::membership>(
        unknown(error_code::canceled, "cancelled; the members may still change"),
        [store = store_, group = group_, target = std::move(target), patience](auto op) mutable {
          store->change_membership(group, std::move(target), patience,
                                   [op](result<raft::membership> r) { op->complete(std::move(r)); });
        },
        token);
  }
  /// Hands the leadership over to `to`, at the leader. See `raftstore::store::transfer`. A cancelled handover may go on.
  template <class Token>
  auto async_transfer(peer_id to, duration patience, Token&& token) {
    return initiate<done>(
        unknown(error_code::canceled, "cancelled; the leadership may still be handed over"),
        [store = store_, group = group_, to, patience](auto op) {
          store->transfer(group, to, patience, [op](result<done> r) { op->complete(std::move(r)); });
        },
        token);
  }
  /// What can be seen of the node.
  template <class Token>
  auto async_status(Token&& token) {
    return initiate<raftstore::store_status>(
        rejected(error_code::canceled, "cancelled"),
        [store = store_](auto op) { store->status([op](raftstore::store_status s) { op->complete(std::move(s)); }); }, token);
  }
  /// Ends the service and gives `done` when nothing is under way any more.
  template <class Token>
  auto async_stop(Token&& token) {
    return initiate<done>(
        rejected(error_code::canceled, "cancelled; the node stops all the same"),
        [store = store_](auto op) { store->stop([op] { op->complete(done{}); }); }, token);
  }

 private:
  // A read may give a value or a result of one.
  template <class R>
  struct as_result {
    using value = R;
  };
  template <class R>
  struct as_result<result<R>> {
    using value = R;
  };

  template <class F>
  static auto call(F& look, view& v) -> result<typename as_result<std::invoke_result_t<F&, view&>>::value> {
    try {
      return look(v);
    } catch (std::exception const& e) {
      return rejected(error_code::invalid_argument, std::string{"the read threw: "} + e.what());
    } catch (...) {
      return rejected(error_code::invalid_argument, "the read threw");
    }
  }

  template <class T, class Begin, class Token>
  auto initiate(failure cancelled, Begin begin, Token& token) {
    return boost::asio::async_initiate<Token, void(result<T>)>(
        [home = home_](auto handler, failure why, Begin start) mutable {
          using operation = detail::completion<T, decltype(handler)>;
          auto op = std::make_shared<operation>(std::move(handler), boost::asio::any_io_executor{home});
          op->cancel_with(std::move(why));
          start(std::move(op));
        },
        token, std::move(cancelled), std::move(begin));
  }

  boost::asio::io_context::executor_type home_;
  group_id group_;
  std::shared_ptr<raftstore::store<P>> store_;
};

}  // namespace tinykv
