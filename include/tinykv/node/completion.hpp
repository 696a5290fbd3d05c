#pragma once

#include <tinykv/core/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <memory>
#include <utility>

namespace tinykv::detail {

/// One open call of a node: completes its handler exactly once, never inside the initiating call, on the handler's
/// executor, and keeps that executor running until then.
template <class T, class Handler>
class completion : public std::enable_shared_from_this<completion<T, Handler>> {
 public:
  completion(Handler handler, boost::asio::any_io_executor const& fallback)
      : work_(boost::asio::get_associated_executor(handler, fallback)), handler_(std::move(handler)) {}

  /// Lets the handler's cancellation slot end the call with `reason`.
  void cancel_with(failure reason) {
    auto slot = boost::asio::get_associated_cancellation_slot(handler_);
    if (!slot.is_connected()) return;
    slot.assign([weak = this->weak_from_this(), reason = std::move(reason)](boost::asio::cancellation_type) {
      if (auto const self = weak.lock()) self->complete(failure{reason});
    });
  }
  /// Ends the call; the second time nothing happens. Any thread.
  void complete(result<T> value) {
    if (ended_.exchange(true)) return;
    boost::asio::post(work_.get_executor(), [self = this->shared_from_this(), value = std::move(value)]() mutable {
      auto handler = std::move(self->handler_);
      self->work_.reset();
      self.reset();
      std::move(handler)(std::move(value));
    });
  }

 private:
  boost::asio::executor_work_guard<boost::asio::any_io_executor> work_;
  Handler handler_;
  std::atomic<bool> ended_{false};
};

}  // namespace tinykv::detail
