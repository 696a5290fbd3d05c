#pragma once

#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include <tinykv/storage/sqlite/detail/log_summary.hpp>
#include <tinykv/storage/sqlite/detail/open_turn.hpp>
#include <tinykv/storage/sqlite/detail/turn_directory.hpp>
#include <tinykv/storage/sqlite/detail/turn_format.hpp>
#include <tinykv/storage/sqlite/impl/database.ipp>
#include <tinykv/storage/sqlite/impl/record_reader.ipp>

#include <algorithm>
#include <map>
#include <utility>

namespace tinykv::storage {

class sqlite_log::impl {
 public:
  impl(sqlite_log_options options, detail::opened_database opened)
      : options_(std::move(options)), base_(std::move(opened)) {}

  result<done> prepare() {
    auto insert = db().prepare("INSERT INTO turn (seq, body) VALUES (?1, ?2)", "open the table turn");
    if (!insert) return insert.error();
    auto drop = db().prepare("DELETE FROM turn WHERE seq < ?1", "open the table turn");
    if (!drop) return drop.error();
    auto read = db().prepare("SELECT body FROM turn WHERE seq = ?1", "open the table turn");
    if (!read) return read.error();
    auto begin = db().prepare("BEGIN IMMEDIATE", "begin a commit");
    if (!begin) return begin.error();
    auto commit = db().prepare("COMMIT", "commit");
    if (!commit) return commit.error();
    begin_ = std::move(*begin);
    commit_ = std::move(*commit);
    insert_ = std::move(*insert);
    drop_ = std::move(*drop);
    read_ = std::move(*read);
    db().watch_wal(wal_pages_);
    return done{};
  }

  result<policy::log_contents> load() {
    auto contents = read_all();
    if (!contents) {
      failed_ = contents.error();
      failed_->outcome = outcome::fatal;
      return *failed_;
    }
    if (auto begun = begin_service(); !begun) return begun.error();
    return contents;
  }

  result<done> commit(policy::log_batch const& batch) {
    if (failed_) return *failed_;
    TINYKV_CHECK(loaded_);
    if (batch.empty()) return done{};
    // Here and not behind the commit before: that one's completion does not wait for it, and SQLite's own automatic
    // checkpoint would hide a failed sync.
    if (wal_pages_ >= options_.checkpoint_pages)
      if (auto copied = db().checkpoint(SQLITE_CHECKPOINT_PASSIVE, wal_pages_); !copied) return fail(copied.error());
    if (cost_of(batch) > turn_bytes_max)
      return fail(fatal(error_code::too_large, options_.path + ": a log batch above " + std::to_string(turn_bytes_max) +
                                                   " bytes; lower the store's bounds", turn_bytes_max));

    detail::open_turn turn{directory_, next_seq_++, options_.record_bytes_max};
    for (auto const& write : batch.groups) turn.take(write);
    if (batch.store_record) turn.put_store_record(*batch.store_record);
    auto const front_before = directory_.front();
    if (auto compacted = compact(turn); !compacted) return fail(compacted.error());
    auto const seq = turn.seq();
    auto const body = std::move(turn).finish();
    if (auto stored = store(seq, body, directory_.front() != front_before); !stored) return fail(stored.error());
    return done{};
  }

  result<std::vector<raft::entry>> fetch(group_id group, log_index from, log_index to, std::uint64_t bytes_max) {
    auto const missing = rejected(error_code::not_found, "the log does not hold these entries");
    if (failed_) return *failed_;
    auto const* places = directory_.find(group);
    if (places == nullptr || to < from) return missing;
    auto it = places->extents.upper_bound(from);
    if (it == places->extents.begin() || (--it)->second.last < from) return missing;

    std::vector<raft::entry> out;
    detail::record_reader reader{db()};
    for (; it != places->extents.end() && it->second.first <= to; ++it) {
      auto const& e = it->second;
      auto const all = reader.entries(group, e, std::max(from, e.first), std::min(to, e.last), bytes_max, out);
      if (!all) return all.error();
      if (!*all) break;
    }
    return out;
  }

  sqlite_log_usage usage() const {
    return {directory_.rows(), directory_.bytes_total(), directory_.bytes_live()};
  }

 private:
  static constexpr std::uint64_t turn_bytes_max = 900'000'000;  // SQLite's rows end at 10^9

  detail::connection& db() { return base_.db; }

  failure fail(failure why) {
    why.outcome = outcome::fatal;
    failed_ = why;
    // The state of the disk is unknown: nothing of it is rewritten, not even by closing (SAFETY.md §1, I-31).
    db().checkpoint_on_close(false);
    sqlite3_exec(db().get(), "ROLLBACK", nullptr, nullptr, nullptr);
    return why;
  }
  failure damaged(std::uint64_t seq, char const* what) {
    return detail::corrupt_failure(options_.path, "turn " + std::to_string(seq) + " " + what);
  }

  /// Two passes over the file: what is in force where, then what is told of it.
  result<policy::log_contents> read_all() {
    if (auto scanned = scan(); !scanned) return scanned.error();
    std::map<group_id, detail::log_summary> summaries;
    auto const gathered = for_turns([&](std::uint64_t seq, detail::turn const& turn) {
      for (auto const& r : turn.records)
        if (!gather(summaries, seq, r)) return false;
      return true;
    });
    if (!gathered) return gathered.error();
    policy::log_contents out{directory_.store_record(), {}};
    for (auto const& [id, places] : directory_.groups())
      out.groups.push_back(std::move(summaries[id]).finish(id, places));
    return out;
  }
  bool gather(std::map<group_id, detail::log_summary>& summaries, std::uint64_t seq, detail::record const& r) {
    auto const* places = directory_.find(r.group);
    auto const count = detail::count_entries(r.payload, r.index);
    if (places == nullptr || (r.kind != detail::record_kind::entries && r.kind != detail::record_kind::moved)) return true;
    if (!count) return false;
    auto const end = places->extents.upper_bound(r.index + (*count - 1));
    bytes payload;
    for (auto it = places->extents.lower_bound(r.index); it != end; ++it) {
      if (it->second.at != detail::place{seq, r.offset, r.size}) continue;
      if (payload.empty()) payload = bytes::copy_of(r.payload);
      if (!summaries[r.group].add(it->second, r.index, payload, places->state.commit)) return false;
    }
    return true;
  }

  /// The file is judged; from here on it may change. What a killed process had committed but not synced was read like
  /// the rest, and will be counted as durable: it is copied into the file and synced before anybody hears of it.
  result<done> begin_service() {
    db().checkpoint_on_close(true);
    loaded_ = true;
    if (auto copied = db().checkpoint(SQLITE_CHECKPOINT_RESTART, wal_pages_); !copied) return fail(copied.error());
    if (detail::size_of(options_.path + "-wal") >= options_.wal_bytes) return done{};
    // A commit over blocks that the file already has costs two thirds of one that must allocate them.
    auto const grow = "INSERT OR REPLACE INTO meta VALUES ('scratch', zeroblob(" + std::to_string(options_.wal_bytes) + "))";
    if (auto grown = db().run(grow.c_str(), "grow the write-ahead log"); !grown) return fail(grown.error());
    if (auto copied = db().checkpoint(SQLITE_CHECKPOINT_RESTART, wal_pages_); !copied) return fail(copied.error());
    if (auto freed = db().run("DELETE FROM meta WHERE key = 'scratch'", "grow the write-ahead log"); !freed)
      return fail(freed.error());
    return done{};
  }

  /// Calls `use(seq, turn)` for every row; a `false` of it means that the row holds a malformed record.
  template <class Use>
  result<done> for_turns(Use use) {
    auto select = db().prepare("SELECT seq, body FROM turn ORDER BY seq", "read the table turn");
    if (!select) return select.error();
    int code = 0;
    while ((code = select->step()) == SQLITE_ROW) {
      auto const seq = select->number(0);
      if (seq == 0 || sqlite3_column_type(select->get(), 1) != SQLITE_BLOB) return damaged(seq, "is no turn");
      auto const turn = detail::read_turn(seq, select->blob(1));
      if (!turn) return damaged(seq, "is not what was written");
      if (!use(seq, *turn)) return damaged(seq, "holds a malformed record, or the one before it is missing");
    }
    if (code != SQLITE_DONE) return db().error("read the table turn");
    return done{};
  }

  result<done> scan() {
    directory_ = {};
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    auto const folded = for_turns([&](std::uint64_t seq, detail::turn const& turn) {
      if (last != 0 && seq != last + 1) return false;
      directory_.add_row(seq, turn.size);
      for (auto const& r : turn.records)
        if (!detail::fold(directory_, seq, r)) return false;
      first = turn.first;
      last = seq;
      return true;
    });
    if (!folded) return folded;
    if (last == 0) return detail::corrupt_failure(options_.path, "it holds no turn at all");
    if (first != directory_.front()) return damaged(first, "is missing");
    for (auto const& [id, places] : directory_.groups())
      if (!places.whole())
        return detail::corrupt_failure(options_.path, "entries of group " + std::to_string(id.value) + " are missing");
    next_seq_ = last + 1;
    return done{};
  }

  static std::uint64_t cost_of(policy::log_batch const& batch) {
    auto sum = batch.store_record ? batch.store_record->size() : std::size_t{0};
    std::uint64_t cost = sum + 1024;
    for (auto const& write : batch.groups) {
      cost += 512;
      for (auto const& entry : write.entries) cost += raft::cost_of(entry);
    }
    return cost;
  }

  /// Lets go of dead rows in front, and moves what pins the first of them forward when too much is dead behind it.
  result<done> compact(detail::open_turn& turn) {
    auto const size_before = turn.size();
    std::uint32_t dropped = 0;
    std::uint64_t dropped_bytes = 0;
    auto const may_drop = [&] {
      return dropped < options_.drop_rows_max && dropped_bytes < options_.drop_bytes_max && directory_.front() != turn.seq();
    };
    auto const drop_dead = [&] {
      for (; may_drop() && directory_.front_dead(); ++dropped) {
        dropped_bytes += directory_.front_bytes();
        directory_.drop_front();
      }
    };
    for (drop_dead(); may_drop(); drop_dead()) {
      auto const dead = directory_.bytes_total() - std::min(directory_.bytes_total(), directory_.bytes_live());
      if (dead <= std::max(options_.dead_bytes_max, directory_.bytes_live())) break;
      auto const moved_so_far = turn.size() - size_before;
      if (moved_so_far >= options_.move_bytes_max) break;
      if (auto moved = move_front(turn, options_.move_bytes_max - moved_so_far); !moved) return moved.error();
    }
    return done{};
  }

  /// Copies live records of the first row into `turn` until `budget` bytes are reached; at least one.
  result<done> move_front(detail::open_turn& turn, std::uint64_t budget) {
    auto const front = directory_.front();
    auto const until = turn.size() + budget;
    read_.bind(1, front);
    if (read_.step() != SQLITE_ROW) {
      auto const why = db().error("read turn " + std::to_string(front));
      read_.reset();
      return why;
    }
    std::string const body{read_.blob(0)};
    read_.reset();
    auto const old = detail::read_turn(front, body);
    if (!old) return damaged(front, "is not what was written");
    for (auto const& r : old->records) {
      if (turn.size() >= until) break;
      if (auto moved = move_record(turn, front, r, until); !moved) return moved.error();
    }
    return done{};
  }
  result<done> move_record(detail::open_turn& turn, std::uint64_t front, detail::record const& r, std::size_t until) {
    detail::place const at{front, r.offset, r.size};
    if (r.kind == detail::record_kind::store) {
      if (directory_.store_record_at() == at) turn.put_store_record(bytes{*directory_.store_record()});
      return done{};
    }
    auto const* places = directory_.find(r.group);
    if (places == nullptr) return done{};
    if (places->state_at == at) turn.put_state(r.group, places->state);
    if (places->truncated_at == at) turn.put_truncation(r.group, places->truncated);
    if (r.kind != detail::record_kind::entries && r.kind != detail::record_kind::moved) return done{};

    auto const count = detail::count_entries(r.payload, r.index);
    if (!count) return damaged(front, "holds a malformed record");
    auto const end = places->extents.upper_bound(r.index + (*count - 1));
    std::vector<detail::extent> alive;  // moving changes the map
    for (auto it = places->extents.lower_bound(r.index); it != end; ++it)
      if (it->second.at == at) alive.push_back(it->second);
    detail::record_reader reader{db()};
    for (auto const& e : alive) {
      for (auto from = e.first; turn.size() < until;) {
        std::vector<raft::entry> entries;
        auto bytes_max = std::min<std::uint64_t>(until - turn.size(), options_.record_bytes_max);
        auto const got = reader.entries(r.group, e, from, e.last, bytes_max, entries);
        if (!got) return got.error();
        turn.move_entries(r.group, entries);
        if (entries.back().index == e.last) break;
        from = entries.back().index + 1;
      }
    }
    return done{};
  }

  result<done> store(std::uint64_t seq, std::string const& body, bool drops) {
    insert_.bind(1, seq);
    if (!insert_.bind(2, body)) return db().error("write turn " + std::to_string(seq));
    if (!drops) return db().finish(insert_, "write turn " + std::to_string(seq));
    // One transaction: the new turn says which row is the first, so the rows before it must be gone with it.
    if (auto begun = db().finish(begin_, "begin a commit"); !begun) return begun;
    if (auto written = db().finish(insert_, "write turn " + std::to_string(seq)); !written) return written;
    drop_.bind(1, directory_.front());
    if (auto dropped = db().finish(drop_, "delete old turns"); !dropped) return dropped;
    return db().finish(commit_, "commit");
  }

  sqlite_log_options options_;
  detail::opened_database base_;
  detail::statement begin_;
  detail::statement commit_;
  detail::statement insert_;
  detail::statement drop_;
  detail::statement read_;
  detail::turn_directory directory_;
  std::uint64_t next_seq_ = 1;
  std::uint64_t wal_pages_ = 0;
  std::optional<failure> failed_;
  bool loaded_ = false;
};

TINYKV_DECL result<sqlite_log> sqlite_log::open(sqlite_log_options options) {
  std::string first_row = "CREATE TABLE turn (seq INTEGER PRIMARY KEY, body BLOB NOT NULL); INSERT INTO turn VALUES (1, x'";
  for (auto const c : detail::turn_writer{1}.finish(1)) {
    first_row += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    first_row += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  // EXCLUSIVE before journal_mode: the index of the write-ahead log is then kept in memory, without a shm file.
  auto opened = detail::open_database(options.path, detail::log_file, 4096, first_row + "');",
                                      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                      "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = -1;"
                                      "PRAGMA secure_delete = OFF; PRAGMA trusted_schema = OFF;");
  if (!opened) return opened.error();
  auto made = std::make_unique<impl>(std::move(options), std::move(*opened));
  if (auto prepared = made->prepare(); !prepared) return prepared.error();
  return sqlite_log{std::move(made)};
}

TINYKV_DECL result<policy::log_contents> sqlite_log::load() { return impl_->load(); }
TINYKV_DECL result<done> sqlite_log::commit(policy::log_batch const& batch) { return impl_->commit(batch); }
TINYKV_DECL result<std::vector<raft::entry>> sqlite_log::fetch(group_id group, log_index from, log_index to,
                                                               std::uint64_t bytes_max) {
  return impl_->fetch(group, from, to, bytes_max);
}
TINYKV_DECL sqlite_log_usage sqlite_log::usage() const { return impl_->usage(); }

TINYKV_DECL sqlite_log::sqlite_log(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}
TINYKV_DECL sqlite_log::sqlite_log(sqlite_log&&) noexcept = default;
TINYKV_DECL sqlite_log& sqlite_log::operator=(sqlite_log&&) noexcept = default;
TINYKV_DECL sqlite_log::~sqlite_log() = default;

}  // namespace tinykv::storage
