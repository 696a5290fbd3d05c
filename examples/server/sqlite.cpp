// Log and data in SQLite files: what was acknowledged survives kill -9 and the loss of power.

#include "compositions.hpp"
#include "serve.hpp"

#include <tinykv/storage/sqlite/sqlite_kv.hpp>
#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include <filesystem>

namespace {

struct durable_server : tinykv::defaults {
  using machine = tinykv::kv::kv_machine<tinykv::storage::sqlite_kv>;
  using log = tinykv::storage::sqlite_log;
  using transport = tinykv::transport::websocket;
  using observer = tinykv::server::prometheus;
};

}  // namespace

int serve_sqlite(flags const& with) {
  std::error_code problem;
  std::filesystem::create_directories(with.data_dir, problem);
  if (problem)
    return complain("cannot make --data-dir " + with.data_dir + ": " + problem.message() + "; may this user write there?");
  auto log = tinykv::storage::sqlite_log::open({with.data_dir + "/log.sqlite"});
  if (!log) return complain(log.error().detail);
  auto engine = tinykv::storage::sqlite_kv::open({with.data_dir + "/data.sqlite", tinykv::kv::family_names()});
  if (!engine) return complain(engine.error().detail);
  return serve<durable_server>(with, std::move(*engine), std::move(*log));
}
