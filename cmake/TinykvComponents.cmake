# The components. Each is an INTERFACE target tinykv_X with the alias tinykv::X; a user pays only for what is linked.
#
#   core       layers 0 to 3 without third parties, sim and testing included
#   asio       runtime/asio_executor, node/                 Boost headers, threads
#   sqlite     storage/sqlite*                              SQLite3
#   wire       wire/: compiled, from the .proto files       Protobuf
#   websocket  transport/websocket*, server/, client/       wire and asio
#
# For each component that has bodies in impl/*.ipp there is also tinykv_X_src (alias tinykv::X_src): a static library
# compiled from one src.hpp, which carries TINYKV_SEPARATE_COMPILATION to everything that links it.

set(TINYKV_INCLUDE_DIR "${PROJECT_SOURCE_DIR}/include")

function(tinykv_component name)
  add_library(tinykv_${name} INTERFACE)
  add_library(tinykv::${name} ALIAS tinykv_${name})
  set_target_properties(tinykv_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(tinykv_${name} INTERFACE ${ARGN})
endfunction()

# tinykv_source_component(<name> SOURCES <src.hpp below include/tinykv>... LINK <targets>...)
# Missing src.hpp files are left out; without any, the target is the header-only component under another name. A test in
# tests/structure demands that every body is included by some src.hpp.
function(tinykv_source_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  list(TRANSFORM arg_SOURCES PREPEND "${TINYKV_INCLUDE_DIR}/tinykv/")
  file(GLOB found CONFIGURE_DEPENDS ${arg_SOURCES})
  if(NOT found)
    add_library(tinykv_${name}_src INTERFACE)
    target_link_libraries(tinykv_${name}_src INTERFACE tinykv_${name} ${arg_LINK})
  else()
    set(units "")
    foreach(header IN LISTS found)
      cmake_path(RELATIVE_PATH header BASE_DIRECTORY "${TINYKV_INCLUDE_DIR}" OUTPUT_VARIABLE header)
      string(REPLACE "/" "_" unit "${header}")
      set(unit "${PROJECT_BINARY_DIR}/tinykv_src/${unit}.cpp")
      file(CONFIGURE OUTPUT "${unit}" CONTENT "#include <@header@>\n" @ONLY)
      list(APPEND units "${unit}")
    endforeach()
    add_library(tinykv_${name}_src STATIC EXCLUDE_FROM_ALL ${units})
    target_compile_definitions(tinykv_${name}_src PUBLIC TINYKV_SEPARATE_COMPILATION)
    target_link_libraries(tinykv_${name}_src PUBLIC tinykv_${name} ${arg_LINK})
    set_target_properties(tinykv_${name}_src PROPERTIES POSITION_INDEPENDENT_CODE ON)
    tinykv_own_target(tinykv_${name}_src)
  endif()
  add_library(tinykv::${name}_src ALIAS tinykv_${name}_src)
endfunction()

tinykv_component(core)
target_compile_features(tinykv_core INTERFACE cxx_std_20)
target_include_directories(tinykv_core INTERFACE
  "$<BUILD_INTERFACE:${TINYKV_INCLUDE_DIR}>" "$<INSTALL_INTERFACE:include>")
tinykv_source_component(core SOURCES src.hpp) # includes those of the folders
set(TINYKV_COMPONENTS core)

if(TINYKV_HAS_ASIO)
  tinykv_component(asio tinykv_core Boost::headers Threads::Threads)
  tinykv_source_component(asio SOURCES runtime/src.hpp runtime/asio/src.hpp node/src.hpp LINK tinykv_core_src)
  list(APPEND TINYKV_COMPONENTS asio)
endif()

if(TINYKV_HAS_SQLITE)
  tinykv_component(sqlite tinykv_core SQLite::SQLite3)
  tinykv_source_component(sqlite SOURCES storage/sqlite/src.hpp LINK tinykv_core_src)
  list(APPEND TINYKV_COMPONENTS sqlite)
endif()

if(TINYKV_HAS_WIRE)
  include(tinykv-wire-targets) # tinykv_wire: the same file is installed and runs in a consumer's build
  tinykv_own_target(tinykv_wire)
  list(APPEND TINYKV_COMPONENTS wire)
endif()

if(TINYKV_HAS_WEBSOCKET)
  tinykv_component(websocket tinykv_asio "$<BUILD_INTERFACE:tinykv_wire>") # the installed config adds tinykv::wire
  tinykv_source_component(websocket
    SOURCES transport/src.hpp transport/websocket/src.hpp server/src.hpp client/src.hpp LINK tinykv_asio_src)
  list(APPEND TINYKV_COMPONENTS websocket)
endif()

# Everything that was found, in both variants.
add_library(tinykv_all INTERFACE)
add_library(tinykv::tinykv ALIAS tinykv_all)
add_library(tinykv_compiled INTERFACE)
add_library(tinykv::compiled ALIAS tinykv_compiled)
foreach(component IN LISTS TINYKV_COMPONENTS)
  target_link_libraries(tinykv_all INTERFACE tinykv::${component})
  if(TARGET tinykv_${component}_src)
    target_link_libraries(tinykv_compiled INTERFACE tinykv::${component}_src)
  else()
    target_link_libraries(tinykv_compiled INTERFACE tinykv::${component})
  endif()
endforeach()
