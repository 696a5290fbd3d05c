# The components (tinykv-components.cmake lists them). Each is an INTERFACE target tinykv_X with the alias tinykv::X, and
# has a compiled variant tinykv::X_src; a user pays only for what is linked.
#
# Every target exists and is exported in every case, so that a package does not depend on the machine that made it. One
# whose third party is missing here links, inside this build, to a name that says so: whoever links it reads, from CMake,
# what is missing and how to get it.
include(tinykv-components)
set(TINYKV_INCLUDE_DIR "${PROJECT_SOURCE_DIR}/include")

function(tinykv_component name)
  add_library(tinykv_${name} INTERFACE)
  add_library(tinykv::${name} ALIAS tinykv_${name})
  set_target_properties(tinykv_${name} PROPERTIES EXPORT_NAME ${name})
  if(TINYKV_MISSING_${name})
    target_link_libraries(tinykv_${name} INTERFACE
      "$<BUILD_INTERFACE:tinykv::${name}, which ${TINYKV_MISSING_${name}}>")
    list(FILTER ARGN EXCLUDE REGEX BUILD_INTERFACE)
    list(TRANSFORM ARGN REPLACE "^([A-Za-z_:0-9]+)$" "$<INSTALL_INTERFACE:\\1>")
  endif()
  target_link_libraries(tinykv_${name} INTERFACE ${ARGN})
endfunction()

tinykv_component(core)
target_compile_features(tinykv_core INTERFACE cxx_std_20)
target_include_directories(tinykv_core INTERFACE
  "$<BUILD_INTERFACE:${TINYKV_INCLUDE_DIR}>" "$<INSTALL_INTERFACE:include>")
tinykv_component(asio tinykv_core Boost::headers Threads::Threads)
tinykv_component(sqlite tinykv_core SQLite::SQLite3)
tinykv_component(websocket tinykv_asio "$<BUILD_INTERFACE:tinykv_wire>") # the installed configuration adds tinykv::wire
if(TINYKV_MISSING_wire)
  tinykv_component(wire tinykv_core) # never exported: compiled in the build that uses it
else()
  include(tinykv-wire-targets) # tinykv_wire: the same file is installed and runs in a consumer's build
  tinykv_own_target(tinykv_wire)
endif()

# Compiled variants, and everything that was found, in both.
add_library(tinykv_all INTERFACE)
add_library(tinykv::tinykv ALIAS tinykv_all)
add_library(tinykv_compiled INTERFACE)
add_library(tinykv::compiled ALIAS tinykv_compiled)
foreach(component IN LISTS TINYKV_ALL_COMPONENTS)
  if(component IN_LIST TINYKV_COMPONENTS)
    tinykv_compile_bodies(${component})
    if(TINYKV_BODIES_${component})
      tinykv_own_target(tinykv_${component}_src)
    endif()
    target_link_libraries(tinykv_all INTERFACE tinykv::${component})
    target_link_libraries(tinykv_compiled INTERFACE tinykv::${component}_src)
  else()
    add_library(tinykv::${component}_src ALIAS tinykv_${component}) # says what is missing
  endif()
endforeach()
