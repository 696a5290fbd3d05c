#pragma once

#include <tinykv/storage/sqlite/sqlite_kv.hpp>

#include <tinykv/storage/sqlite/impl/database.ipp>
#include <tinykv/storage/sqlite/impl/kv_reader.ipp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

// Tables: `meta (key, value)` with the rows `format`, `families` (the names, with commas between) and `syncs` (a counter
// whose change is what `sync` commits); and for each family `family_<name> (k BLOB PRIMARY KEY, v BLOB, c INTEGER)`,
// where c = CRC-32C of family number u8, key, value.
namespace tinykv::storage {

namespace detail {

class kv_state : public std::enable_shared_from_this<kv_state> {
 public:
  kv_state(sqlite_kv_options options, opened_database opened)
      : options_(std::move(options)), base_(std::move(opened)) {
    idle_.reserve(options_.idle_views_max);
  }

  /// Judges the families, adds new ones, prepares.
  result<done> prepare() {
    std::string names;
    for (auto const& name : options_.families) names += (names.empty() ? "" : ",") + name;
    auto const stored = db().meta("families");
    if (!stored) return stored.error();
    if (!*stored) return corrupt_failure(options_.path, "the table meta names no families");
    if (**stored != names && (names + ",").compare(0, (*stored)->size() + 1, **stored + ",") != 0)
      return rejected(error_code::foreign, options_.path + " has the families " + **stored + ", not " + names +
                                               "; start the program that made it");
    if (**stored != names)
      if (auto added = add_families(names); !added) return added;
    for (auto const& name : options_.families)
      if (auto made = prepare_family(table_of(name)); !made) return made;
    auto size = db().prepare("PRAGMA page_size", "read the page size");
    if (!size) return size.error();
    if (size->step() == SQLITE_ROW) page_size_ = size->number(0);
    size->reset();
    auto begin = db().prepare("BEGIN IMMEDIATE", "begin a batch");
    if (!begin) return begin.error();
    begin_ = std::move(*begin);
    auto commit = db().prepare("COMMIT", "commit a batch");
    if (!commit) return commit.error();
    commit_ = std::move(*commit);
    auto mark = db().prepare("UPDATE meta SET value = value + 1 WHERE key = 'syncs'", "open the table meta");
    if (!mark) return mark.error();
    mark_ = std::move(*mark);
    sqlite3_wal_hook(
        db().get(),
        [](void* self, sqlite3*, char const*, int pages) {
          static_cast<kv_state*>(self)->count(static_cast<std::uint64_t>(pages));
          return SQLITE_OK;
        },
        this);
    db().checkpoint_on_close(true);
    // What a killed process had written but not synced is shown like the rest: it becomes durable before anybody sees it.
    std::uint64_t left = 0;
    return db().checkpoint(SQLITE_CHECKPOINT_PASSIVE, left);
  }

  result<done> write(policy::kv_batch const& batch) {
    if (failed_) return *failed_;
    for (auto const& operation : batch.operations) {
      if (operation.family.number >= families_.size())
        return rejected(error_code::invalid_argument, "there is no such column family");
      if (operation.key.empty() && operation.action != policy::kv_action::erase_range)
        return rejected(error_code::invalid_argument, "a key must not be empty");
    }
    if (batch.operations.empty()) return done{};
    if (auto copied = checkpoint(); !copied) return fail(copied.error());
    if (auto begun = db().finish(begin_, "begin a batch"); !begun) return fail(begun.error());
    for (auto const& operation : batch.operations)
      if (auto applied = apply(operation); !applied) return fail(applied.error());
    if (auto committed = db().finish(commit_, "commit a batch"); !committed) return fail(committed.error());
    return done{};
  }

  /// A commit under FULL syncs the write-ahead log, and with it all commits before; one without a change would not.
  result<done> sync() {
    if (failed_) return *failed_;
    if (auto copied = checkpoint(); !copied) return fail(copied.error());
    if (auto set = db().run("PRAGMA synchronous = FULL", "sync"); !set) return fail(set.error());
    if (auto marked = db().finish(mark_, "sync"); !marked) return fail(marked.error());
    if (sqlite3_changes(db().get()) != 1) return fail(corrupt_failure(options_.path, "the table meta counts no syncs"));
    if (auto set = db().run("PRAGMA synchronous = NORMAL", "sync"); !set) return fail(set.error());
    return done{};
  }

  result<sqlite_view> view(bool of_writer) {
    auto reader = take_reader(of_writer);
    if (!reader) return reader.error();
    if (auto begun = (*reader)->begin(written_pages_, options_.view_wal_bytes_max / page_size_); !begun) {
      give_back(nullptr, of_writer);
      return begun.error();
    }
    return sqlite_view{shared_from_this(), std::move(*reader), of_writer};
  }
  void give_back(std::unique_ptr<kv_reader> reader, bool of_writer) {
    if (reader && !reader->end()) reader.reset();
    std::lock_guard const lock{mutex_};
    if (!of_writer) --open_views_;
    if (reader && idle_.size() < options_.idle_views_max) idle_.push_back(std::move(reader));
  }
  std::uint64_t wal_bytes() const { return wal_pages_ * page_size_; }

 private:
  struct family_statements {
    statement put, erase, erase_range, erase_from;
  };

  connection& db() { return base_.db; }

  /// A commit has left `pages` in the write-ahead log.
  void count(std::uint64_t pages) {
    auto const before = wal_pages_.exchange(pages);
    written_pages_ += pages >= before ? pages - before : pages;  // fewer: the log began anew
  }

  failure fail(failure why) {
    why.outcome = outcome::fatal;
    failed_ = why;
    db().checkpoint_on_close(false);
    sqlite3_exec(db().get(), "ROLLBACK", nullptr, nullptr, nullptr);
    return why;
  }

  result<done> add_families(std::string const& names) {
    std::string sql = "BEGIN;";
    for (auto const& name : options_.families) sql += create_table(name);
    if (auto made = db().run(sql.c_str(), "add families"); !made) return made;
    if (auto set = db().set_meta("families", names); !set) return set;
    return db().run("COMMIT", "add families");
  }
  result<done> prepare_family(std::string const& table) {
    family_statements made;
    for (auto const& [slot, sql] : {std::pair{&made.put, "INSERT OR REPLACE INTO " + table + " VALUES (?1, ?2, ?3)"},
                                    std::pair{&made.erase, "DELETE FROM " + table + " WHERE k = ?1"},
                                    std::pair{&made.erase_range, "DELETE FROM " + table + " WHERE k >= ?1 AND k < ?2"},
                                    std::pair{&made.erase_from, "DELETE FROM " + table + " WHERE k >= ?1"}}) {
      auto prepared = db().prepare(sql, "open the table " + table);
      if (!prepared) return prepared.error();
      *slot = std::move(*prepared);
    }
    families_.push_back(std::move(made));
    return done{};
  }

  result<done> apply(policy::kv_operation const& operation) {
    auto& family = families_[operation.family.number];
    auto const key = operation.key.view();
    auto const value = operation.value.view();
    switch (operation.action) {
      case policy::kv_action::put:
        family.put.bind(1, key);
        if (!family.put.bind(2, value)) return db().error("write a value");
        family.put.bind(3, row_sum(operation.family, key, value));
        return db().finish(family.put, "write a key");
      case policy::kv_action::erase:
        family.erase.bind(1, key);
        return db().finish(family.erase, "erase a key");
      case policy::kv_action::erase_range: {
        auto& range = value.empty() ? family.erase_from : family.erase_range;
        range.bind(1, key);
        if (!value.empty()) range.bind(2, value);
        return db().finish(range, "erase a range");
      }
    }
    return done{};
  }

  /// Before a write, never inside its commit, where an error would be lost. A part that a view holds back is tried
  /// again when the log has grown by as much once more.
  result<done> checkpoint() {
    auto const pages = wal_pages_.load();
    if (pages < checkpointed_pages_) checkpointed_pages_ = 0;  // the log began anew
    if ((pages - checkpointed_pages_) * page_size_ < options_.checkpoint_bytes) return done{};
    checkpointed_pages_ = pages;
    std::uint64_t left = pages;
    return db().checkpoint(SQLITE_CHECKPOINT_PASSIVE, left);
  }

  /// The writer's own view is not counted: what is applied must not wait for those who read.
  result<std::unique_ptr<kv_reader>> take_reader(bool of_writer) {
    {
      std::lock_guard const lock{mutex_};
      if (!of_writer && open_views_ == options_.views_max)
        return rejected(error_code::busy, "too many views are open (views_max)", options_.views_max);
      if (!of_writer) ++open_views_;
      if (!idle_.empty()) {
        auto out = std::move(idle_.back());
        idle_.pop_back();
        return out;
      }
    }
    auto made = kv_reader::open(options_);
    if (!made) give_back(nullptr, of_writer);
    return made;
  }

 public:
  static std::string create_table(std::string const& name) {
    return "CREATE TABLE IF NOT EXISTS " + table_of(name) +
           " (k BLOB PRIMARY KEY, v BLOB NOT NULL, c INTEGER NOT NULL) WITHOUT ROWID;";
  }

 private:
  sqlite_kv_options const options_;
  opened_database base_;  // outlives all readers below
  std::vector<family_statements> families_;
  statement begin_;
  statement commit_;
  statement mark_;
  std::uint64_t page_size_ = 4096;  // of the file, whatever the options say
  std::optional<failure> failed_;
  std::atomic<std::uint64_t> wal_pages_{0};
  std::atomic<std::uint64_t> written_pages_{0};  // in all commits
  std::uint64_t checkpointed_pages_ = 0;
  std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<kv_reader>> idle_;
  std::uint32_t open_views_ = 0;
};

}  // namespace detail

TINYKV_DECL void sqlite_cursor::seek(std::string_view key) { state_->start(detail::kv_reader::up, std::string{key}); }
TINYKV_DECL void sqlite_cursor::seek_before(std::string_view key) {
  state_->start(key.empty() ? detail::kv_reader::down_from_end : detail::kv_reader::down, std::string{key});
}
TINYKV_DECL void sqlite_cursor::next() {
  if (state_->shape == detail::kv_reader::up) return state_->step();
  state_->start(detail::kv_reader::up, std::string{state_->key()} + '\0');  // the least key above it
}
TINYKV_DECL void sqlite_cursor::prev() {
  if (state_->shape != detail::kv_reader::up) return state_->step();
  state_->start(detail::kv_reader::down, std::string{state_->key()});
}
TINYKV_DECL bool sqlite_cursor::valid() const { return state_->on_row; }
TINYKV_DECL std::string_view sqlite_cursor::key() const { return state_->key(); }
TINYKV_DECL std::string_view sqlite_cursor::value() const { return state_->running.blob(1); }
TINYKV_DECL std::optional<failure> sqlite_cursor::error() const { return state_->error; }
TINYKV_DECL sqlite_cursor::sqlite_cursor(std::unique_ptr<detail::kv_cursor_state> made) : state_(std::move(made)) {}
TINYKV_DECL sqlite_cursor::sqlite_cursor(sqlite_cursor&&) noexcept = default;
TINYKV_DECL sqlite_cursor& sqlite_cursor::operator=(sqlite_cursor&&) noexcept = default;
TINYKV_DECL sqlite_cursor::~sqlite_cursor() = default;

TINYKV_DECL result<std::optional<bytes>> sqlite_view::get(policy::family f, std::string_view key) const {
  return reader_->get(f, key);
}
TINYKV_DECL sqlite_cursor sqlite_view::cursor(policy::family f) const {
  return sqlite_cursor{std::make_unique<detail::kv_cursor_state>(*reader_, f)};
}
TINYKV_DECL sqlite_view::sqlite_view(std::shared_ptr<detail::kv_state> engine, std::unique_ptr<detail::kv_reader> reader,
                                     bool of_writer)
    : engine_(std::move(engine)), reader_(std::move(reader)), of_writer_(of_writer) {}
TINYKV_DECL sqlite_view::sqlite_view(sqlite_view&&) noexcept = default;
TINYKV_DECL sqlite_view& sqlite_view::operator=(sqlite_view&& other) noexcept {
  std::swap(engine_, other.engine_);
  std::swap(reader_, other.reader_);
  std::swap(of_writer_, other.of_writer_);
  return *this;
}
TINYKV_DECL sqlite_view::~sqlite_view() {
  if (reader_) engine_->give_back(std::move(reader_), of_writer_);
}

TINYKV_DECL result<sqlite_kv> sqlite_kv::open(sqlite_kv_options options) {
  if (options.families.empty() || options.families.size() > 256)
    return rejected(error_code::invalid_argument, "an engine has 1 to 256 families");
  std::string names;
  std::string schema;
  for (auto const& name : options.families) {
    auto const plain = !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
    auto const again = std::count(options.families.begin(), options.families.end(), name) > 1;
    if (!plain || again)
      return rejected(error_code::invalid_argument, "the family name '" + name + "' is empty, not of [a-z0-9_], or not unique");
    names += (names.empty() ? "" : ",") + name;
    schema += detail::kv_state::create_table(name);
  }
  schema += "INSERT INTO meta VALUES ('families', '" + names + "'), ('syncs', 0);";
  auto const pragmas =
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA trusted_schema = OFF;"
      "PRAGMA secure_delete = OFF; PRAGMA journal_size_limit = -1; PRAGMA cache_size = -" + std::to_string(options.cache_kib);
  auto opened = detail::open_database(options.path, detail::engine_file, options.page_size, schema, pragmas.c_str());
  if (!opened) return opened.error();
  auto made = std::make_shared<detail::kv_state>(std::move(options), std::move(*opened));
  if (auto prepared = made->prepare(); !prepared) return prepared.error();
  return sqlite_kv{std::move(made)};
}
TINYKV_DECL result<done> sqlite_kv::write(policy::kv_batch const& batch) { return state_->write(batch); }
TINYKV_DECL result<done> sqlite_kv::sync() { return state_->sync(); }
TINYKV_DECL result<sqlite_view> sqlite_kv::view() const { return state_->view(false); }
TINYKV_DECL result<sqlite_view> sqlite_kv::writer_view() { return state_->view(true); }
TINYKV_DECL std::uint64_t sqlite_kv::wal_bytes() const { return state_->wal_bytes(); }
TINYKV_DECL sqlite_kv::sqlite_kv(std::shared_ptr<detail::kv_state> opened) : state_(std::move(opened)) {}

}  // namespace tinykv::storage
