#pragma once

#include <tinykv/codec/reader.hpp>
#include <tinykv/codec/writer.hpp>
#include <tinykv/core/crc32c.hpp>
#include <tinykv/policy/snapshot_storage.hpp>
#include <tinykv/policy/snapshottable_machine.hpp>
#include <tinykv/raft/values/encoding.hpp>
#include <tinykv/raft/values/snapshot.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

// A spool file: the records of a machine, then what they are the state of (SAFETY.md §5).
//
//     file      = record* end
//     record    = size u32, sum u32, data                  size: of the data, at most record_bytes_max
//     end       = size u32 with its top bit set, sum u32, data
//     end data  = format u8 = 1, records varint, bytes varint, index varint, term varint, membership text, extension
//
// `records` and `bytes` count the records and their data; the membership is that of raft/values/encoding; an extension
// reaches to the end and is passed over by readers of today. A sum is the CRC-32C of everything that stands before it and behind it in its record, and of all records before,
// sums left out: records that were lost, repeated or put in another order are found where they begin. All integers
// little-endian.
namespace tinykv::raftstore {

namespace detail {

inline constexpr std::uint32_t spool_end_mark = 1U << 31;  // stored
inline constexpr std::uint8_t spool_format = 1;            // stored
inline constexpr std::size_t spool_header_bytes = 8;

/// The sum over all records up to one whose size field is `size`.
inline std::uint32_t spool_sum(std::uint32_t before, std::uint32_t size, std::string_view data) {
  std::string field;
  codec::writer{field}.u32(size);
  return crc32c(data, crc32c(field, before));
}

/// What stands behind the records.
struct spool_end {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  raft::snapshot_meta meta;
};

inline std::string encode(spool_end const& end) {
  std::string text;
  codec::writer out{text};
  out.u8(spool_format);
  out.varint(end.records);
  out.varint(end.bytes);
  out.varint(end.meta.at.index.value);
  out.varint(end.meta.at.term.value);
  std::string configuration;
  codec::writer whole{configuration};
  raft::encode(whole, end.meta.configuration);
  out.text(configuration);
  return text;
}
inline result<spool_end> decode_spool_end(std::string_view data) {
  codec::reader in{data};
  if (in.u8() != spool_format)
    return fatal(error_code::version_mismatch, "the snapshot file has another format; it was made by another version");
  spool_end out;
  out.records = in.varint();
  out.bytes = in.varint();
  out.meta.at = {log_index{in.varint()}, term{in.varint()}};
  codec::reader configuration{in.text()};
  out.meta.configuration = raft::decode_membership(configuration);
  if (!in.ok() || !configuration.finished()) return fatal(error_code::corrupt, "the end of the snapshot file is malformed");
  return out;
}

}  // namespace detail

/// Writes a spool file: each record with its checksum, then, by `finish`, what they are the state of. Holds about
/// `buffer_bytes` in memory. One thread at a time; blocks for the disk.
template <policy::SnapshotStorage Files>
class snapshot_file_writer : public policy::snapshot_writer {
 public:
  static constexpr std::size_t buffer_bytes = 256U << 10;  ///< Gathered before they are appended.

  /// Begins the file anew. `files` must outlive the writer.
  static result<snapshot_file_writer> create(Files& files, group_id group, policy::snapshot_slot slot) {
    if (auto created = files.create(group, slot); !created) return std::move(created).error();
    return snapshot_file_writer{files, group, slot};
  }

  /// As snapshot_writer says. `rejected` (too_large), `fatal` (io, disk_full).
  result<done> write(std::string_view record) override {
    if (record.size() > record_bytes_max)
      return rejected(error_code::too_large, "a record of a snapshot is too large", record_bytes_max);
    ++end_.records;
    end_.bytes += record.size();
    return put(static_cast<std::uint32_t>(record.size()), record);
  }
  /// Ends the file and syncs it; nothing may be written afterwards. It is not published.
  result<done> finish(raft::snapshot_meta meta) {
    end_.meta = std::move(meta);
    auto const data = detail::encode(end_);
    if (data.size() > record_bytes_max)
      return rejected(error_code::too_large, "the configuration is too large for a snapshot", record_bytes_max);
    if (auto written = put(detail::spool_end_mark | static_cast<std::uint32_t>(data.size()), data); !written) return written;
    if (auto flushed = flush(); !flushed) return flushed;
    return files_->sync(group_, slot_);
  }
  /// What the records hold so far, in bytes.
  std::uint64_t bytes_written() const noexcept { return end_.bytes; }

 private:
  snapshot_file_writer(Files& files, group_id group, policy::snapshot_slot slot) : files_(&files), group_(group), slot_(slot) {}

  result<done> put(std::uint32_t size, std::string_view data) {
    sum_ = detail::spool_sum(sum_, size, data);
    codec::writer out{buffer_};
    out.u32(size);
    out.u32(sum_);
    out.raw(data);
    return buffer_.size() < buffer_bytes ? result<done>{} : flush();
  }
  result<done> flush() {
    auto appended = files_->append(group_, slot_, buffer_);
    buffer_.clear();
    return appended;
  }

  Files* files_;
  group_id group_;
  policy::snapshot_slot slot_;
  detail::spool_end end_;
  std::uint32_t sum_ = 0;
  std::string buffer_;
};

/// Reads a spool file, record by record, in memory of about `buffer_bytes` and the largest record; every record is checked
/// before it is given. One thread at a time; blocks for the disk.
template <policy::SnapshotStorage Files>
class snapshot_file_reader : public policy::snapshot_reader {
 public:
  static constexpr std::size_t buffer_bytes = 256U << 10;  ///< Read at once.

  /// Begins at the front. `rejected` (not_found) when there is no such file. `files` must outlive the reader; the file must
  /// stay as it is.
  static result<snapshot_file_reader> open(Files& files, group_id group, policy::snapshot_slot slot) {
    auto size = files.size(group, slot);
    if (!size) return std::move(size).error();
    if (!*size) return rejected(error_code::not_found, "there is no such snapshot file");
    return snapshot_file_reader{files, group, slot, **size};
  }

  /// As snapshot_reader says. Records share memory with their neighbours. `fatal` (corrupt, version_mismatch, io); the same
  /// again afterwards.
  result<std::optional<bytes>> next() override {
    if (failed_) return *failed_;
    if (end_) return std::optional<bytes>{};
    auto record = read_record();
    if (!record) failed_ = record.error();
    return record;
  }
  /// What the records are the state of; known once `next` has given nullopt.
  std::optional<raft::snapshot_meta> meta() const {
    return end_ ? std::optional{end_->meta} : std::nullopt;
  }

 private:
  snapshot_file_reader(Files& files, group_id group, policy::snapshot_slot slot, std::uint64_t size)
      : files_(&files), group_(group), slot_(slot), size_(size) {}

  static failure damaged(char const* what) { return fatal(error_code::corrupt, std::string{"the snapshot file "} + what); }

  result<std::optional<bytes>> read_record() {
    auto const header = take(detail::spool_header_bytes);
    if (!header) return header.error();
    codec::reader fields{header->view()};
    auto const field = fields.u32();
    auto const sum = fields.u32();
    auto const size = field & ~detail::spool_end_mark;
    if (size > policy::snapshot_writer::record_bytes_max) return damaged("holds a record that is too large");
    auto data = take(size);
    if (!data) return data.error();
    sum_ = detail::spool_sum(sum_, field, data->view());
    if (sum_ != sum) return damaged("is not what was written");
    if (field != size) return finish(data->view());
    ++records_;
    bytes_ += size;
    return std::optional{std::move(*data)};
  }
  result<std::optional<bytes>> finish(std::string_view data) {
    auto end = detail::decode_spool_end(data);
    if (!end) return std::move(end).error();
    if (end->records != records_ || end->bytes != bytes_) return damaged("lacks records");
    if (offset_ != size_ || !buffer_.empty()) return damaged("goes on behind its end");
    end_ = std::move(*end);
    return std::optional<bytes>{};
  }
  /// The next `count` bytes. What the file cannot hold is refused before memory is taken for it.
  result<bytes> take(std::size_t count) {
    if (count > buffer_.size() + (size_ - offset_)) return damaged("ends too early");
    if (count > buffer_.size())
      if (auto filled = fill(count); !filled) return std::move(filled).error();
    auto out = buffer_.slice(0, count);
    buffer_ = buffer_.slice(count);
    return out;
  }
  result<done> fill(std::size_t count) {
    auto const wanted = std::min<std::uint64_t>(std::max(count - buffer_.size(), buffer_bytes), size_ - offset_);
    auto got = files_->read(group_, slot_, offset_, static_cast<std::size_t>(wanted));
    if (!got) return std::move(got).error();
    if (got->size() != wanted) return damaged("became shorter");
    offset_ += wanted;
    if (!buffer_.empty()) got = bytes::adopt(buffer_.str() + got->str());
    buffer_ = std::move(*got);
    return done{};
  }

  Files* files_;
  group_id group_;
  policy::snapshot_slot slot_;
  std::uint64_t size_;        // of the file
  std::uint64_t offset_ = 0;  // of what is behind buffer_
  bytes buffer_;              // read and not yet given
  std::uint32_t sum_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<detail::spool_end> end_;
  std::optional<failure> failed_;
};

/// Reads a whole spool file and checks every byte of it, in bounded memory; gives what it is the state of. `rejected`
/// (not_found), `fatal` (corrupt, version_mismatch, io).
template <policy::SnapshotStorage Files>
result<raft::snapshot_meta> verify_snapshot(Files& files, group_id group, policy::snapshot_slot slot) {
  auto in = snapshot_file_reader<Files>::open(files, group, slot);
  if (!in) return std::move(in).error();
  for (;;) {
    auto const record = in->next();
    if (!record) return record.error();
    if (!*record) return *in->meta();
  }
}

}  // namespace tinykv::raftstore
