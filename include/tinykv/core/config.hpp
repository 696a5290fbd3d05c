#pragma once

/// Stands before function bodies in impl/*.ipp: `inline` in a header-only build, nothing when the bodies are compiled once
/// (TINYKV_SEPARATE_COMPILATION is defined on a target and one file includes the component's src.hpp).
#ifdef TINYKV_SEPARATE_COMPILATION
#define TINYKV_DECL
#else
#define TINYKV_DECL inline
#endif
