#pragma once

#include <tinykv/codec/reader.hpp>
#include <tinykv/core/bytes.hpp>
#include <tinykv/core/config.hpp>
#include <tinykv/core/result.hpp>

#include <sqlite3.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// What both SQLite models share: a file that one process has for itself, its identity, connections and statements whose
// failures are values.
namespace tinykv::storage::detail {

/// What a database file says that it is, in its header and in its table `meta`.
struct file_kind {
  std::uint32_t application_id;
  std::uint32_t version;  // PRAGMA user_version; newer ones are refused
  char const* name;
};
inline constexpr file_kind log_file{0x746b766cU, 1, "tinykv log"};      // "tkvl"
inline constexpr file_kind engine_file{0x746b7665U, 1, "tinykv engine"};  // "tkve"

inline failure os_failure(std::string const& path, std::string_view doing, int code) {
  auto const full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return fatal(full ? error_code::disk_full : error_code::io,
               path + ": cannot " + std::string{doing} + ": " + std::strerror(code) +
                   (full ? "; free some space and start again" : "; check the path, its owner and the disk"),
               static_cast<std::uint64_t>(code));
}
inline failure locked_failure(std::string const& path) {
  return rejected(error_code::locked, path + " is in use by another process; stop that one, or choose another directory");
}
inline failure corrupt_failure(std::string const& path, std::string const& what) {
  return fatal(error_code::corrupt, path + " is damaged: " + what + "; remove this store and add a new one in its place");
}

/// The errno of the last failed call on the database or on its write-ahead log; sqlite3_system_errno alone gives what
/// errno was left at by calls made since.
inline int last_errno(sqlite3* db) {
  auto system = sqlite3_system_errno(db);
  for (auto const which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    int code = 0;
    if (sqlite3_file_control(db, "main", which, &file) != SQLITE_OK || file == nullptr || file->pMethods == nullptr) continue;
    if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &code) == SQLITE_OK && code != 0) system = code;
  }
  return system;
}

/// What went wrong last on `db`, in one line.
inline failure sqlite_failure(sqlite3* db, std::string const& path, std::string_view doing) {
  auto const code = sqlite3_extended_errcode(db);
  auto const system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN ? last_errno(db) : 0;
  auto const text = path + ": cannot " + std::string{doing} + ": " + sqlite3_errmsg(db);
  auto const no_space = (code & 0xff) == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT || system == EFBIG);
  auto const why = system != 0 ? std::string{" ("} + std::strerror(system) + ")" : std::string{};
  if ((code & 0xff) == SQLITE_FULL || no_space)
    return fatal(error_code::disk_full, text + why + "; what was acknowledged is safe: free some space and start again",
                 static_cast<std::uint64_t>(system));
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return locked_failure(path);
    case SQLITE_ERROR:  // our statements fit our tables: these are not ours any more
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return corrupt_failure(path, sqlite3_errmsg(db));
    case SQLITE_TOOBIG: return fatal(error_code::too_large, text);
    default:
      return fatal(error_code::io, text + why + "; check the disk and the kernel's log, then start again",
                   static_cast<std::uint64_t>(system));
  }
}

/// An owned file descriptor.
class descriptor {
 public:
  explicit descriptor(int fd = -1) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

inline bool exists(std::string const& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}
inline std::uint64_t size_of(std::string const& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}
inline std::string directory_of(std::string const& path) {
  auto const slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
inline result<done> sync_directory(std::string const& path) {
  auto const directory = directory_of(path);
  descriptor const fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd || ::fsync(fd.get()) != 0) return os_failure(directory, "sync the directory", errno);
  return done{};
}

/// The exclusive right to a database, as an flock of the file `<path>.lock` beside it: it ends with the process, and it
/// holds between two openings of one process, too. The database itself is not locked in this way, because closing any
/// descriptor of it would drop SQLite's own locks.
inline result<descriptor> take_lock(std::string const& path) {
  auto const name = path + ".lock";
  descriptor fd{::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (!fd) return os_failure(name, "open the lock file", errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? locked_failure(path) : os_failure(name, "lock the file", errno);
  return fd;
}

/// Judges the first bytes of the file, before SQLite sees it and may change it. True iff it is there; false iff there is
/// none. `rejected` (foreign): another program's, another kind's or a newer version's; `fatal` (corrupt): cut short.
inline result<bool> inspect(std::string const& path, file_kind const& kind) {
  if (!exists(path)) {
    if (size_of(path + "-wal") == 0) return false;
    return corrupt_failure(path, "the file is gone, but its write-ahead log " + path + "-wal is still there");
  }
  descriptor const fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return os_failure(path, "open the file", errno);
  char header[100];
  auto const got = ::pread(fd.get(), header, sizeof header, 0);
  if (got < 0) return os_failure(path, "read the file", errno);
  auto const foreign = [&](std::string const& what) {
    return rejected(error_code::foreign, path + " is no " + kind.name + ": " + what + "; choose another directory");
  };
  std::string_view const magic{"SQLite format 3\0", 16};
  if (got == 0) return corrupt_failure(path, "the file is empty");
  if (std::string_view{header, static_cast<std::size_t>(got)}.substr(0, 16) != magic)
    return foreign("it is not an SQLite database");
  if (got < 100) return corrupt_failure(path, "the file is cut short");
  auto const number = [&](int at, int width) {
    std::uint32_t v = 0;
    for (int i = 0; i < width; ++i) v = v << 8 | static_cast<unsigned char>(header[at + i]);
    return v;
  };
  if (number(68, 4) != kind.application_id) return foreign("it is another program's database");
  if (number(60, 4) == 0 || number(60, 4) > kind.version)
    return rejected(error_code::foreign, path + " has format version " + std::to_string(number(60, 4)) +
                                             ", this program reads up to " + std::to_string(kind.version) +
                                             "; start the newer program");
  // While a write-ahead log waits to be copied in, the file may lawfully be shorter than its header says.
  auto const page = number(16, 2) == 1 ? 65536U : number(16, 2);
  if (size_of(path + "-wal") == 0 && size_of(path) < std::uint64_t{page} * number(28, 4))
    return corrupt_failure(path, "the file is cut short");
  return true;
}

/// A prepared statement. Step it to the end or `reset` it before the next use.
class statement {
 public:
  statement() = default;
  explicit statement(sqlite3_stmt* raw) : raw_(raw) {}

  sqlite3_stmt* get() const { return raw_.get(); }
  explicit operator bool() const { return raw_ != nullptr; }
  void reset() { sqlite3_reset(raw_.get()); }
  /// Bound without a copy: `data` must live until the next reset.
  bool bind(int at, std::string_view data) {
    return sqlite3_bind_blob64(raw_.get(), at, data.empty() ? "" : data.data(), data.size(), SQLITE_STATIC) == SQLITE_OK;
  }
  bool bind(int at, std::uint64_t number) {
    return sqlite3_bind_int64(raw_.get(), at, static_cast<sqlite3_int64>(number)) == SQLITE_OK;
  }
  /// SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return sqlite3_step(raw_.get()); }
  /// Of the current row; valid until the next step.
  std::string_view blob(int column) {
    auto const* data = static_cast<char const*>(sqlite3_column_blob(raw_.get(), column));
    auto const size = sqlite3_column_bytes(raw_.get(), column);
    return data == nullptr ? std::string_view{} : std::string_view{data, static_cast<std::size_t>(size)};
  }
  std::uint64_t number(int column) { return static_cast<std::uint64_t>(sqlite3_column_int64(raw_.get(), column)); }

 private:
  struct finalizer {
    void operator()(sqlite3_stmt* raw) const { sqlite3_finalize(raw); }
  };
  std::unique_ptr<sqlite3_stmt, finalizer> raw_;
};

/// One connection; used by one thread at a time. Close its statements first.
class connection {
 public:
  static result<connection> open(std::string path, int flags) {
    sqlite3* raw = nullptr;
    auto const code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    connection made{raw, std::move(path)};
    if (raw == nullptr) return fatal(error_code::io, made.path_ + ": there is no memory to open it");
    if (code != SQLITE_OK) return made.error("open the file");
    sqlite3_extended_result_codes(raw, 1);
    return made;
  }
  sqlite3* get() const { return raw_.get(); }
  std::string const& path() const { return path_; }
  failure error(std::string_view doing) const { return sqlite_failure(raw_.get(), path_, doing); }

  /// Runs statements without results.
  result<done> run(char const* sql, std::string_view doing) {
    if (sqlite3_exec(raw_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error(doing);
    return done{};
  }
  result<statement> prepare(std::string const& sql, std::string_view doing) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(raw_.get(), sql.c_str(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw,
                           nullptr) != SQLITE_OK)
      return error(doing);
    return statement{raw};
  }
  /// Steps a statement that gives no row, and resets it.
  result<done> finish(statement& s, std::string_view doing) {
    auto const code = s.step();
    auto out = code == SQLITE_DONE ? result<done>{} : result<done>{error(doing)};
    s.reset();
    return out;
  }
  /// The value of `key` in the table `meta`.
  result<std::optional<std::string>> meta(std::string_view key) {
    auto select = prepare("SELECT value FROM meta WHERE key = ?1", "read the table meta");
    if (!select) return select.error();
    sqlite3_bind_text(select->get(), 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
    auto const code = select->step();
    if (code == SQLITE_ROW) return std::optional{std::string{select->blob(0)}};
    if (code == SQLITE_DONE) return std::optional<std::string>{};
    return error("read the table meta");
  }
  result<done> set_meta(std::string_view key, std::string_view value) {
    auto insert = prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", "write the table meta");
    if (!insert) return insert.error();
    sqlite3_bind_text(insert->get(), 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
    insert->bind(2, value);
    return finish(*insert, "write the table meta");
  }
  /// The one who opened it writes and checkpoints; nothing is checkpointed behind its back, where errors are lost.
  void watch_wal(std::uint64_t& pages) {
    sqlite3_wal_hook(
        raw_.get(),
        [](void* slot, sqlite3*, char const*, int count) {
          *static_cast<std::uint64_t*>(slot) = static_cast<std::uint64_t>(count);
          return SQLITE_OK;
        },
        &pages);
  }
  /// Copies what it can of the write-ahead log into the file; an error counts as a failed sync.
  result<done> checkpoint(int mode, std::uint64_t& pages) {
    int in_log = 0;
    int copied = 0;
    auto const code = sqlite3_wal_checkpoint_v2(raw_.get(), "main", mode, &in_log, &copied);
    if (code == SQLITE_OK && in_log == copied) pages = 0;
    // Busy: a reader holds part of it back; the rest is copied next time.
    return code == SQLITE_OK || code == SQLITE_BUSY ? result<done>{} : result<done>{error("checkpoint")};
  }
  /// What stands in the write-ahead log stays there when the connection closes: a file that is refused is left as it is.
  void checkpoint_on_close(bool wanted) {
    sqlite3_db_config(raw_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1, nullptr);
  }

 private:
  struct closer {
    void operator()(sqlite3* raw) const { sqlite3_close_v2(raw); }
  };
  connection(sqlite3* raw, std::string path) : raw_(raw), path_(std::move(path)) {}

  std::unique_ptr<sqlite3, closer> raw_;
  std::string path_;
};

/// Makes the database at `path`, so that after a crash it is there whole or not at all: built beside, then renamed.
/// `schema` runs in one transaction, after the table `meta` was made.
inline result<done> create_database(std::string const& path, file_kind const& kind, std::uint32_t page_size,
                                    std::string const& schema) {
  auto const draft = path + ".new";
  for (auto const* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((draft + suffix).c_str());
  {
    auto db = connection::open(draft, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (!db) return db.error();
    auto const sql = "PRAGMA page_size = " + std::to_string(page_size) +
                     "; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL; BEGIN; PRAGMA application_id = " +
                     std::to_string(kind.application_id) + "; PRAGMA user_version = " + std::to_string(kind.version) +
                     "; CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;" + schema;
    if (auto made = db->run(sql.c_str(), "create the tables"); !made) return made.error();
    if (auto made = db->set_meta("format", kind.name); !made) return made.error();
    if (auto made = db->run("COMMIT", "create the tables"); !made) return made.error();
    std::uint64_t pages = 0;
    if (auto copied = db->checkpoint(SQLITE_CHECKPOINT_TRUNCATE, pages); !copied) return copied.error();
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return os_failure(path, "name the new file", errno);
  return sync_directory(path);
}

/// A database that is ours alone, judged but not changed.
struct opened_database {
  descriptor lock;  // released last
  connection db;
};

/// Locks, creates if there is none, judges and opens. `pragmas` run before the first table is read.
inline result<opened_database> open_database(std::string const& path, file_kind const& kind, std::uint32_t page_size,
                                             std::string const& schema, char const* pragmas) {
  if (path.empty()) return rejected(error_code::invalid_argument, "the path of the " + std::string{kind.name} + " is empty");
  // Without a lock file nobody of us has ever opened it: a foreign file gets none.
  if (!exists(path + ".lock"))
    if (auto const judged = inspect(path, kind); !judged) return judged.error();
  auto lock = take_lock(path);
  if (!lock) return lock.error();
  auto const there = inspect(path, kind);
  if (!there) return there.error();
  if (!*there)
    if (auto made = create_database(path, kind, page_size, schema); !made) return made.error();

  auto const wal_waits = size_of(path + "-wal") != 0;
  auto db = connection::open(path, SQLITE_OPEN_READWRITE);
  if (!db) return db.error();
  if (wal_waits) db->checkpoint_on_close(false);
  if (auto set = db->run(pragmas, "open the file"); !set) return set.error();
  auto const format = db->meta("format");
  if (!format) return format.error();
  if (*format != kind.name) return corrupt_failure(path, "the table meta does not say '" + std::string{kind.name} + "'");
  return opened_database{std::move(*lock), std::move(*db)};
}

}  // namespace tinykv::storage::detail
