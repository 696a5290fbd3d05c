#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/runtime/asio_executor.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace tinykv::runtime {

namespace detail {

/// One thread and its queue.
class lane_thread {
 public:
  lane_thread() = default;
  ~lane_thread() { stop(); }

  /// Queues `work`; `home` has work to do until it has run.
  void push(boost::asio::io_context& home, task work) {
    if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
    {
      std::lock_guard const hold{mutex_};
      queue_.push_back({boost::asio::make_work_guard(home), std::move(work)});
    }
    ready_.notify_one();
  }
  /// Waits for the running task; destroys the others.
  void stop() {
    {
      std::lock_guard const hold{mutex_};
      stopping_ = true;
    }
    ready_.notify_one();
    if (thread_.joinable()) thread_.join();
    queue_.clear();
  }

 private:
  /// The guard is released after the task has run, hence after everything it posts has arrived on the home lane.
  struct job {
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_home_running;
    task work;
  };

  void run() {
    for (std::unique_lock hold{mutex_};;) {
      ready_.wait(hold, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      {
        auto next = std::move(queue_.front());
        queue_.pop_front();
        hold.unlock();
        next.work();
      }
      hold.lock();
    }
  }

  std::mutex mutex_;  // guards queue_ and stopping_
  std::condition_variable ready_;
  std::deque<job> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace detail

/// Touched on the home lane only, the lanes' queues apart.
struct asio_executor::body {
  explicit body(boost::asio::io_context& io) : home(io) {}

  boost::asio::io_context& home;
  bool stopped = false;
  std::list<boost::asio::steady_timer> timers;
  std::array<detail::lane_thread, policy::lane_count> lanes;
};

TINYKV_DECL asio_executor::asio_executor(boost::asio::io_context& home) : body_(std::make_shared<body>(home)) {}

TINYKV_DECL asio_executor::~asio_executor() { stop(); }

TINYKV_DECL boost::asio::io_context& asio_executor::context() noexcept { return body_->home; }

TINYKV_DECL void asio_executor::post(task work) {
  boost::asio::post(body_->home, [work = std::move(work)]() mutable { work(); });
}

TINYKV_DECL void asio_executor::post_after(duration delay, task work) {
  if (body_->stopped) return;
  auto const timer = body_->timers.emplace(body_->timers.end(), body_->home, delay);
  timer->async_wait([body = body_, timer, work = std::move(work)](boost::system::error_code error) mutable {
    if (body->stopped) return;  // the list is gone; an expired timer may have been queued before that
    body->timers.erase(timer);
    if (!error) work();
  });
}

TINYKV_DECL void asio_executor::post_on(policy::lane where, task work) {
  if (body_->stopped) return;
  body_->lanes[static_cast<std::size_t>(where)].push(body_->home, std::move(work));
}

TINYKV_DECL void asio_executor::stop() {
  body_->stopped = true;
  body_->timers.clear();
  for (auto& lane : body_->lanes) lane.stop();
}

}  // namespace tinykv::runtime
