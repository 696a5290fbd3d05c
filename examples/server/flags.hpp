#pragma once

#include <tinykv/core/id.hpp>

#include <cstdint>
#include <map>
#include <string>

/// What the command line, the environment and the file say.
struct flags {
  std::string data_dir;
  std::string listen;
  std::string advertise;
  tinykv::cluster_id cluster{1};
  tinykv::store_id store{1};
  std::map<tinykv::store_id, std::string> peers;  ///< All stores, this one included.
  std::string storage = "sqlite";
  bool init = false;
  bool join = false;
  std::uint64_t log_entries_max = 65536;         ///< Applied entries in a log above which it is compacted.
  std::uint64_t log_bytes_max = 64ULL << 20;     ///< The same in bytes.
  std::uint64_t snapshot_rate = 64ULL << 20;     ///< Bytes per second of all snapshots that this store sends.
};

/// What became of the command line: go on with `value`, or end with `exit_code`.
struct parsed_flags {
  bool go_on = false;
  int exit_code = 0;
  flags value;
};

/// Reads flags, TINYKV_ variables and the file of --config, in this order of precedence. Prints help and errors.
parsed_flags parse_flags(int argc, char** argv);

/// With port 0 the system chooses one: from now on `number` stands where the 0 stood.
void settle_port(flags& with, std::uint16_t number);

/// Says on stderr, in one line, what is wrong; gives the exit code of a failure.
int complain(std::string const& what);
