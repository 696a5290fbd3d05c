// tinykv-server: one store of a replicated key/value store, built from the headers.
//
// Start it:    tinykv-server --data-dir d --init          (--help shows three of them)
// You will see one line once it serves: who it is, where it listens, where the data are. `tinykv put a 1` talks to it.

#include "compositions.hpp"

int main(int argc, char** argv) {
  auto const parsed = parse_flags(argc, argv);
  if (!parsed.go_on) return parsed.exit_code;
  return parsed.value.storage == "memory" ? serve_memory(parsed.value) : serve_sqlite(parsed.value);
}
