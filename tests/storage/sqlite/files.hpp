#pragma once

#include "storage/temporary_directory.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

namespace tinykv::tests {

using files = std::map<std::string, std::string>;

/// Names and bytes of all files of a directory.
inline files all_files(std::filesystem::path const& directory) {
  files out;
  for (auto const& each : std::filesystem::directory_iterator{directory})
    if (each.is_regular_file()) out[each.path().filename().string()] = read_file(each.path().string());
  return out;
}
inline void put_files(std::filesystem::path const& directory, files const& all) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  for (auto const& [name, data] : all) write_file((directory / name).string(), data);
}

/// Runs SQL as a stranger to the library would.
inline void run_sql(std::string const& path, std::string const& sql) {
  sqlite3* db = nullptr;
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK) throw std::runtime_error{"open " + path};
  char* why = nullptr;
  auto const code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why);
  std::string const text = why == nullptr ? "" : why;
  sqlite3_free(why);
  sqlite3_close(db);
  if (code != SQLITE_OK) throw std::runtime_error{text};
}

}  // namespace tinykv::tests
