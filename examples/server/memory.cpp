// Log and data in memory: fast, and gone with the process. A majority that stays up keeps what was acknowledged.

#include "compositions.hpp"
#include "serve.hpp"

#include <tinykv/storage/memory_kv.hpp>
#include <tinykv/storage/memory_log.hpp>
#include <tinykv/storage/memory_snapshots.hpp>

namespace {

struct volatile_server : tinykv::defaults {
  using machine = tinykv::kv::kv_machine<tinykv::storage::memory_kv>;
  using log = tinykv::storage::memory_log;
  using snapshots = tinykv::storage::memory_snapshots;
  using transport = tinykv::transport::websocket;
  using observer = tinykv::server::prometheus;
};

}  // namespace

int serve_memory(flags const& with) {
  tinykv::storage::memory_kv engine{tinykv::kv::family_names()};
  return serve<volatile_server>(with, std::move(engine), tinykv::storage::memory_log{}, tinykv::storage::memory_snapshots{});
}
