#pragma once

#include "session.hpp"

#include <cstdint>
#include <optional>
#include <string>

// One verb per file. Each gives the exit code.

namespace cli {

struct put_arguments {
  std::string key;
  std::optional<std::string> value;  ///< Nothing = all of stdin.
};
int put(settings const& with, put_arguments const& what);

struct get_arguments {
  std::string key;
  bool raw = false;  ///< The value's bytes and no newline.
};
int get(settings const& with, get_arguments const& what);

struct del_arguments {
  std::string key;
};
int del(settings const& with, del_arguments const& what);

struct cas_arguments {
  std::string key;
  std::optional<std::string> expected;  ///< Nothing = the key must be absent.
  std::optional<std::string> value;     ///< Nothing = all of stdin, unless it erases.
  bool erase = false;
};
int cas(settings const& with, cas_arguments const& what);

struct scan_arguments {
  std::string prefix;
  std::string from;
  std::string to;
  std::uint64_t limit = 100;
  bool reverse = false;
  bool keys_only = false;
};
int scan(settings const& with, scan_arguments const& what);

int status(settings const& with);

struct import_arguments {
  std::string file = "-";
  std::uint32_t batch = 64;
  std::uint32_t in_flight = 64;
  bool repeat_unknown = false;
  std::string acknowledged;  ///< Where each acknowledged key is written; empty = nowhere.
};
int import_file(settings const& with, import_arguments const& what);

struct export_arguments {
  std::string file = "-";
  std::string prefix;
};
int export_file(settings const& with, export_arguments const& what);

/// All of stdin.
std::string all_of_stdin();

}  // namespace cli
