# One export set per component: with a single one, a user without Boost could not load core. What is installed does not
# depend on what was found here: the headers, .proto files and targets of all components, and nothing compiled.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(tinykv_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tinykv")

install(DIRECTORY include/tinykv DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
foreach(component IN ITEMS core asio sqlite websocket) # wire is generated where it is used
  install(TARGETS tinykv_${component} EXPORT tinykv-${component}-targets)
  install(EXPORT tinykv-${component}-targets NAMESPACE tinykv:: DESTINATION "${tinykv_config_dir}")
endforeach()

set(tinykv_include_dir "${CMAKE_INSTALL_INCLUDEDIR}")
configure_package_config_file(cmake/tinykvConfig.cmake.in "${PROJECT_BINARY_DIR}/tinykvConfig.cmake"
  INSTALL_DESTINATION "${tinykv_config_dir}" PATH_VARS tinykv_include_dir)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/tinykvConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT) # before 1.0 a minor version may change interfaces
install(FILES "${PROJECT_BINARY_DIR}/tinykvConfig.cmake" "${PROJECT_BINARY_DIR}/tinykvConfigVersion.cmake"
  cmake/tinykv-components.cmake cmake/tinykv-wire-targets.cmake DESTINATION "${tinykv_config_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/tinykv")
