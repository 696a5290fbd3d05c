#pragma once

#include <tinykv/codec/kv_command.hpp>
#include <tinykv/core/random.hpp>
#include <tinykv/kv/families.hpp>
#include <tinykv/kv/kv_machine.hpp>
#include <tinykv/sim/disk_kv.hpp>
#include <tinykv/testing/cluster_options.hpp>

#include <cstdint>
#include <string>

/// The key/value store's own machine, whose data can be compared: over an engine that loses unsynced batches at a crash.
template <class Engine>
class digested_kv : public tinykv::kv::kv_machine<Engine> {
 public:
  template <class E>
  using on = digested_kv<E>;

  explicit digested_kv(tinykv::kv::kv_machine<Engine> of) : tinykv::kv::kv_machine<Engine>(std::move(of)) {}

  /// Over all pairs.
  std::uint64_t digest() const {
    std::uint64_t out = 0;
    auto const mix = [&](std::string_view text) {
      for (auto const c : text) out = (out ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
      out += 0x9e3779b97f4a7c15ULL;
    };
    auto const view = this->view();
    if (!view) return 0;
    auto const page = view->scan({});
    if (!page) return 0;
    for (auto const& pair : page->pairs) {
      mix(pair.key);
      mix(pair.value);
    }
    return out;
  }
};

inline tinykv::region first_region(tinykv::testing::cluster_options const& of) {
  tinykv::region out;
  out.id = of.store.first_group.group;
  for (std::uint64_t i = 1; i <= of.stores; ++i) out.peers.push_back({tinykv::peer_id{i}, tinykv::store_id{i}, {}});
  return out;
}

/// Spare stores have no region until a snapshot brings it.
inline tinykv::result<digested_kv<tinykv::sim::disk_kv>> open_kv(tinykv::sim::world& in, tinykv::store_id store,
                                                                 tinykv::testing::cluster_options const& of) {
  auto const region = first_region(of);
  auto opened = tinykv::kv::kv_machine<tinykv::sim::disk_kv>::open({in, store, tinykv::kv::family_names().size()}, region.id);
  if (!opened) return std::move(opened).error();
  if (store.value <= of.stores)
    if (auto const made = opened->bootstrap(region); !made) return made.error();
  return digested_kv<tinykv::sim::disk_kv>{std::move(*opened)};
}

/// One to three writes to a few keys; some conditional.
inline tinykv::bytes draw_kv_command(tinykv::random& chance, std::uint64_t number) {
  static constexpr std::string_view keys[] = {"a", "b", "c", "d", "e", "f"};
  auto const value = std::to_string(number);
  tinykv::codec::kv_command out;
  out.region = tinykv::group_id{1};
  auto const count = chance.between(1, 3);
  for (std::uint64_t i = 0; i < count; ++i) {
    tinykv::codec::kv_write write;
    write.key = keys[chance.below(std::size(keys))];
    if (i == 0 || chance.chance(700)) write.value = value;  // the number makes commands differ
    write.conditional = chance.chance(250);
    out.writes.push_back(write);
  }
  return tinykv::codec::encode(out);
}
