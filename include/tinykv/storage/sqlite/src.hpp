#pragma once

// The bodies of the SQLite models, for one translation unit of a build that defines TINYKV_SEPARATE_COMPILATION.

#include <tinykv/storage/sqlite/sqlite_kv.hpp>
#include <tinykv/storage/sqlite/sqlite_log.hpp>

#include <tinykv/storage/sqlite/impl/sqlite_kv.ipp>
#include <tinykv/storage/sqlite/impl/sqlite_log.ipp>
