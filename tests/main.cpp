// Catch2 version 2 has no compiled main worth linking (some packages build theirs without BENCHMARK): this file is compiled once.
#define CATCH_CONFIG_MAIN
#include "support/catch.hpp"
