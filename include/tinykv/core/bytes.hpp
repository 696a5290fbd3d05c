#pragma once

#include <compare>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tinykv {

/// An immutable slice of a counted block. Copies share the block, so one command received from a client is the same
/// memory in the log window, the batch, the messages and the apply task. Safe to read from any thread.
/// A small slice keeps the whole block alive: copy what is kept for long.
class bytes {
 public:
  /// No bytes; no block.
  bytes() = default;

  /// A block of its own with a copy of `text`.
  static bytes copy_of(std::string_view text) {
    if (text.empty()) return {};
    auto block = std::make_shared_for_overwrite<char[]>(text.size());
    std::memcpy(block.get(), text.data(), text.size());
    auto const* data = block.get();
    return bytes{std::move(block), data, text.size()};
  }
  /// A block of its own with a copy of `data`.
  static bytes copy_of(std::span<std::byte const> data) {
    return copy_of(std::string_view{reinterpret_cast<char const*>(data.data()), data.size()});
  }
  /// Takes the string's memory over; nothing is copied unless the string is short (it lives inside the object then).
  static bytes adopt(std::string&& text) {
    if (text.empty()) return {};
    auto block = std::make_shared<std::string const>(std::move(text));
    auto const* data = block->data();
    auto const size = block->size();
    return bytes{std::move(block), data, size};
  }

  /// The bytes `[from, from + count)` of this one, sharing the block. Cut at the end like `std::string_view::substr`;
  /// `from` beyond the end gives no bytes.
  bytes slice(std::size_t from, std::size_t count = std::string_view::npos) const {
    if (from >= size_) return {};
    auto const rest = size_ - from;
    return bytes{block_, data_ + from, count < rest ? count : rest};
  }

  char const* data() const noexcept { return data_; }             ///< The first byte; null when empty.
  std::size_t size() const noexcept { return size_; }             ///< How many.
  bool empty() const noexcept { return size_ == 0; }              ///< True iff none.
  std::string_view view() const noexcept { return {data_, size_}; }  ///< The bytes as text; valid while this lives.
  operator std::string_view() const noexcept { return view(); }   ///< As view().
  std::string str() const { return std::string{view()}; }         ///< A copy.

  /// Equal iff the same bytes; the block does not matter.
  friend bool operator==(bytes const& a, bytes const& b) noexcept { return a.view() == b.view(); }
  /// Unsigned lexicographic order, a prefix first.
  friend std::strong_ordering operator<=>(bytes const& a, bytes const& b) noexcept { return a.view() <=> b.view(); }

 private:
  bytes(std::shared_ptr<void const> block, char const* data, std::size_t size)
      : block_(std::move(block)), data_(data), size_(size) {}

  std::shared_ptr<void const> block_;
  char const* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tinykv
