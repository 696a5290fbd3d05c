#pragma once

#include <tinykv/policy/kv_engine.hpp>
#include <tinykv/storage/detail/treap.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tinykv::storage {

class memory_kv;

/// A place in one family of a `memory_view` (`KvCursor`). Every move is one walk from the root: logarithmic.
class memory_cursor {
 public:
  /// To the first key >= `key`.
  void seek(std::string_view key) { at_ = detail::treap::first_from(root_.get(), key); }
  /// To the last key < `key`; "" = the last of all.
  void seek_before(std::string_view key) {
    at_ = key.empty() ? detail::treap::last(root_.get()) : detail::treap::last_before(root_.get(), key);
  }
  /// One key up. Precondition: valid().
  void next() { at_ = detail::treap::first_after(root_.get(), at_->key); }
  /// One key down. Precondition: valid().
  void prev() { at_ = detail::treap::last_before(root_.get(), at_->key); }
  /// True iff it stands on a key.
  bool valid() const { return at_ != nullptr; }
  /// Valid until the cursor moves.
  std::string_view key() const { return at_->key; }
  /// Valid until the cursor moves.
  std::string_view value() const { return at_->value; }
  /// Never set: memory does not fail.
  std::optional<failure> error() const { return std::nullopt; }

 private:
  friend class memory_view;
  explicit memory_cursor(detail::treap::link root) : root_(std::move(root)) {}

  detail::treap::link root_;
  detail::treap::node const* at_ = nullptr;
};

/// The families of a `memory_kv` at one moment (`KvView`): a counted pointer to trees that never change. May outlive
/// the engine; costs nothing to keep but the memory of what was overwritten since.
class memory_view {
 public:
  /// The value of `key`, or none.
  result<std::optional<bytes>> get(policy::family f, std::string_view key) const {
    auto const root = root_of(f);
    if (!root) return root.error();
    auto const* found = detail::treap::first_from(root->get(), key);
    if (found == nullptr || found->key.view() != key) return std::optional<bytes>{};
    return std::optional<bytes>{found->value};
  }
  /// A cursor over `f`; over a family that does not exist it finds nothing.
  memory_cursor cursor(policy::family f) const { return memory_cursor{root_of(f).value_or(nullptr)}; }

 private:
  friend class memory_kv;
  using roots = std::vector<detail::treap::link>;
  explicit memory_view(std::shared_ptr<roots const> at) : roots_(std::move(at)) {}

  result<detail::treap::link> root_of(policy::family f) const {
    if (f.number >= roots_->size()) return rejected(error_code::invalid_argument, "there is no such column family");
    return (*roots_)[f.number];
  }

  std::shared_ptr<roots const> roots_;
};

/// A `KvEngine` in memory. A batch copies the paths to the keys that it changes and publishes new roots, so a view is
/// one pointer, a put costs O(log n), and no reader ever waits for the writer. Volatile: gone with the object.
class memory_kv {
 public:
  using view_type = memory_view;          ///< See there.
  static constexpr bool durable = false;  ///< Nothing outlives the object.

  /// Empty families with these names; family n is the n-th.
  explicit memory_kv(std::vector<std::string> const& families)
      : state_(std::make_unique<state>()) {
    state_->roots = std::make_shared<memory_view::roots const>(families.size());
  }

  /// Visible to every later view, whole. `rejected` (invalid_argument) and without effect when an operation names no
  /// family of this engine or no key.
  result<done> write(policy::kv_batch const& batch) {
    auto next = *state_->roots;  // only this thread replaces the pointer, so reading it takes no lock
    for (auto const& operation : batch.operations) {
      if (operation.family.number >= next.size())
        return rejected(error_code::invalid_argument, "there is no such column family");
      if (operation.key.empty() && operation.action != policy::kv_action::erase_range)
        return rejected(error_code::invalid_argument, "a key must not be empty");
      apply(next[operation.family.number], operation);
    }
    auto published = std::make_shared<memory_view::roots const>(std::move(next));
    std::lock_guard const lock{state_->mutex};
    state_->roots.swap(published);  // the old roots are freed after the lock, unless a view holds them
    return done{};
  }

  /// Nothing to do: a volatile engine promises nothing over a stop.
  result<done> sync() { return done{}; }

  /// What is there now. Any thread.
  result<memory_view> view() const {
    std::lock_guard const lock{state_->mutex};
    return memory_view{state_->roots};
  }

 private:
  struct state {
    std::mutex mutex;  // guards the pointer only
    std::shared_ptr<memory_view::roots const> roots;
    detail::treap::priorities priorities;
  };

  void apply(detail::treap::link& root, policy::kv_operation const& operation) {
    switch (operation.action) {
      case policy::kv_action::put:
        // Copies: a slice kept here would keep the whole command or frame alive that it was cut from.
        root = detail::treap::put(root, bytes::copy_of(operation.key.view()), bytes::copy_of(operation.value.view()),
                                  state_->priorities.next());
        break;
      case policy::kv_action::erase: root = detail::treap::erase(root, operation.key); break;
      case policy::kv_action::erase_range:
        root = detail::treap::erase_range(root, operation.key, operation.value);
        break;
    }
  }

  std::unique_ptr<state> state_;
};

static_assert(policy::KvEngine<memory_kv>);

}  // namespace tinykv::storage
