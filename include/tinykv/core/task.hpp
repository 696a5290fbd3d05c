#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace tinykv {

template <class Signature>
class unique_function;

/// A move-only callable (`std::move_only_function` of C++23). Calling an empty one is undefined.
template <class R, class... Args>
class unique_function<R(Args...)> {
 public:
  /// Empty.
  unique_function() = default;
  /// Holds `f`.
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, unique_function> && std::is_invocable_r_v<R, F&, Args...>)
  unique_function(F&& f) : target_(std::make_unique<holder<std::decay_t<F>>>(std::forward<F>(f))) {}

  /// True iff it holds something.
  explicit operator bool() const noexcept { return target_ != nullptr; }
  /// Calls what it holds.
  R operator()(Args... args) { return target_->call(std::forward<Args>(args)...); }

 private:
  struct base {
    virtual ~base() = default;
    virtual R call(Args... args) = 0;
  };
  template <class F>
  struct holder final : base {
    template <class G>
    explicit holder(G&& g) : f(std::forward<G>(g)) {}
    R call(Args... args) override { return f(std::forward<Args>(args)...); }
    F f;
  };
  std::unique_ptr<base> target_;
};

/// A piece of work for a lane.
using task = unique_function<void()>;

}  // namespace tinykv
