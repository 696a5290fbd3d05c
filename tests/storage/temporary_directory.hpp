#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace tinykv::tests {

/// A new directory, removed at the end; in memory where the system offers that: no test can see whether a sync reached
/// a disk, so none should wait for one.
class temporary_directory {
 public:
  temporary_directory() {
    auto const in_memory = ::access("/dev/shm", W_OK) == 0;
    std::filesystem::path const base = in_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    auto pattern = (base / "tinykv-storage-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  temporary_directory(temporary_directory const&) = delete;
  temporary_directory& operator=(temporary_directory const&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(std::string const& name) const { return (path_ / name).string(); }
  std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
inline void write_file(std::string const& path, std::string const& data) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out.write(data.data(), static_cast<std::streamsize>(data.size()));
}

}  // namespace tinykv::tests
