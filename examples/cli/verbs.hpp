#pragma once

#include "report.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// One verb per file. Each gives the exit code. Keys and values are bytes here: --hex is undone where flags are read.

namespace cli {

struct put_arguments {
  std::string key;
  std::optional<std::string> value;  ///< Nothing = all of stdin.
};
int put(settings const& with, put_arguments const& what);

struct get_arguments {
  std::string key;
  bool raw = false;  ///< No newline behind the value.
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

/// How many pairs a scan shows when nobody says how many.
inline constexpr std::uint64_t scan_pairs_shown = 100;

struct scan_arguments {
  std::string prefix;
  std::string from;
  std::string to;
  std::optional<std::uint64_t> limit;  ///< 0 = all; nothing = scan_pairs_shown.
  std::string order = "asc";           ///< Or "desc".
  bool keys_only = false;
};
int scan(settings const& with, scan_arguments const& what);

int status(settings const& with);

struct import_arguments {
  std::string file = "-";
  std::optional<std::string> format;  ///< Nothing = by the file's name.
  std::uint64_t skip = 0;             ///< Records at the front that are in already.
  std::uint32_t batch = 64;
  std::uint32_t in_flight = 64;
  bool repeat_unknown = false;
  std::string acknowledged;  ///< Where each acknowledged key is written; empty = nowhere.
};
int import_file(settings const& with, import_arguments const& what);

struct export_arguments {
  std::string file = "-";
  std::optional<std::string> format;  ///< Nothing = by the file's name.
  std::string prefix;
};
int export_file(settings const& with, export_arguments const& what);

struct doctor_arguments {
  std::string data_dir;             ///< Looked at when not empty.
  std::vector<std::string> listen;  ///< H:P that a server is to listen on.
};
int doctor(settings const& with, doctor_arguments const& what);

struct shell_arguments {
  std::string history;  ///< A file; empty = none.
};
int shell(settings const& with, shell_arguments const& what);

struct completion_arguments {
  std::string shell;  ///< "bash", "zsh", "fish".
};
int completion(settings const& with, completion_arguments const& what);

}  // namespace cli
