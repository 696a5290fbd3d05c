#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/policy/log_storage.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tinykv::storage {

/// Where the log is and its bounds. The defaults are measured (docs/policies/log_storage.md).
struct sqlite_log_options {
  std::string path;                                ///< The file. Beside it: `<path>-wal`, `<path>.lock`.
  std::uint32_t checkpoint_pages = 500;            ///< Copy the write-ahead log into the file when it has so many pages.
  std::uint64_t wal_bytes = 4ULL << 20;            ///< Grown to once, so that commits write over blocks that exist.
  std::uint64_t record_bytes_max = 256ULL << 10;   ///< Entries of one write are cut into records of about this size.
  std::uint64_t dead_bytes_max = 64ULL << 20;      ///< Above it, and above what is alive, live records move forward.
  std::uint64_t move_bytes_max = 1ULL << 20;       ///< What one commit moves forward at most, about.
  std::uint32_t drop_rows_max = 1000;              ///< Dead rows that one commit deletes at most.
  std::uint64_t drop_bytes_max = 16ULL << 20;      ///< Of their bodies, about: freeing a page costs as much as reading it.
};

/// What a log's file is used for.
struct sqlite_log_usage {
  std::uint64_t rows = 0;        ///< Commits that are still stored.
  std::uint64_t bytes = 0;       ///< Of their bodies.
  std::uint64_t bytes_live = 0;  ///< That are in force; the rest waits for what stands before it.
};

/// A durable `LogStorage` in one SQLite file: one row per commit, holding what all groups wrote, each record with a
/// checksum; the rows are numbered, and where each group's entries lie is kept in memory. The layout is described in
/// docs/policies/log_storage.md.
///
/// `commit` costs one sync of the disk. A later record wins over an earlier one, so conflicts delete nothing; rows in
/// front of everything that is in force are deleted, and the records of a group that lags are moved forward first when
/// they hold back too much.
///
/// One thread at a time. The file is locked until the log is destroyed.
class sqlite_log {
 public:
  static constexpr bool durable = true;  ///< Survives kill -9 and the loss of power.
  static constexpr bool blocks = true;   ///< For the disk lane.

  /// Opens the file, or makes it. `rejected` (locked, foreign, invalid_argument) or `fatal` (corrupt, io, disk_full)
  /// with one line that names the file and what to do; a file that is refused is not changed.
  static result<sqlite_log> open(sqlite_log_options options);

  /// What all commits so far made; synced, should a killed process have left that undone. Reads the whole file;
  /// `fatal` (corrupt) when a byte of it is not what was written, or a row is missing.
  result<policy::log_contents> load();
  /// Durable when it returns success. After a failure every later one fails with the same words (I-31).
  result<done> commit(policy::log_batch const& batch);
  /// Entries `[from, to]`, cut at the end of the log and at `bytes_max`; at least one, or `rejected` (not_found).
  result<std::vector<raft::entry>> fetch(group_id group, log_index from, log_index to, std::uint64_t bytes_max);

  /// For metrics.
  sqlite_log_usage usage() const;

  sqlite_log(sqlite_log&&) noexcept;             ///< The other one can only be assigned to or destroyed.
  sqlite_log& operator=(sqlite_log&&) noexcept;  ///< Closes the file held so far.
  ~sqlite_log();                                 ///< Closes and unlocks the file.

 private:
  class impl;
  explicit sqlite_log(std::unique_ptr<impl> opened);
  std::unique_ptr<impl> impl_;
};

static_assert(policy::LogStorage<sqlite_log>);

}  // namespace tinykv::storage

#ifndef TINYKV_SEPARATE_COMPILATION
#include <tinykv/storage/sqlite/impl/sqlite_log.ipp>
#endif
