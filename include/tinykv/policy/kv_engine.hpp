#pragma once

#include <tinykv/core/bytes.hpp>
#include <tinykv/core/result.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tinykv::policy {

/// A column family: its place in the list of names that the engine was opened with.
struct family {
  std::uint8_t number = 0;  ///< 0 is the first name.

  /// Numerical.
  friend constexpr auto operator<=>(family, family) = default;
};

/// What one operation of a batch does.
enum class kv_action : std::uint8_t {
  put = 0,          ///< key = value.
  erase = 1,        ///< No more key; fine if there is none.
  erase_range = 2,  ///< No more keys in [key, value); an empty value means to the end.
};

/// One operation of a batch.
struct kv_operation {
  kv_action action = kv_action::put;  ///< What.
  policy::family family;              ///< Where.
  bytes key;                          ///< Never empty for put and erase. Unsigned lexicographic order.
  bytes value;                        ///< Of put (empty is a value); the end of erase_range.
};

/// Operations that become visible and durable together, in order: later ones win.
struct kv_batch {
  std::vector<kv_operation> operations;  ///< In order.

  /// key = value.
  void put(family f, bytes key, bytes value) {
    operations.push_back({kv_action::put, f, std::move(key), std::move(value)});
  }
  /// No more key.
  void erase(family f, bytes key) { operations.push_back({kv_action::erase, f, std::move(key), {}}); }
  /// No more keys in [begin, end); an empty end means to the end of the family.
  void erase_range(family f, bytes begin, bytes end) {
    operations.push_back({kv_action::erase_range, f, std::move(begin), std::move(end)});
  }
};

/// A place in one column family of a view; starts unpositioned. Keys rise with `next`. `key` and `value` are valid
/// until the cursor moves, and only while `valid()`. After a failure `valid()` is false and `error()` says why.
template <class C>
concept KvCursor = requires(C& cursor, C const& place, std::string_view key) {
  cursor.seek(key);           // the first key >= `key`; "" = the first of all
  cursor.seek_before(key);    // the last key < `key`; "" = the last of all
  cursor.next();              // precondition: valid()
  cursor.prev();              // precondition: valid()
  { place.valid() } -> std::same_as<bool>;
  { place.key() } -> std::same_as<std::string_view>;
  { place.value() } -> std::same_as<std::string_view>;
  { place.error() } -> std::same_as<std::optional<failure>>;
};

/// The engine at one moment; never changes. Used by one thread at a time, any thread. Cursors must not outlive it.
template <class V>
concept KvView = std::movable<V> && requires(V const& view, family f, std::string_view key) {
  { view.get(f, key) } -> std::same_as<result<std::optional<bytes>>>;  // absent differs from empty
  { view.cursor(f) } -> KvCursor;
};

/// Ordered keys in column families, with atomic batches and views: the store of a machine's data.
///
/// The model promises:
///  1. `write` makes a batch visible to later views at once and whole. It need not be durable yet.
///  2. After a crash a *prefix* of the written batches is there: whole batches, all families alike. Everything written
///     before the last successful `sync()` is in that prefix (`durable = true`), or nothing is (`durable = false`).
///  3. A view, taken from any thread, holds a prefix of the batches, at least those whose `write` returned before, and
///     never changes, not even when its keys are erased. An open view may keep disk space from being reused: keep none
///     for long. A model may end one that keeps too much: it answers `rejected` (busy) from then on.
///  4. Damage is found and answered `fatal` (corrupt); a key is never answered with another one's value by it.
///  5. After a failed `write` or `sync` every later one fails (I-31).
/// The caller promises:
///  6. `write` and `sync` from one lane (apply). Families below the number of names given at opening.
/// On failure: `fatal` (io, corrupt, disk_full).
template <class E>
concept KvEngine = std::movable<E> && requires(E& engine, kv_batch const& batch) {
  typename E::view_type;
  requires KvView<typename E::view_type>;
  { E::durable } -> std::convertible_to<bool>;
  { engine.write(batch) } -> std::same_as<result<done>>;
  { engine.sync() } -> std::same_as<result<done>>;
  { engine.view() } -> std::same_as<result<typename E::view_type>>;
};

/// Has a view for the lane that writes, besides those that its bound on open views counts, so that no number of readers
/// can stop what is applied: `writer_view()` shows all that was written before. One at a time.
template <class E>
concept WriterViewEngine = KvEngine<E> && requires(E& engine) {
  { engine.writer_view() } -> std::same_as<result<typename E::view_type>>;
};

}  // namespace tinykv::policy
