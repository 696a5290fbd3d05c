#pragma once

/// The version of these headers, for a program that supports several. One version of tinykv per process (DESIGN.md §5.8).
/// Before 1.0 a minor version may change interfaces, so find_package(tinykv 0.1) accepts 0.1.x alone. CMake and Conan read
/// their version from these three lines.

#define TINYKV_VERSION_MAJOR 0
#define TINYKV_VERSION_MINOR 1
#define TINYKV_VERSION_PATCH 0

namespace tinykv {

/// Three numbers, the most significant first.
struct version_number {
  int major_number;  ///< Raised when what was promised changes.
  int minor_number;  ///< Raised when something is added; before 1.0, also when something changes.
  int patch_number;  ///< Raised when something is repaired.
};

/// The version of the headers in use.
inline constexpr version_number library_version{TINYKV_VERSION_MAJOR, TINYKV_VERSION_MINOR, TINYKV_VERSION_PATCH};

}  // namespace tinykv
