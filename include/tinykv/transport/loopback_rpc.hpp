#pragma once

#include <tinykv/policy/executor.hpp>
#include <tinykv/policy/rpc.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace tinykv::transport {

/// Rpc between the parts of one process: endpoints are names in a `hub`. A handler runs on the home lane of the one who
/// serves, a reply on that of the caller.
///
/// A movable handle on a `hub`. Ends (as by `stop`) when destroyed. `serve`, `call` and `stop` from the home lane of the
/// executor that it was made with.
class loopback_rpc {
  struct exchange;
  struct open_call;

 public:
  /// The bounds of a hub.
  struct options {
    std::size_t request_bytes_max = (1U << 20) + (64U << 10);  ///< A larger request is `rejected` (too_large).
    std::size_t in_flight_max = 4096;  ///< Calls of one handle that wait; more are `rejected` (busy).
  };

  /// Where the endpoints of one process are known. Owned by the caller; outlives its handles. Any thread.
  class hub {
   public:
    /// No endpoints yet; the default bounds.
    hub() : hub(options{}) {}
    /// No endpoints yet.
    explicit hub(options bounds) : shared_(std::make_shared<exchange>()) { shared_->bounds = bounds; }

   private:
    friend class loopback_rpc;
    std::shared_ptr<exchange> shared_;
  };

  /// A handle whose own endpoint is `name` (of no matter to one that only calls), with `executor`'s home lane.
  template <policy::Executor Executor>
  loopback_rpc(hub& where, std::string name, Executor& executor)
      : shared_(where.shared_), name_(std::move(name)), mine_(std::make_shared<party>()) {
    mine_->post = [&executor](task work) { executor.post(std::move(work)); };
    mine_->post_after = [&executor](duration delay, task work) { executor.post_after(delay, std::move(work)); };
  }
  loopback_rpc(loopback_rpc&& other) noexcept = default;  ///< The other one is empty then.
  /// Ends this one, then takes the other one over.
  loopback_rpc& operator=(loopback_rpc&& other) noexcept {
    if (this != &other) {
      stop();
      shared_ = std::move(other.shared_);
      name_ = std::move(other.name_);
      mine_ = std::move(other.mine_);
    }
    return *this;
  }
  ~loopback_rpc() { stop(); }

  /// Answers calls to the handle's name. `rejected` (locked) when someone else does, (stopped) after `stop`.
  result<done> serve(policy::rpc_handler handler) {
    if (!mine_ || mine_->stopped) return rejected(error_code::stopped, "this handle was stopped");
    std::scoped_lock const lock{shared_->mutex};
    if (!shared_->servers.try_emplace(name_, mine_).second)
      return rejected(error_code::locked, "endpoint " + name_ + " is already served");
    mine_->handler = std::move(handler);
    return done{};
  }

  /// Asks `endpoint`.
  void call(std::string const& endpoint, policy::rpc_request request, duration deadline, policy::rpc_reply reply) noexcept {
    if (!mine_) return;
    auto const asked = std::make_shared<open_call>(mine_, std::move(reply));
    if (mine_->stopped) return asked->answer(rejected(error_code::stopped, "this handle was stopped"));
    if (request.body.size() > shared_->bounds.request_bytes_max)
      return asked->answer(rejected(error_code::too_large, "request above request_bytes_max", shared_->bounds.request_bytes_max));
    if (mine_->open.size() >= shared_->bounds.in_flight_max)
      return asked->answer(rejected(error_code::busy, "too many calls wait for an answer", shared_->bounds.in_flight_max));
    auto const server = shared_->find(endpoint);
    if (!server) return asked->answer(rejected(error_code::unreachable, "nobody serves " + endpoint));
    asked->number = ++mine_->calls;
    mine_->open.emplace(asked->number, asked);
    mine_->post_after(deadline, [weak = std::weak_ptr{asked}] {
      if (auto const late = weak.lock()) late->answer(unknown(error_code::deadline, "no answer in time"));
    });
    server->post([server, request = std::move(request), deadline, asked]() mutable {
      if (server->stopped) return asked->answer(rejected(error_code::unreachable, "the endpoint was stopped"));
      server->handler(std::move(request), deadline, [asked](result<bytes> answer) { asked->answer(std::move(answer)); });
    });
  }

  /// Ends: no handler runs any more, and open calls are answered `unknown` (stopped).
  void stop() noexcept {
    if (!mine_ || mine_->stopped.exchange(true)) return;
    shared_->remove(name_, mine_);
    for (auto const& [number, asked] : std::exchange(mine_->open, {}))
      asked->answer(unknown(error_code::stopped, "the caller was stopped"));
  }

 private:
  /// One handle, as the others see it. `handler`, `calls` and `open` belong to its home lane.
  struct party {
    std::function<void(task)> post;
    std::function<void(duration, task)> post_after;
    std::atomic<bool> stopped{false};
    policy::rpc_handler handler;
    std::uint64_t calls = 0;
    std::map<std::uint64_t, std::shared_ptr<open_call>> open;  // kept until answered: a handler may forget its `reply`
  };

  /// Takes the first of: the answer, the deadline, the end of the caller.
  struct open_call : std::enable_shared_from_this<open_call> {
    open_call(std::shared_ptr<party> who, policy::rpc_reply where) : caller(std::move(who)), reply(std::move(where)) {}

    void answer(result<bytes> what) {
      if (answered.exchange(true)) return;
      caller->post([me = shared_from_this(), what = std::move(what)]() mutable {
        me->caller->open.erase(me->number);
        me->reply(std::move(what));
      });
    }

    std::shared_ptr<party> caller;
    policy::rpc_reply reply;
    std::uint64_t number = 0;  // among the caller's; 0 was never open
    std::atomic<bool> answered{false};
  };

  struct exchange {
    std::mutex mutex;
    options bounds;
    std::map<std::string, std::shared_ptr<party>, std::less<>> servers;

    std::shared_ptr<party> find(std::string const& name) {
      std::scoped_lock const lock{mutex};
      auto const place = servers.find(name);
      return place == servers.end() ? nullptr : place->second;
    }
    void remove(std::string const& name, std::shared_ptr<party> const& who) {
      std::scoped_lock const lock{mutex};
      auto const place = servers.find(name);
      if (place != servers.end() && place->second == who) servers.erase(place);
    }
  };

  std::shared_ptr<exchange> shared_;
  std::string name_;
  std::shared_ptr<party> mine_;
};

static_assert(policy::Rpc<loopback_rpc>);

}  // namespace tinykv::transport
