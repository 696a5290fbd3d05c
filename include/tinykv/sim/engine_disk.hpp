#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/policy/kv_engine.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tinykv::sim {

class world;

/// What the engine of a simulated host holds: the state after the last sync, and the batches written since then, of which
/// a crash keeps a prefix (KvEngine 2).
class engine_disk {
 public:
  /// One ordered map per column family.
  using contents = std::vector<std::map<std::string, bytes, std::less<>>>;

  /// An empty engine with this many families.
  explicit engine_disk(std::size_t families) : synced_(std::make_shared<contents>(families)), current_(synced_) {}

  /// Takes a batch; views taken before do not see it.
  void write(policy::kv_batch batch);
  /// Everything written so far stays.
  void sync();
  /// Loses the batches from a random one on.
  void crash(world& in, store_id store);
  /// The state at this moment; never changes.
  std::shared_ptr<contents const> view() const { return current_; }
  /// How many batches a crash may lose.
  std::size_t unsynced() const noexcept { return unsynced_.size(); }
  /// How many batches crashes have taken so far.
  std::uint64_t lost() const noexcept { return lost_; }

 private:
  std::shared_ptr<contents> synced_;
  std::vector<policy::kv_batch> unsynced_;
  std::uint64_t lost_ = 0;
  std::shared_ptr<contents> current_;  // synced_ and then unsynced_
};

}  // namespace tinykv::sim

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/sim/impl/engine_disk.ipp>
#endif
