# tinykv::wire: generated from the .proto files and compiled, together with wire/impl/*, in the build that uses it.
# Generated code accepts only the protobuf that made it, so it is neither committed nor installed.
#
# The import path of a file, which keys protobuf's descriptor pool, is its path below include/:
#   import "tinykv/wire/proto/kvrpcpb.proto";     #include <tinykv/wire/proto/kvrpcpb.pb.h>
# Whoever includes this has set TINYKV_INCLUDE_DIR, and has tinykv::core and Protobuf.
# protobuf_generate() is not used: that of CMake 3.25 fails for an installed package.
if(TARGET tinykv_wire)
  return()
endif()

set(_tinykv_gen "${CMAKE_BINARY_DIR}/tinykv_wire")
file(MAKE_DIRECTORY "${_tinykv_gen}")
set(_tinykv_generated "")
file(GLOB_RECURSE _tinykv_protos CONFIGURE_DEPENDS "${TINYKV_INCLUDE_DIR}/tinykv/wire/proto/*.proto")
foreach(_proto IN LISTS _tinykv_protos)
  cmake_path(RELATIVE_PATH _proto BASE_DIRECTORY "${TINYKV_INCLUDE_DIR}" OUTPUT_VARIABLE _path)
  string(REGEX REPLACE "\\.proto$" "" _path "${_path}")
  # Any .proto may import any other: all are dependencies, and one rule per file keeps them parallel.
  add_custom_command(OUTPUT "${_tinykv_gen}/${_path}.pb.h" "${_tinykv_gen}/${_path}.pb.cc"
    COMMAND protobuf::protoc "--cpp_out=${_tinykv_gen}" "-I${TINYKV_INCLUDE_DIR}" "${_proto}"
    DEPENDS ${_tinykv_protos} COMMENT "protoc ${_path}.proto" VERBATIM)
  list(APPEND _tinykv_generated "${_tinykv_gen}/${_path}.pb.cc" "${_tinykv_gen}/${_path}.pb.h")
endforeach()

# Bodies: wire/impl/*.cpp as they are; each wire/impl/*.ipp in a unit of its own.
file(GLOB_RECURSE _tinykv_bodies CONFIGURE_DEPENDS "${TINYKV_INCLUDE_DIR}/tinykv/wire/impl/*.cpp")
file(GLOB_RECURSE _tinykv_ipps CONFIGURE_DEPENDS "${TINYKV_INCLUDE_DIR}/tinykv/wire/impl/*.ipp")
foreach(_ipp IN LISTS _tinykv_ipps)
  cmake_path(RELATIVE_PATH _ipp BASE_DIRECTORY "${TINYKV_INCLUDE_DIR}" OUTPUT_VARIABLE _path)
  string(REPLACE "/" "_" _unit "${_path}")
  set(_unit "${_tinykv_gen}/units/${_unit}.cpp")
  file(CONFIGURE OUTPUT "${_unit}" CONTENT "#include <@_path@>\n" @ONLY)
  list(APPEND _tinykv_bodies "${_unit}")
endforeach()
if(NOT _tinykv_bodies AND NOT _tinykv_generated)
  file(CONFIGURE OUTPUT "${_tinykv_gen}/units/empty.cpp" CONTENT "// A static library needs a source.\n" @ONLY)
  list(APPEND _tinykv_bodies "${_tinykv_gen}/units/empty.cpp")
endif()

# Generated units answer to protobuf's warnings, not to ours.
foreach(_file IN LISTS _tinykv_generated)
  set_source_files_properties("${_file}" PROPERTIES COMPILE_OPTIONS -w)
endforeach()
add_library(tinykv_wire STATIC EXCLUDE_FROM_ALL ${_tinykv_generated} ${_tinykv_bodies})
add_library(tinykv::wire ALIAS tinykv_wire)
target_include_directories(tinykv_wire SYSTEM PUBLIC "${_tinykv_gen}")
target_link_libraries(tinykv_wire PUBLIC tinykv::core protobuf::libprotobuf)
set_target_properties(tinykv_wire PROPERTIES POSITION_INDEPENDENT_CODE ON)
