#pragma once

#include <tinykv/core/bytes.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

/// A persistent ordered map: an update copies the nodes on its path and shares all others with the version before
/// (Seidel and Aragon's treap; Driscoll, Sarnak, Sleator and Tarjan's path copying). Nodes never change once linked,
/// so any number of threads may read any version. Depth is logarithmic with high probability, whatever the keys are,
/// because priorities do not depend on them.
namespace tinykv::storage::detail::treap {

struct node;
using link = std::shared_ptr<node const>;

struct node {
  bytes key;
  bytes value;
  std::uint64_t priority;  // not below that of its children
  link left;
  link right;
};

/// A fixed sequence without repetition (splitmix64): the same inserts give the same tree in every run.
class priorities {
 public:
  std::uint64_t next() {
    auto z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_ = 0;
};

inline link with_children(node const& n, link left, link right) {
  return std::make_shared<node const>(node{n.key, n.value, n.priority, std::move(left), std::move(right)});
}

/// The nodes with a key < `key`, and the others.
inline std::pair<link, link> split(link const& root, std::string_view key) {
  if (!root) return {};
  if (root->key.view() < key) {
    auto [low, high] = split(root->right, key);
    return {with_children(*root, root->left, std::move(low)), std::move(high)};
  }
  auto [low, high] = split(root->left, key);
  return {std::move(low), with_children(*root, std::move(high), root->right)};
}

/// Both trees as one. Precondition: every key of `low` is below every key of `high`.
inline link join(link const& low, link const& high) {
  if (!low) return high;
  if (!high) return low;
  if (low->priority >= high->priority) return with_children(*low, low->left, join(low->right, high));
  return with_children(*high, join(low, high->left), high->right);
}

inline node const* first_from(node const* at, std::string_view key) {
  node const* best = nullptr;
  while (at != nullptr) {
    if (at->key.view() < key) {
      at = at->right.get();
    } else {
      best = at;
      at = at->left.get();
    }
  }
  return best;
}

inline node const* first_after(node const* at, std::string_view key) {
  node const* best = nullptr;
  while (at != nullptr) {
    if (at->key.view() <= key) {
      at = at->right.get();
    } else {
      best = at;
      at = at->left.get();
    }
  }
  return best;
}

inline node const* last_before(node const* at, std::string_view key) {
  node const* best = nullptr;
  while (at != nullptr) {
    if (at->key.view() < key) {
      best = at;
      at = at->right.get();
    } else {
      at = at->left.get();
    }
  }
  return best;
}

inline node const* last(node const* at) {
  while (at != nullptr && at->right) at = at->right.get();
  return at;
}

/// `root` with a new value for a key that it holds.
inline link replace(link const& root, bytes const& key, bytes const& value) {
  if (key.view() < root->key.view()) return with_children(*root, replace(root->left, key, value), root->right);
  if (root->key.view() < key.view()) return with_children(*root, root->left, replace(root->right, key, value));
  return std::make_shared<node const>(node{root->key, value, root->priority, root->left, root->right});
}

/// `root` with a key that it does not hold.
inline link insert(link const& root, bytes const& key, bytes const& value, std::uint64_t priority) {
  if (root && root->priority >= priority) {
    if (key.view() < root->key.view())
      return with_children(*root, insert(root->left, key, value, priority), root->right);
    return with_children(*root, root->left, insert(root->right, key, value, priority));
  }
  auto [low, high] = split(root, key);
  return std::make_shared<node const>(node{key, value, priority, std::move(low), std::move(high)});
}

inline link put(link const& root, bytes const& key, bytes const& value, std::uint64_t priority) {
  auto const* found = first_from(root.get(), key);
  return found != nullptr && found->key == key ? replace(root, key, value) : insert(root, key, value, priority);
}

/// `root` without the keys in [begin, end); an empty `end` means to the last.
inline link erase_range(link const& root, std::string_view begin, std::string_view end) {
  auto [low, rest] = split(root, begin);
  if (end.empty()) return low;
  if (end <= begin) return root;
  return join(low, split(rest, end).second);
}

/// `root` without `key`, which need not be there.
inline link erase(link const& root, std::string_view key) {
  if (!root) return root;
  if (key < root->key.view()) {
    auto left = erase(root->left, key);
    return left == root->left ? root : with_children(*root, std::move(left), root->right);
  }
  if (root->key.view() < key) {
    auto right = erase(root->right, key);
    return right == root->right ? root : with_children(*root, root->left, std::move(right));
  }
  return join(root->left, root->right);
}

}  // namespace tinykv::storage::detail::treap
