#include "doctor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace cli {

namespace {

using namespace std::chrono_literals;

constexpr int syncs = 50;
constexpr auto sync_slow = 20ms;      // a put waits for one; an election timeout is some hundred
constexpr auto sync_too_fast = 10us;  // below what any disk with power-loss protection needs
constexpr std::uint64_t space_low = 1U << 30;
constexpr std::uint64_t space_gone = 64U << 20;

std::string reason() { return std::strerror(errno); }

std::string milliseconds(std::chrono::nanoseconds time) {
  char out[32];
  std::snprintf(out, sizeof out, "%.2f ms", std::chrono::duration<double, std::milli>(time).count());
  return out;
}

finding kind(std::string const& directory, struct statfs const& disk) {
  auto const is = [&](std::string const& what) { return directory + " is on " + what; };
  constexpr std::uint64_t cifs = 0xff534d42, fuse = 0x65735546;  // not in linux/magic.h everywhere
  switch (static_cast<std::uint64_t>(disk.f_type) & 0xffffffff) {
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
      return {health::warn, "disk", is("a file system in memory"),
              "data are gone after a restart of the machine: choose a disk"};
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case cifs:
      return {health::warn, "disk", is("a network file system"),
              "SQLite's locks are not to be relied on there: choose a local disk"};
    case OVERLAYFS_SUPER_MAGIC:
      return {health::warn, "disk", is("a container's own layer"), "data are gone with the container: mount a volume"};
    case fuse:
      return {health::warn, "disk", is("a FUSE file system"), "see that its sync reaches the disk"};
    case EXT4_SUPER_MAGIC:
      return {health::ok, "disk", is("ext")};
    case XFS_SUPER_MAGIC:
      return {health::ok, "disk", is("xfs")};
    case BTRFS_SUPER_MAGIC:
      return {health::ok, "disk", is("btrfs")};
  }
  char number[32];
  std::snprintf(number, sizeof number, "%lx", static_cast<unsigned long>(disk.f_type));
  return {health::ok, "disk", is("a file system of type 0x" + std::string{number})};
}

finding space(std::string const& directory) {
  struct statvfs room{};
  if (::statvfs(directory.c_str(), &room) != 0)
    return {health::warn, "disk", "no word on free space in " + directory + ": " + reason()};
  auto const free = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  auto const text = std::to_string(free >> 20) + " MiB free in " + directory;
  if (free < space_gone) return {health::fail, "disk", text, "a full disk stops the server: make room"};
  if (free < space_low) return {health::warn, "disk", text, "a full disk stops the server: plan for more"};
  return {health::ok, "disk", text};
}

/// The times of many small appends with fdatasync, as a log makes them; empty with `errno` when one fails.
std::vector<std::chrono::nanoseconds> sync_times(int file) {
  std::array<char, 4096> block{};
  std::vector<std::chrono::nanoseconds> out;
  for (int i = 0; i < syncs; ++i) {
    block.fill(static_cast<char>(i));
    auto const begin = std::chrono::steady_clock::now();
    if (::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) || ::fdatasync(file) != 0)
      return {};
    out.push_back(std::chrono::steady_clock::now() - begin);
  }
  std::sort(out.begin(), out.end());
  return out;
}

finding sync_cost(std::string const& directory) {
  auto name = directory + "/tinykv-doctor-XXXXXX";
  auto const file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0)
    return {health::fail, "disk", "cannot write in " + directory + ": " + reason(),
            "give it to the user who runs the server"};
  ::unlink(name.c_str());  // gone whatever happens
  auto const times = sync_times(file);
  auto const why = reason();
  ::close(file);
  if (times.empty())
    return {health::fail, "disk", "cannot write and sync in " + directory + ": " + why, "choose another disk"};
  auto const half = times[times.size() / 2];
  auto const worst = times[times.size() * 99 / 100];
  auto const text =
      "a sync takes " + milliseconds(half) + " (p50), " + milliseconds(worst) + " (p99) of " + std::to_string(syncs);
  if (half > sync_slow)
    return {health::warn, "disk", text, "each write waits for one: use a disk with power-loss protection"};
  if (worst > 10 * sync_slow) return {health::warn, "disk", text, "what else is writing to this disk?"};
  if (half < sync_too_fast)
    return {health::warn, "disk", text, "no disk is so fast: does it keep what it says that it keeps?"};
  return {health::ok, "disk", text};
}

}  // namespace

findings look_at_disk(std::string const& directory) {
  struct statfs disk{};
  if (::statfs(directory.c_str(), &disk) != 0)
    return {{health::fail, "disk", "no directory " + directory + ": " + reason(), "make it, or correct --data-dir"}};
  return {kind(directory, disk), space(directory), sync_cost(directory)};
}

}  // namespace cli
