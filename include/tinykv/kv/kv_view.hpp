#pragma once

#include <tinykv/codec/kv_records.hpp>
#include <tinykv/kv/families.hpp>
#include <tinykv/kv/region_data.hpp>
#include <tinykv/kv/scan.hpp>
#include <tinykv/policy/kv_engine.hpp>

#include <optional>
#include <string_view>

namespace tinykv::kv {

/// The machine at one moment: data, region and applied position belong together, since all are read from one view of the
/// engine (SAFETY.md §7). Never changes. One thread at a time, any thread. Keep it for one answer, not for long.
template <policy::KvView View>
class kv_view {
 public:
  /// Reads region and position out of `view`. `fatal` when they are damaged.
  static result<kv_view> of(View view, group_id id) {
    kv_view out{std::move(view)};
    auto applied = out.view_.get(meta_family, codec::applied_key(id));
    if (!applied) return std::move(applied).error();
    if (*applied) {
      auto at = codec::decode_applied(**applied);
      if (!at) return std::move(at).error();
      out.applied_ = *at;
    }
    auto record = out.view_.get(meta_family, codec::region_key(id));
    if (!record) return std::move(record).error();
    if (*record) {
      auto region = codec::decode_region(**record);
      if (!region) return std::move(region).error();
      out.region_ = std::move(*region);
    }
    return out;
  }

  /// The last position whose effect is in this view.
  position applied() const { return applied_; }
  /// The region and its state; nullopt when it was never created here.
  std::optional<codec::region_record> const& region() const { return region_; }

  /// The value of `key`; nullopt = no such key.
  result<std::optional<bytes>> get(std::string_view key) const {
    auto stored = view_.get(raw_family, key);
    if (!stored || !*stored) return stored;
    auto const value = codec::decode_raw(**stored);
    if (!value) return value.error();
    return std::optional{(*stored)->slice(1)};
  }

  /// The pairs of `range`, cut to the region, in order; see scan_range for where it stops.
  result<scan_page> scan(scan_range range) const {
    if (region_) range.narrow(region_->region.start, region_->region.end);
    return kv::scan(view_.cursor(raw_family), range);
  }

  /// Writes the region and all its data out, for `kv_machine::restore`. `rejected` (not_found) when there is none that
  /// serves. The view may be open for as long as the disks take; the engine bounds what that costs.
  result<done> save(policy::snapshot_writer& out) const {
    if (!region_ || region_->state != region_state::normal) return rejected(error_code::not_found, "no region to be saved here");
    return save_region(view_, *region_, out);
  }

 private:
  explicit kv_view(View view) : view_(std::move(view)) {}

  View view_;
  position applied_;
  std::optional<codec::region_record> region_;
};

}  // namespace tinykv::kv
