# What the components need, and how their bodies are compiled. The same file serves this repository and, installed, a
# consumer's build; the targets themselves are in TinykvComponents.cmake, and exported from there.
#
#   core       layers 0 to 3 without third parties, sim and testing included
#   asio       runtime/asio_executor, node/                 Boost headers, threads
#   sqlite     storage/sqlite*                              SQLite3
#   wire       wire/: compiled, from the .proto files       Protobuf
#   websocket  transport/websocket*, server/, client/       wire and asio

set(TINYKV_ALL_COMPONENTS core asio sqlite wire websocket) # each after those that it uses
set(TINYKV_USES_core "")
set(TINYKV_USES_asio core)
set(TINYKV_USES_sqlite core)
set(TINYKV_USES_wire core)
set(TINYKV_USES_websocket asio wire)

# Bodies of the component, below include/tinykv. Those of wire are compiled in every case (tinykv-wire-targets.cmake).
set(TINYKV_BODIES_core src.hpp) # includes those of the folders
set(TINYKV_BODIES_asio runtime/src.hpp runtime/asio/src.hpp node/src.hpp)
set(TINYKV_BODIES_sqlite storage/sqlite/src.hpp)
set(TINYKV_BODIES_wire "")
set(TINYKV_BODIES_websocket transport/src.hpp transport/websocket/src.hpp server/src.hpp client/src.hpp)

# tinykv_find(<component> <variable>): looks for the third parties of the component itself, and sets the variable to what
# it lacks and how to get that ("needs ..."); to nothing when all is there.
function(tinykv_find component missing)
  set(need "")
  if(component STREQUAL "asio")
    set(Boost_FOUND FALSE)
    set(Boost_CONSIDERED_VERSIONS "")
    find_package(Boost 1.81 CONFIG QUIET) # not the module FindBoost: CMake 3.30 retires it
    find_package(Threads QUIET)
    if(NOT Boost_FOUND AND (NOT TARGET Boost::headers OR Boost_CONSIDERED_VERSIONS))
      set(need "needs Boost 1.81 or newer, headers only (Debian: apt-get install libboost1.81-dev)")
      if(Boost_CONSIDERED_VERSIONS)
        list(JOIN Boost_CONSIDERED_VERSIONS ", " found)
        string(APPEND need ", found ${found}")
      endif()
    elseif(NOT TARGET Threads::Threads)
      set(need "needs threads (CMake's Threads::Threads)")
    endif()
  elseif(component STREQUAL "sqlite")
    find_package(SQLite3 3.35 QUIET)
    if(NOT TARGET SQLite::SQLite3)
      set(need "needs SQLite 3.35 or newer (Debian: apt-get install libsqlite3-dev)")
    endif()
  elseif(component STREQUAL "wire")
    find_package(Protobuf CONFIG QUIET) # 22 and newer need their own configuration, for abseil
    if(NOT TARGET protobuf::protoc)
      find_package(Protobuf 3.21 MODULE QUIET)
    endif()
    if(NOT TARGET protobuf::protoc OR NOT TARGET protobuf::libprotobuf)
      set(need "needs Protobuf 3.21 or newer and its compiler protoc (Debian: apt-get install libprotobuf-dev protobuf-compiler)")
    endif()
  elseif(NOT component IN_LIST TINYKV_ALL_COMPONENTS)
    list(JOIN TINYKV_ALL_COMPONENTS ", " all)
    set(need "does not exist: there are ${all}")
  endif()
  set(${missing} "${need}" PARENT_SCOPE)
endfunction()

# tinykv_compile_bodies(<component>): tinykv::X_src, a static library of the component's bodies, which carries
# TINYKV_SEPARATE_COMPILATION to everything that links it. For wire it is tinykv::wire under another name.
function(tinykv_compile_bodies component)
  set(target tinykv_${component}_src)
  if(TARGET ${target})
    return()
  endif()
  # Missing src.hpp files are left out; a test in tests/structure demands that every body is included by some src.hpp.
  list(TRANSFORM TINYKV_BODIES_${component} PREPEND "${TINYKV_INCLUDE_DIR}/tinykv/" OUTPUT_VARIABLE headers)
  set(found "")
  if(headers)
    file(GLOB found CONFIGURE_DEPENDS ${headers})
  endif()
  if(found)
    set(units "")
    foreach(header IN LISTS found)
      cmake_path(RELATIVE_PATH header BASE_DIRECTORY "${TINYKV_INCLUDE_DIR}" OUTPUT_VARIABLE header)
      string(REPLACE "/" "_" unit "${header}")
      set(unit "${CMAKE_CURRENT_BINARY_DIR}/tinykv_src/${unit}.cpp")
      file(CONFIGURE OUTPUT "${unit}" CONTENT "#include <@header@>\n" @ONLY)
      list(APPEND units "${unit}")
    endforeach()
    add_library(${target} STATIC EXCLUDE_FROM_ALL ${units})
    target_compile_definitions(${target} PUBLIC TINYKV_SEPARATE_COMPILATION)
    target_link_libraries(${target} PUBLIC tinykv::${component})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE tinykv::${component})
    set(scope INTERFACE)
  endif()
  foreach(used IN LISTS TINYKV_USES_${component})
    target_link_libraries(${target} ${scope} tinykv::${used}_src)
  endforeach()
  add_library(tinykv::${component}_src ALIAS ${target})
endfunction()
