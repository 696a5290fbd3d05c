#pragma once

#include <tinykv/core/id.hpp>
#include <tinykv/policy/snapshot_storage.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tinykv::sim {

class world;

/// The spool files of a simulated host: what its store sees, and what a crash must leave of it (SnapshotStorage 1 to 3).
class snapshot_disk {
 public:
  /// Names a file.
  using key = std::pair<group_id, policy::snapshot_slot>;

  /// What the store sees; null = there is no such file.
  std::string const* find(key of) const;
  /// An empty file.
  void create(key of);
  /// Adds bytes. Precondition: the file is there.
  void append(key of, std::string_view data);
  /// What is in the file now stays. Precondition: the file is there.
  void sync(key of);
  /// The file becomes the current one of its group. Precondition: it is there and synced, as the caller promises.
  void publish(key of);
  /// No such file any more.
  void remove(key of);
  /// Of each file: what was appended since its last sync is cut somewhere, and perhaps damaged; one that was created or
  /// removed since then is perhaps the old one again.
  void crash(world& in, store_id store);

 private:
  struct file {
    std::optional<std::string> seen;    // nullopt = there is none
    std::optional<std::string> synced;  // what a crash leaves at least
    bool replaced = false;              // `seen` is not `synced` and more, but another file or none
  };
  void crash(world& in, store_id store, key of, file& victim);

  std::map<key, file> files_;
};

}  // namespace tinykv::sim
