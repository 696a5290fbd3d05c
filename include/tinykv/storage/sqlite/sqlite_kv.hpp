#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/policy/kv_engine.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tinykv::storage {

/// Where the engine is and its bounds. The defaults are measured (docs/policies/kv_engine.md).
struct sqlite_kv_options {
  std::string path;                             ///< The file. Beside it: `<path>-wal`, `<path>-shm`, `<path>.lock`.
  std::vector<std::string> families;            ///< Of [a-z0-9_]; family n is the n-th. Later openings may add at the end.
  std::uint32_t page_size = 16384;              ///< Of a new file: a power of two, 512 to 65536.
  std::uint32_t views_max = 64;                 ///< Views open at once, but for the writer's; one more is `rejected` (busy).
  std::uint32_t idle_views_max = 8;             ///< Connections of closed views that are kept for later ones.
  std::uint64_t checkpoint_bytes = 4ULL << 20;  ///< Copy the write-ahead log into the file when it grew by so much.
  std::uint64_t view_wal_bytes_max = 4ULL << 30;///< A view fails when the write-ahead log has grown by so much beside it.
  std::uint32_t cache_kib = 8192;               ///< Of each connection: one writes, one per view reads.
};

namespace detail {
class kv_reader;
class kv_state;
struct kv_cursor_state;
}  // namespace detail

/// A place in one family of a `sqlite_view` (`KvCursor`).
class sqlite_cursor {
 public:
  void seek(std::string_view key);             ///< To the first key >= `key`.
  void seek_before(std::string_view key);      ///< To the last key < `key`; "" = the last of all.
  void next();                                 ///< One key up. Precondition: valid().
  void prev();                                 ///< One key down. Precondition: valid().
  bool valid() const;                          ///< True iff it stands on a key.
  std::string_view key() const;                ///< Valid until the cursor moves.
  std::string_view value() const;              ///< Valid until the cursor moves.
  std::optional<failure> error() const;        ///< Why the last move failed: `fatal` (corrupt, io).

  sqlite_cursor(sqlite_cursor&&) noexcept;             ///< The other one can only be assigned to or destroyed.
  sqlite_cursor& operator=(sqlite_cursor&&) noexcept;  ///< Gives up the place held so far.
  ~sqlite_cursor();                                    ///< Before its view.

 private:
  friend class sqlite_view;
  explicit sqlite_cursor(std::unique_ptr<detail::kv_cursor_state> made);
  std::unique_ptr<detail::kv_cursor_state> state_;
};

/// The engine at one moment (`KvView`): a connection with a read transaction of its own. While it is open, the
/// write-ahead log cannot begin anew and grows: keep it for as short as can be. One that has let it grow by
/// `view_wal_bytes_max` reads no further: `rejected` (busy).
class sqlite_view {
 public:
  /// The value of `key`, or none. `fatal` (corrupt) when the stored checksum does not fit key and value.
  result<std::optional<bytes>> get(policy::family f, std::string_view key) const;
  /// A cursor over `f`.
  sqlite_cursor cursor(policy::family f) const;

  sqlite_view(sqlite_view&&) noexcept;             ///< The other one can only be assigned to or destroyed.
  sqlite_view& operator=(sqlite_view&&) noexcept;  ///< Closes the view held so far.
  ~sqlite_view();                                  ///< Ends the transaction; the connection is used again.

 private:
  friend class detail::kv_state;
  sqlite_view(std::shared_ptr<detail::kv_state> engine, std::unique_ptr<detail::kv_reader> reader, bool of_writer);
  std::shared_ptr<detail::kv_state> engine_;
  std::unique_ptr<detail::kv_reader> reader_;
  bool of_writer_;
};

/// A durable `KvEngine` in one SQLite file: a table per family, each row with a checksum over family, key and value.
///
/// `write` does not wait for the disk: after a crash a prefix of the batches is there, and `sync` makes all earlier ones
/// part of it (SAFETY.md §4). One connection writes and checkpoints, on the thread that calls `write` and `sync`; each
/// view reads through another one, from any thread, and never waits for the writer nor the writer for it.
///
/// The file is locked until the engine and all of its views are destroyed.
class sqlite_kv {
 public:
  using view_type = sqlite_view;         ///< See there.
  static constexpr bool durable = true;  ///< A prefix of the batches survives, at least up to the last `sync`.

  /// Opens the file, or makes it. `rejected` (locked, foreign, invalid_argument) or `fatal` (corrupt, io, disk_full) with
  /// one line that names the file and what to do; a file that is refused is not changed. What is found is durable.
  static result<sqlite_kv> open(sqlite_kv_options options);

  /// Visible to every later view, whole; durable with the next `sync`. `rejected` (invalid_argument) and without effect
  /// when an operation names no family of this engine or no key. After a failure every later one fails (I-31).
  result<done> write(policy::kv_batch const& batch);
  /// Everything written before is durable when it returns success. After a failure every later one fails.
  result<done> sync();
  /// What is there now; `rejected` (busy) when `views_max` are open. Any thread.
  result<sqlite_view> view() const;
  /// What is there now, whatever the number of open views. From the lane that writes; one at a time.
  result<sqlite_view> writer_view();

  /// What the write-ahead log holds, in bytes: grows while views keep it from beginning anew. Any thread.
  std::uint64_t wal_bytes() const;

 private:
  explicit sqlite_kv(std::shared_ptr<detail::kv_state> opened);
  std::shared_ptr<detail::kv_state> state_;
};

static_assert(policy::WriterViewEngine<sqlite_kv>);

}  // namespace tinykv::storage

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/storage/sqlite/impl/sqlite_kv.ipp>
#endif
