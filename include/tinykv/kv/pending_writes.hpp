#pragma once

#include <tinykv/codec/kv_records.hpp>
#include <tinykv/kv/families.hpp>
#include <tinykv/policy/kv_engine.hpp>

#include <map>
#include <optional>
#include <string_view>

namespace tinykv::kv {

/// The writes of an apply batch that the engine does not hold yet. A command must see those of the commands before it,
/// or the replies would depend on where a batch was cut, and replicas cut differently.
class pending_writes {
 public:
  /// `key` = `value`, or no more `key`.
  void set(std::string_view key, std::optional<std::string_view> value) {
    if (value) {
      auto [k, v] = codec::encode_raw(key, *value);
      batch_.put(raw_family, std::move(k), std::move(v));
    } else {
      batch_.erase(raw_family, bytes::copy_of(key));
    }
  }

  /// The latest pending write to `key`, or null.
  policy::kv_operation const* find(std::string_view key) {
    // Indexed on demand: a batch without conditions never pays for it. The keys stay where they are when the batch grows.
    for (; indexed_ < batch_.operations.size(); ++indexed_) latest_[batch_.operations[indexed_].key] = indexed_;
    auto const found = latest_.find(key);
    return found == latest_.end() ? nullptr : &batch_.operations[found->second];
  }

  /// All of them, in order; more may be added.
  policy::kv_batch& batch() { return batch_; }

 private:
  policy::kv_batch batch_;
  std::map<std::string_view, std::size_t> latest_;
  std::size_t indexed_ = 0;
};

}  // namespace tinykv::kv
