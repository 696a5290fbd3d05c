# Shared by the scripts of this directory: source it after `set -euo pipefail`.

# Paths of the repository are relative to its root, wherever the caller stands.
repository_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }
die() { complain "${0##*/}: $*"; exit 1; }

has_program() { command -v "$1" >/dev/null 2>&1; }

# How many compilers at once: one per core, but no more than memory allows at 1.3 GB each.
parallel_jobs() {
  local cores memory_kb by_memory
  cores="$(nproc 2>/dev/null || echo 2)"
  memory_kb="$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo 2>/dev/null || echo 4000000)"
  by_memory=$((memory_kb / 1300000))
  [ "$by_memory" -ge 1 ] || by_memory=1
  if [ "$cores" -lt "$by_memory" ]; then echo "$cores"; else echo "$by_memory"; fi
}
