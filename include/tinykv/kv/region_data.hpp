#pragma once

#include <tinykv/codec/kv_snapshot.hpp>
#include <tinykv/core/bytes.hpp>
#include <tinykv/core/region.hpp>
#include <tinykv/kv/families.hpp>
#include <tinykv/policy/kv_engine.hpp>
#include <tinykv/policy/snapshottable_machine.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace tinykv::kv {

/// The families that hold data, in order. A region owns the keys of its range in each of them, as they are stored.
inline constexpr std::array data_families{default_family, write_family, lock_family, raw_family};

/// Bounds of the batches that fill and clear a region. A batch stops every other group of the store for as long as it
/// takes, so a whole region is never one (SAFETY.md §5).
struct batch_bounds {
  std::size_t bytes = 1U << 20;  ///< Of keys and values, about.
  std::size_t keys = 10'000;     ///< How many.
};

/// A view of `engine` for the lane that writes: one that other readers cannot use up, if the engine has it.
template <policy::KvEngine Engine>
result<typename Engine::view_type> view_of_writer(Engine& engine) {
  if constexpr (policy::WriterViewEngine<Engine>) return engine.writer_view();
  else return engine.view();
}

namespace detail {

/// [from, to), and whether there may be more keys behind.
struct erased_piece {
  std::string to;
  bool any = false;
  bool more = false;
};

/// How far one batch may erase from `from` on.
template <policy::KvEngine Engine>
result<erased_piece> next_piece(Engine& engine, policy::family f, std::string_view from, std::string_view end, batch_bounds const& bounds) {
  auto const view = view_of_writer(engine);
  if (!view) return view.error();
  auto cursor = view->cursor(f);
  std::size_t size = 0;
  std::size_t keys = 0;
  auto const inside = [&] { return cursor.valid() && (end.empty() || cursor.key() < end); };
  for (cursor.seek(from); inside() && keys < bounds.keys && size < bounds.bytes; cursor.next()) {
    size += cursor.key().size() + cursor.value().size();
    ++keys;
  }
  if (auto problem = cursor.error()) return *problem;
  auto const more = inside();
  return erased_piece{std::string{more ? cursor.key() : end}, keys != 0, more};
}

}  // namespace detail

/// Erases all data in [start, end), an empty `end` being no end, in bounded batches. Apply lane.
template <policy::KvEngine Engine>
result<done> clear_range(Engine& engine, std::string_view start, std::string_view end, batch_bounds const& bounds) {
  if (!end.empty() && start >= end) return done{};
  for (auto const f : data_families) {
    std::string from{start};
    for (auto more = true; more;) {
      auto piece = detail::next_piece(engine, f, from, end, bounds);
      if (!piece) return std::move(piece).error();
      if (!piece->any) break;
      policy::kv_batch batch;
      batch.erase_range(f, bytes::copy_of(from), bytes::copy_of(piece->to));
      if (auto erased = engine.write(batch); !erased) return erased;
      from = std::move(piece->to);
      more = piece->more;
    }
  }
  return done{};
}

/// Writes a region and all its data in `view` out, in records of about 64 KiB.
template <policy::KvView View>
result<done> save_region(View const& view, codec::region_record const& of, policy::snapshot_writer& out) {
  constexpr std::size_t record_bytes = 64U << 10;
  if (auto written = out.write(codec::encode_snapshot_region(of)); !written) return written;
  auto const& end = of.region.end;
  for (auto const f : data_families) {
    codec::pairs_writer pairs{f.number};
    auto cursor = view.cursor(f);
    for (cursor.seek(of.region.start); cursor.valid() && (end.empty() || cursor.key() < end); cursor.next()) {
      if (!pairs.empty() && pairs.record().size() + cursor.key().size() + cursor.value().size() > record_bytes) {
        if (auto written = out.write(pairs.record()); !written) return written;
        pairs.clear(f.number);
      }
      pairs.add(cursor.key(), cursor.value());
    }
    if (auto problem = cursor.error()) return *problem;
    if (pairs.empty()) continue;
    if (auto written = out.write(pairs.record()); !written) return written;
  }
  return done{};
}

/// Fills an engine with the data of a region, in bounded batches; the last one is the caller's to write. Apply lane.
template <policy::KvEngine Engine>
class region_filler {
 public:
  /// Takes pairs within the range of `into` only.
  region_filler(Engine& engine, tinykv::region const& into, batch_bounds const& bounds)
      : engine_(engine), into_(into), bounds_(bounds) {}

  /// Takes the pairs of a record; shares its memory until they are written. `fatal` (corrupt) when one of them is out of
  /// place.
  result<done> take(bytes const& record) {
    return codec::for_pairs(record.view(), [&](std::uint8_t family, std::string_view key, std::string_view value) -> result<done> {
      if (family >= meta_family.number || key.empty() || !into_.contains(key) || !rises(family, key))
        return fatal(error_code::corrupt, "the snapshot holds a key that does not belong there");
      auto const part = [&](std::string_view text) {
        return record.slice(static_cast<std::size_t>(text.data() - record.data()), text.size());
      };
      batch_.put({family}, part(key), part(value));
      size_ += key.size() + value.size();
      return size_ < bounds_.bytes && batch_.operations.size() < bounds_.keys ? result<done>{} : write();
    });
  }
  /// What has not been written yet; more may be added.
  policy::kv_batch& rest() { return batch_; }

 private:
  bool rises(std::uint8_t family, std::string_view key) {
    auto const rising = family > family_ || (family == family_ && (last_key_.empty() || key > last_key_));
    family_ = family;
    last_key_ = key;
    return rising;
  }
  result<done> write() {
    auto written = engine_.write(batch_);
    batch_.operations.clear();
    size_ = 0;
    return written;
  }

  Engine& engine_;
  tinykv::region const& into_;
  batch_bounds const& bounds_;
  policy::kv_batch batch_;
  std::size_t size_ = 0;
  std::uint8_t family_ = 0;
  std::string last_key_;
};

}  // namespace tinykv::kv
