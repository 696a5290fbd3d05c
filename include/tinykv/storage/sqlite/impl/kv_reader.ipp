#pragma once

#include <tinykv/storage/sqlite/sqlite_kv.hpp>

#include <tinykv/core/crc32c.hpp>
#include <tinykv/storage/sqlite/impl/database.ipp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// What a view and its cursors are made of.
namespace tinykv::storage::detail {

inline std::uint32_t row_sum(policy::family f, std::string_view key, std::string_view value) {
  char const number = static_cast<char>(f.number);
  return crc32c(value, crc32c(key, crc32c({&number, 1})));
}
inline std::string table_of(std::string const& family) { return "family_" + family; }

/// A read-only connection with a read transaction, and the statements that cursors have left behind.
class kv_reader {
 public:
  enum shape : std::size_t { up, down, down_from_end, shapes };

  static result<std::unique_ptr<kv_reader>> open(sqlite_kv_options const& options) {
    auto db = connection::open(options.path, SQLITE_OPEN_READONLY);
    if (!db) return db.error();
    sqlite3_busy_timeout(db->get(), 5000);
    db->checkpoint_on_close(false);
    auto const pragmas = "PRAGMA wal_autocheckpoint = 0; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -" +
                         std::to_string(options.cache_kib);
    if (auto set = db->run(pragmas.c_str(), "open a view"); !set) return set.error();
    auto made = std::unique_ptr<kv_reader>{new kv_reader{std::move(*db), options.families}};
    for (auto const& [slot, sql] : {std::pair{&made->begin_, "BEGIN"}, std::pair{&made->touch_, "SELECT key FROM meta LIMIT 1"},
                                    std::pair{&made->commit_, "COMMIT"}}) {
      auto prepared = made->db_.prepare(sql, "open a view");
      if (!prepared) return prepared.error();
      *slot = std::move(*prepared);
    }
    for (auto const& name : options.families) {
      auto get = made->db_.prepare("SELECT v, c FROM " + table_of(name) + " WHERE k = ?1", "open a view");
      if (!get) return get.error();
      made->gets_.push_back(std::move(*get));
    }
    return made;
  }

  /// SQLite takes the moment of the view at the first read, not at BEGIN. The view fails when `written`, the pages of
  /// all batches, has risen by `pages_max`.
  result<done> begin(std::atomic<std::uint64_t> const& written, std::uint64_t pages_max) {
    written_ = &written;
    auto const now = written.load();
    written_max_ = pages_max > ~std::uint64_t{0} - now ? ~std::uint64_t{0} : now + pages_max;
    if (auto begun = db_.finish(begin_, "begin a view"); !begun) return begun;
    auto const code = touch_.step();
    result<done> out;
    if (code != SQLITE_ROW) out = db_.error("begin a view");
    touch_.reset();
    if (!out) end();
    return out;
  }
  bool end() { return db_.finish(commit_, "end a view").has_value(); }

  result<std::optional<bytes>> get(policy::family f, std::string_view key) {
    if (f.number >= gets_.size()) return rejected(error_code::invalid_argument, "there is no such column family");
    if (auto late = too_late()) return *late;
    auto& select = gets_[f.number];
    select.bind(1, key);
    result<std::optional<bytes>> out;
    auto const code = select.step();
    if (code == SQLITE_ROW) {
      auto const value = select.blob(0);
      if (sound(select, 0, f, key, value))
        out = std::optional{bytes::copy_of(value)};
      else
        out = damaged(f);
    } else if (code != SQLITE_DONE) {
      out = db_.error("read a key");
    }
    select.reset();
    return out;
  }
  /// True iff the row's sum, in the column after its value, is that of family, key and value.
  static bool sound(statement& row, int value_column, policy::family f, std::string_view key, std::string_view value) {
    return sqlite3_column_type(row.get(), value_column) == SQLITE_BLOB &&
           row.number(value_column + 1) == row_sum(f, key, value);
  }
  failure damaged(policy::family f) const {
    return corrupt_failure(db_.path(), "a row of family " + families_[f.number] + " is not what was written");
  }
  failure error() const { return db_.error("read keys"); }
  /// Why nothing more may be read, if so.
  std::optional<failure> too_late() const {
    if (written_->load() <= written_max_) return std::nullopt;
    return rejected(error_code::busy, "the view was open while too much was written (view_wal_bytes_max); take another");
  }

  result<statement> borrow(shape s, policy::family f) {
    if (f.number >= families_.size()) return rejected(error_code::invalid_argument, "there is no such column family");
    auto& idle = idle_[s * families_.size() + f.number];
    if (!idle.empty()) {
      auto out = std::move(idle.back());
      idle.pop_back();
      return out;
    }
    static constexpr char const* order[] = {" WHERE k >= ?1 ORDER BY k", " WHERE k < ?1 ORDER BY k DESC",
                                            " ORDER BY k DESC"};
    return db_.prepare("SELECT k, v, c FROM " + table_of(families_[f.number]) + order[s], "open a cursor");
  }
  void give_back(shape s, policy::family f, statement used) {
    used.reset();
    idle_[s * families_.size() + f.number].push_back(std::move(used));
  }

 private:
  kv_reader(connection db, std::vector<std::string> families)
      : db_(std::move(db)), families_(std::move(families)), idle_(shapes * families_.size()) {}

  connection db_;
  std::vector<std::string> families_;
  statement begin_;
  statement touch_;
  statement commit_;
  std::vector<statement> gets_;
  std::vector<std::vector<statement>> idle_;
  std::atomic<std::uint64_t> const* written_ = nullptr;
  std::uint64_t written_max_ = 0;
};

/// One running statement at a time; turning round starts another one beside the key where the first one stood.
struct kv_cursor_state {
  kv_cursor_state(kv_reader& r, policy::family f) : reader(r), family(f) {}
  kv_cursor_state(kv_cursor_state const&) = delete;
  kv_cursor_state& operator=(kv_cursor_state const&) = delete;
  ~kv_cursor_state() { stop(); }

  void start(kv_reader::shape wanted, std::string from) {
    if (!running || shape != wanted) {
      stop();
      auto borrowed = reader.borrow(wanted, family);
      if (!borrowed) {
        error = borrowed.error();
        on_row = false;
        return;
      }
      running = std::move(*borrowed);
      shape = wanted;
    }
    running.reset();
    bound = std::move(from);
    if (shape != kv_reader::down_from_end) running.bind(1, bound);
    step();
  }
  void step() {
    error = reader.too_late();
    on_row = false;
    if (error) return;
    auto const code = running.step();
    on_row = code == SQLITE_ROW;
    if (!on_row && code != SQLITE_DONE) error = reader.error();
    if (on_row && !kv_reader::sound(running, 1, family, running.blob(0), running.blob(1))) {
      error = reader.damaged(family);
      on_row = false;
    }
    if (!on_row) running.reset();
  }
  void stop() {
    if (running) reader.give_back(shape, family, std::move(running));
    on_row = false;
  }
  std::string_view key() { return running.blob(0); }

  kv_reader& reader;
  policy::family family;
  statement running;
  kv_reader::shape shape = kv_reader::up;
  std::string bound;
  bool on_row = false;
  std::optional<failure> error;
};

}  // namespace tinykv::storage::detail
