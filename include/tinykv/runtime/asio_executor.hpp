#pragma once

#include <tinykv/policy/executor.hpp>

#include <memory>

namespace boost::asio {
class io_context;
}

namespace tinykv::runtime {

/// Runs a store on Boost.Asio: the home lane is an `io_context` of the caller, which one thread at a time must run; each
/// lane is a thread of its own, started with its first task.
///
/// `io_context::run()` returns by itself when nothing is left to do: a queued or running lane task and a waiting timer
/// count as work, an idle lane does not. One executor may serve several stores; they share the lanes.
class asio_executor {
 public:
  /// Runs home tasks on `home`, which must outlive the executor.
  explicit asio_executor(boost::asio::io_context& home);
  /// As `stop()`.
  ~asio_executor();
  asio_executor(asio_executor const&) = delete;
  asio_executor& operator=(asio_executor const&) = delete;

  /// Queues `work` on the home lane. Any thread.
  void post(task work);
  /// Queues `work` on the home lane after `delay`, by a clock that stands still while the machine sleeps: late, never
  /// early, by `steady_clock`. Home lane only.
  void post_after(duration delay, task work);
  /// Queues `work` on the lane's thread. Home lane only.
  void post_on(policy::lane where, task work);

  /// Destroys the timers, waits for the lane tasks that run, destroys the queued ones unrun. Tasks that come later are
  /// destroyed; home tasks still run, as they belong to the io_context. On the home lane or when nobody runs it; never
  /// on a lane. May be repeated.
  void stop();

  /// The home lane.
  boost::asio::io_context& context() noexcept;

 private:
  struct body;
  std::shared_ptr<body> body_;  // shared with the waiting timers
};

static_assert(policy::Executor<asio_executor>);

}  // namespace tinykv::runtime

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/runtime/impl/asio_executor.ipp>
#endif
