#pragma once

#include <tinykv/storage/snapshot_files.hpp>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tinykv::storage {

namespace detail {

/// An open descriptor; closed at the end. What a close reports is of no use: whoever needs the bytes has synced them.
class posix_file {
 public:
  posix_file() = default;
  explicit posix_file(int fd) : fd_(fd) {}
  posix_file(posix_file&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  posix_file& operator=(posix_file&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~posix_file() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

/// Calls `f` again as long as a signal interrupts it.
template <class F>
auto uninterrupted(F f) {
  auto out = f();
  while (out < 0 && errno == EINTR) out = f();
  return out;
}

}  // namespace detail

class snapshot_files::impl {
 public:
  impl(std::string path, detail::posix_file directory) : path_(std::move(path)), directory_(std::move(directory)) {}

  /// A new inode: what is wrong with the old one, or who still reads it, does not matter any more.
  result<done> create(group_id group, policy::snapshot_slot slot) {
    auto const name = name_of(group, slot);
    forget({group, slot});
    if (auto removed = unlink(name); !removed) return removed;
    auto made = detail::posix_file{detail::uninterrupted(
        [&] { return ::openat(directory_.get(), name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600); })};
    if (!made) return error("create", name);
    std::lock_guard const lock{mutex_};
    writing_[{group, slot}].file = std::move(made);
    return done{};
  }

  result<done> append(group_id group, policy::snapshot_slot slot, std::string_view data) {
    auto const name = name_of(group, slot);
    auto const to = writing({group, slot}, name);
    if (!to) return to.error();
    while (!data.empty()) {
      auto const count = detail::uninterrupted([&] { return ::write((*to)->file.get(), data.data(), data.size()); });
      if (count < 0) return fail(**to, error("write", name));
      data.remove_prefix(static_cast<std::size_t>(count));
    }
    return done{};
  }

  result<done> sync(group_id group, policy::snapshot_slot slot) {
    auto const name = name_of(group, slot);
    auto const of = writing({group, slot}, name);
    if (!of) return of.error();
    if (detail::uninterrupted([&] { return ::fsync((*of)->file.get()); }) != 0) return fail(**of, error("sync", name));
    if (auto named = sync_directory(); !named) return fail(**of, named.error());  // the file may be new
    forget({group, slot});
    return done{};
  }

  result<std::optional<std::uint64_t>> size(group_id group, policy::snapshot_slot slot) const {
    auto const name = name_of(group, slot);
    struct stat about {};
    if (::fstatat(directory_.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0)
      return std::optional{static_cast<std::uint64_t>(about.st_size)};
    if (errno == ENOENT) return std::optional<std::uint64_t>{};
    return error("look at", name);
  }

  result<bytes> read(group_id group, policy::snapshot_slot slot, std::uint64_t offset, std::size_t count) const {
    auto const name = name_of(group, slot);
    detail::posix_file const from{detail::uninterrupted(
        [&] { return ::openat(directory_.get(), name.c_str(), O_RDONLY | O_CLOEXEC); })};
    struct stat about {};
    if (!from || ::fstat(from.get(), &about) != 0) return error("open", name);
    auto const end = static_cast<std::uint64_t>(about.st_size);
    if (offset >= end) return bytes{};
    std::string out(static_cast<std::size_t>(std::min<std::uint64_t>(count, end - offset)), '\0');
    std::size_t have = 0;
    while (have < out.size()) {
      auto const more = detail::uninterrupted([&] {
        return ::pread(from.get(), out.data() + have, out.size() - have, static_cast<off_t>(offset + have));
      });
      if (more < 0) return error("read", name);
      if (more == 0) break;
      have += static_cast<std::size_t>(more);
    }
    out.resize(have);
    return bytes::adopt(std::move(out));
  }

  result<done> publish(group_id group, policy::snapshot_slot slot) {
    auto const from = name_of(group, slot);
    auto const to = name_of(group, policy::snapshot_slot::current);
    if (auto synced = sync(group, slot); !synced) return synced;
    forget({group, policy::snapshot_slot::current});
    if (::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) != 0) return error("publish", from);
    return sync_directory();
  }

  result<done> remove(group_id group, policy::snapshot_slot slot) {
    forget({group, slot});
    return unlink(name_of(group, slot));
  }

  static failure error(char const* what, std::string const& path, int why) {
    auto const text = "cannot " + std::string{what} + " " + path + ": " + std::generic_category().message(why);
    if (why == ENOENT) return rejected(error_code::not_found, text);
    auto const full = why == ENOSPC || why == EDQUOT || why == EFBIG;
    return fatal(full ? error_code::disk_full : error_code::io, text, static_cast<std::uint64_t>(why));
  }

 private:
  using key = std::pair<group_id, policy::snapshot_slot>;
  /// A file with bytes that are not synced. Each belongs to the one call that may be made for its file.
  struct written_file {
    detail::posix_file file;
    std::optional<failure> failed;
  };

  static std::string name_of(group_id group, policy::snapshot_slot slot) {
    static constexpr char const* names[] = {".incoming", ".outgoing", ".current"};  // stored
    return std::to_string(group.value) + names[static_cast<std::size_t>(slot)];
  }
  failure error(char const* what, std::string const& name) const { return error(what, path_ + "/" + name, errno); }

  /// The file with its descriptor; opens again what a sync or an earlier process has closed.
  result<written_file*> writing(key of, std::string const& name) {
    std::lock_guard const lock{mutex_};
    if (auto const found = writing_.find(of); found != writing_.end()) {
      if (found->second.failed) return *found->second.failed;
      return &found->second;
    }
    auto opened = detail::posix_file{detail::uninterrupted(
        [&] { return ::openat(directory_.get(), name.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC); })};
    if (!opened) return error("open", name);
    auto& added = writing_[of];
    added.file = std::move(opened);
    return &added;
  }
  void forget(key of) {
    std::lock_guard const lock{mutex_};
    writing_.erase(of);
  }
  static failure fail(written_file& in, failure why) {
    why.outcome = outcome::fatal;
    in.failed = why;
    return why;
  }
  result<done> unlink(std::string const& name) {
    if (::unlinkat(directory_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return done{};
    return error("remove", name);
  }
  result<done> sync_directory() {
    if (detail::uninterrupted([&] { return ::fsync(directory_.get()); }) != 0) return error("sync", ".");
    return done{};
  }

  std::string path_;
  detail::posix_file directory_;
  std::mutex mutex_;  // guards the map; its elements stay where they are
  std::map<key, written_file> writing_;
};

TINYKV_DECL result<snapshot_files> snapshot_files::open(std::string const& directory) {
  auto const made = ::mkdir(directory.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) {
    auto why = impl::error("make the directory", directory, errno);
    why.outcome = outcome::fatal;
    return why;
  }
  auto const open_directory = [](std::string const& path) {
    return detail::posix_file{detail::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); })};
  };
  auto opened = open_directory(directory);
  if (!opened) return impl::error("open the directory", directory, errno);
  if (made) {
    auto const parent = open_directory(directory + "/..");
    if (!parent || detail::uninterrupted([&] { return ::fsync(parent.get()); }) != 0)
      return impl::error("sync the directory above", directory, errno);
  }
  return snapshot_files{std::make_unique<impl>(directory, std::move(opened))};
}

TINYKV_DECL result<done> snapshot_files::create(group_id group, policy::snapshot_slot slot) {
  return impl_->create(group, slot);
}
TINYKV_DECL result<done> snapshot_files::append(group_id group, policy::snapshot_slot slot, std::string_view data) {
  return impl_->append(group, slot, data);
}
TINYKV_DECL result<done> snapshot_files::sync(group_id group, policy::snapshot_slot slot) { return impl_->sync(group, slot); }
TINYKV_DECL result<std::optional<std::uint64_t>> snapshot_files::size(group_id group, policy::snapshot_slot slot) const {
  return impl_->size(group, slot);
}
TINYKV_DECL result<bytes> snapshot_files::read(group_id group, policy::snapshot_slot slot, std::uint64_t offset,
                                               std::size_t count) const {
  return impl_->read(group, slot, offset, count);
}
TINYKV_DECL result<done> snapshot_files::publish(group_id group, policy::snapshot_slot slot) {
  return impl_->publish(group, slot);
}
TINYKV_DECL result<done> snapshot_files::remove(group_id group, policy::snapshot_slot slot) {
  return impl_->remove(group, slot);
}

TINYKV_DECL snapshot_files::snapshot_files(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}
TINYKV_DECL snapshot_files::snapshot_files(snapshot_files&&) noexcept = default;
TINYKV_DECL snapshot_files& snapshot_files::operator=(snapshot_files&&) noexcept = default;
TINYKV_DECL snapshot_files::~snapshot_files() = default;

}  // namespace tinykv::storage
