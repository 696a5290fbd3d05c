# Third parties. Each is optional: a component whose third party is missing is left out, and said so.
#
#   TINYKV_COMPONENTS   the components that can be built here
#   TINYKV_MISSING_X    what component X lacks here, and how to get it
#   TINYKV_HAS_X        ON or OFF, in capitals: TINYKV_HAS_ASIO
#   tinykv_X_FOUND      the same for a project that has this one as a subdirectory, as find_package would set it
include(tinykv-components)

set(TINYKV_COMPONENTS "")
foreach(component IN LISTS TINYKV_ALL_COMPONENTS)
  tinykv_find(${component} TINYKV_MISSING_${component})
  foreach(used IN LISTS TINYKV_USES_${component})
    if(TINYKV_MISSING_${used} AND NOT TINYKV_MISSING_${component})
      set(TINYKV_MISSING_${component} "${TINYKV_MISSING_${used}}")
    endif()
  endforeach()
  string(TOUPPER "TINYKV_HAS_${component}" has)
  if(TINYKV_MISSING_${component})
    set(${has} OFF)
    message(STATUS "tinykv::${component} is left out: it ${TINYKV_MISSING_${component}}")
  else()
    set(${has} ON)
    list(APPEND TINYKV_COMPONENTS ${component})
  endif()
  if(NOT PROJECT_IS_TOP_LEVEL)
    set(tinykv_${component}_FOUND ${${has}} PARENT_SCOPE)
  endif()
endforeach()
if(PROJECT_IS_TOP_LEVEL)
  list(JOIN TINYKV_COMPONENTS " " found)
  message(STATUS "tinykv components: ${found}")
endif()
