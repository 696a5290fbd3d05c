#pragma once
// The fault that lto_odr must find: a layout that depends on a macro.

struct planted {
#ifdef PLANTED_MACRO
  long changed = 0;
#else
  int changed = 0;
#endif
  int get() const { return static_cast<int>(changed); }
};
