#pragma once

#include <tinykv/core/check.hpp>
#include <tinykv/core/done.hpp>
#include <tinykv/core/failure.hpp>

#include <type_traits>
#include <utility>
#include <variant>

namespace tinykv {

/// Marks a value as the error of a `result`: `return unexpected{rejected(error_code::busy)};`.
template <class E>
struct unexpected {
  E value;  ///< The error.
};
/// Deduces the error's type.
template <class E>
unexpected(E) -> unexpected<E>;

/// A value or the reason why there is none; the names are those of `std::expected`. Converts from a value and from a
/// `failure`, so `return rejected(...)` reads as it should. Access to what is not there is a broken assumption.
template <class T, class E = failure>
class [[nodiscard]] result {
 public:
  using value_type = T;  ///< What success gives.
  using error_type = E;  ///< What failure gives.

  /// Success with a default value.
  result()
    requires std::is_default_constructible_v<T>
      : state_(std::in_place_index<0>) {}
  /// Success.
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  /// Failure.
  result(E error)
    requires(!std::is_same_v<T, E>)
      : state_(std::in_place_index<1>, std::move(error)) {}
  /// Failure.
  result(unexpected<E> error) : state_(std::in_place_index<1>, std::move(error.value)) {}

  /// True iff there is a value.
  bool has_value() const noexcept { return state_.index() == 0; }
  /// True iff there is a value.
  explicit operator bool() const noexcept { return has_value(); }

  /// The value. Precondition: has_value().
  T& value() & {
    TINYKV_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  /// The value. Precondition: has_value().
  T const& value() const& {
    TINYKV_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  /// The value, moved out. Precondition: has_value().
  T&& value() && {
    TINYKV_CHECK(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }                     ///< As value().
  T const& operator*() const& { return value(); }          ///< As value().
  T&& operator*() && { return std::move(*this).value(); }  ///< As value().
  T* operator->() { return &value(); }                     ///< As value().
  T const* operator->() const { return &value(); }         ///< As value().

  /// The value, or `other` when there is none.
  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(other));
  }

  /// The error. Precondition: !has_value().
  E& error() & {
    TINYKV_CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  /// The error. Precondition: !has_value().
  E const& error() const& {
    TINYKV_CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  /// The error, moved out. Precondition: !has_value().
  E&& error() && {
    TINYKV_CHECK(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

  /// `f(value)` (which returns a result with the same error type), or this error.
  template <class F>
  auto and_then(F&& f) && -> std::invoke_result_t<F, T&&> {
    if (has_value()) return std::forward<F>(f)(std::move(*this).value());
    return std::move(*this).error();
  }
  /// A result of `f(value)`, or this error.
  template <class F>
  auto transform(F&& f) && -> result<std::invoke_result_t<F, T&&>, E> {
    if (has_value()) return std::forward<F>(f)(std::move(*this).value());
    return std::move(*this).error();
  }

 private:
  std::variant<T, E> state_;
};

}  // namespace tinykv
