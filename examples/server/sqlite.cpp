// Log and data in SQLite files: what was acknowledged survives kill -9 and the loss of power.

#include "compositions.hpp"
#include "serve.hpp"

#include <tinykv/storage/snapshot_files.hpp>
#include <tinykv/storage/sqlite/sqlite_kv.hpp>
#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace {

struct durable_server : tinykv::defaults {
  using machine = tinykv::kv::kv_machine<tinykv::storage::sqlite_kv>;
  using log = tinykv::storage::sqlite_log;
  using snapshots = tinykv::storage::snapshot_files;
  using transport = tinykv::transport::websocket;
  using observer = tinykv::server::prometheus;
};

/// Makes the directory and those above it. The name of each new one is synced, or a loss of power could take the whole
/// store with it, and all that was acknowledged.
std::error_code make_directory(std::filesystem::path const& path) {
  std::error_code problem;
  if (path.empty() || std::filesystem::is_directory(path, problem)) return {};
  if (problem = make_directory(path.parent_path()); problem) return problem;
  if (!std::filesystem::create_directory(path, problem)) return problem;
  auto const above = path.parent_path();
  auto const fd = ::open(above.empty() ? "." : above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || ::fsync(fd) != 0) problem.assign(errno, std::generic_category());
  if (fd >= 0) ::close(fd);
  return problem;
}

}  // namespace

int serve_sqlite(flags const& with) {
  if (auto const problem = make_directory(with.data_dir))
    return complain("cannot make --data-dir " + with.data_dir + ": " + problem.message() + "; may this user write there?");
  auto log = tinykv::storage::sqlite_log::open({with.data_dir + "/log.sqlite"});
  if (!log) return complain(log.error().detail);
  auto engine = tinykv::storage::sqlite_kv::open({with.data_dir + "/data.sqlite", tinykv::kv::family_names()});
  if (!engine) return complain(engine.error().detail);
  auto snapshots = tinykv::storage::snapshot_files::open(with.data_dir + "/snapshots");
  if (!snapshots) return complain(snapshots.error().detail);
  return serve<durable_server>(with, std::move(*engine), std::move(*log), std::move(*snapshots));
}
