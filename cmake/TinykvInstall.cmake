# One export set per component: with a single one, a user without Boost could not load core.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(tinykv_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tinykv")

# What is installed does not depend on what was found here: the headers and .proto files of all components.
install(DIRECTORY include/tinykv DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
foreach(component IN ITEMS core asio sqlite websocket)
  if(TARGET tinykv_${component})
    install(TARGETS tinykv_${component} EXPORT tinykv-${component}-targets)
    install(EXPORT tinykv-${component}-targets NAMESPACE tinykv:: DESTINATION "${tinykv_config_dir}")
  endif()
endforeach()
install(FILES cmake/tinykv-wire-targets.cmake DESTINATION "${tinykv_config_dir}")

configure_package_config_file(cmake/tinykvConfig.cmake.in "${PROJECT_BINARY_DIR}/tinykvConfig.cmake"
  INSTALL_DESTINATION "${tinykv_config_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/tinykvConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/tinykvConfig.cmake" "${PROJECT_BINARY_DIR}/tinykvConfigVersion.cmake"
  DESTINATION "${tinykv_config_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/tinykv")
