#pragma once

#include <tinykv/server/exposition.hpp>

/// Appends what the process is: what it was built with, when it was started, and its wall clock now. `tinykv status`
/// and `tinykv doctor` read it.
void write_about(tinykv::server::exposition& out);
