# Choices for building this repository itself. Never included when tinykv is a subproject.

get_property(tinykv_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT CMAKE_BUILD_TYPE AND NOT tinykv_multi_config)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_EXTENSIONS OFF)

# scripts/setup unpacks Boost there when the system's is too old and may not be replaced.
if(EXISTS "${CMAKE_SOURCE_DIR}/build/deps/boost/usr")
  list(PREPEND CMAKE_PREFIX_PATH "${CMAKE_SOURCE_DIR}/build/deps/boost/usr")
endif()

# Paths are hashed relative to the checkout, so that several build trees and checkouts share one cache.
find_program(TINYKV_CCACHE ccache)
if(TINYKV_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
    "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${TINYKV_CCACHE}")
endif()

# mold, else lld, else the compiler's own. The program alone does not prove that the compiler takes it.
include(CheckLinkerFlag)
foreach(tinykv_linker IN ITEMS mold lld)
  check_linker_flag(CXX "-fuse-ld=${tinykv_linker}" TINYKV_LINKS_WITH_${tinykv_linker})
  if(TINYKV_LINKS_WITH_${tinykv_linker})
    add_link_options("-fuse-ld=${tinykv_linker}")
    break()
  endif()
endforeach()
