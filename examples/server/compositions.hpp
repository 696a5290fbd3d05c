#pragma once

#include "flags.hpp"

// What a server can be made of. One file each: the composition, and how its parts are opened. Gives the exit code.

int serve_sqlite(flags const& with);
int serve_memory(flags const& with);
