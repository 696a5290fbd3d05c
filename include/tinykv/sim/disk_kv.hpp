#pragma once

#include <tinykv/core/result.hpp>
#include <tinykv/policy/kv_engine.hpp>
#include <tinykv/sim/engine_disk.hpp>
#include <tinykv/sim/world.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace tinykv::sim {

/// A place in one family of a `disk_kv_view`.
class disk_kv_cursor {
 public:
  using map = engine_disk::contents::value_type;  ///< What it walks over.
  /// Unpositioned.
  explicit disk_kv_cursor(map const& over) : map_(&over), at_(over.end()) {}
  /// The first key >= `key`; "" = the first of all.
  void seek(std::string_view key) { at_ = map_->lower_bound(key); }
  /// The last key < `key`; "" = the last of all.
  void seek_before(std::string_view key) {
    at_ = key.empty() ? map_->end() : map_->lower_bound(key);
    prev();
  }
  /// The next greater key.
  void next() { ++at_; }
  /// The next smaller key.
  void prev() { at_ = at_ == map_->begin() ? map_->end() : std::prev(at_); }
  bool valid() const { return at_ != map_->end(); }                 ///< On a key.
  std::string_view key() const { return at_->first; }               ///< Precondition: valid().
  std::string_view value() const { return at_->second; }            ///< Precondition: valid().
  std::optional<failure> error() const { return std::nullopt; }     ///< Never.

 private:
  map const* map_;
  map::const_iterator at_;
};

/// A `disk_kv` at one moment.
class disk_kv_view {
 public:
  /// Of these contents.
  explicit disk_kv_view(std::shared_ptr<engine_disk::contents const> of) : of_(std::move(of)) {}
  /// The value of a key.
  result<std::optional<bytes>> get(policy::family f, std::string_view key) const {
    auto const& map = (*of_)[f.number];
    auto const found = map.find(key);
    return found == map.end() ? std::optional<bytes>{} : std::optional{found->second};
  }
  /// A cursor over a family.
  disk_kv_cursor cursor(policy::family f) const { return disk_kv_cursor{(*of_)[f.number]}; }

 private:
  std::shared_ptr<engine_disk::contents const> of_;
};

/// The engine of a simulated store: a handle of one life on the host's disk.
class disk_kv {
 public:
  using view_type = disk_kv_view;        ///< What is read.
  static constexpr bool durable = true;  ///< After `sync()`.

  /// Opens the engine of the host of `store`, with this many column families at its first opening.
  disk_kv(world& in, store_id store, std::size_t families) : in_(&in), on_(&in.host(store)), life_(on_->life) {
    if (!on_->engine) on_->engine = std::make_shared<engine_disk>(families);
  }

  /// Makes `batch` visible; not durable yet.
  result<done> write(policy::kv_batch const& batch) {
    if (!usable()) return dead();
    in_->note(occurrence::kv_write, on_->id.value, batch.operations.size());
    on_->engine->write(batch);
    return done{};
  }
  /// Makes everything durable, unless the disk fails.
  result<done> sync() {
    if (!usable()) return dead();
    auto const limit = in_->weather.disk_error_per_million;
    on_->disk_failed = limit != 0 && in_->chance().below(1'000'000) < limit;
    if (on_->disk_failed) return dead();
    in_->note(occurrence::kv_sync, on_->id.value);
    on_->engine->sync();
    return done{};
  }
  /// The state at this moment.
  result<disk_kv_view> view() const {
    if (!usable()) return dead();
    return disk_kv_view{on_->engine->view()};
  }

 private:
  bool usable() const noexcept { return life_ == on_->life && !on_->disk_failed; }
  static failure dead() { return fatal(error_code::io, "the simulated disk failed; restart the store"); }

  world* in_;
  host* on_;
  std::uint64_t life_;
};

static_assert(policy::KvCursor<disk_kv_cursor>);
static_assert(policy::KvEngine<disk_kv>);

}  // namespace tinykv::sim
