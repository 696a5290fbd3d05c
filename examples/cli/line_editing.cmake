# Line editing in the shell of `tinykv` (libedit, BSD licence). Without it the shell takes plain lines; `tinykv --version`
# says which. -DTINYKV_LINE_EDITING=OFF leaves it out.
option(TINYKV_LINE_EDITING "Line editing in the shell of tinykv, if libedit is found" ON)
find_path(TINYKV_EDIT_INCLUDE_DIR histedit.h)
find_library(TINYKV_EDIT_LIBRARY edit)
mark_as_advanced(TINYKV_EDIT_INCLUDE_DIR TINYKV_EDIT_LIBRARY)
if(TINYKV_LINE_EDITING AND TINYKV_EDIT_INCLUDE_DIR AND TINYKV_EDIT_LIBRARY)
  target_compile_definitions(tinykv_cli PRIVATE TINYKV_CLI_LIBEDIT)
  target_include_directories(tinykv_cli SYSTEM PRIVATE "${TINYKV_EDIT_INCLUDE_DIR}")
  target_link_libraries(tinykv_cli PRIVATE "${TINYKV_EDIT_LIBRARY}")
else()
  message(STATUS "tinykv: its shell takes plain lines; for editing and history install libedit-dev (scripts/setup)")
endif()
