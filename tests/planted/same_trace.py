"""Builds the simulator in several ways and requires that the same seeds give the same traces.

usage: same_trace.py --repository DIR [--compiler CXX]... [--seeds N]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--compiler", action="append", required=True)
    parser.add_argument("--seeds", type=int, default=20)
    arguments = parser.parse_args()

    traces = {}
    with tempfile.TemporaryDirectory(prefix="tinykv-trace-") as folder:
        for compiler in arguments.compiler:
            for level in ["-O0", "-O2"]:
                program = Path(folder) / "simulate"
                built = subprocess.run(
                    [compiler, "-std=c++20", level, f"-I{arguments.repository / 'include'}", f"-I{arguments.repository / 'tests'}",
                     str(arguments.repository / "tests" / "simulation" / "simulate.cpp"), "-o", str(program)],
                    capture_output=True, text=True)
                if built.returncode != 0:
                    sys.exit(f"{compiler} {level} does not build the simulator:\n{built.stderr[-4000:]}")
                lines = []
                for first in [1, 1 << 40]:
                    run = subprocess.run([str(program), "--from", str(first), "--seeds", str(arguments.seeds)],
                                         capture_output=True, text=True)
                    if run.returncode != 0:
                        sys.exit(f"{compiler} {level}: a seed failed:\n{run.stdout[-4000:]}")
                    lines += [line for line in run.stdout.splitlines() if " trace " in line]
                if len(lines) != 2 * arguments.seeds:
                    sys.exit(f"{compiler} {level}: {len(lines)} traces instead of {2 * arguments.seeds}")
                traces[f"{compiler} {level}"] = lines

    first_name, first = next(iter(traces.items()))
    for name, lines in traces.items():
        for a, b in zip(first, lines):
            if a != b:
                sys.exit(f"{first_name} says '{a}', {name} says '{b}'")
    print(f"{len(first)} seeds, the same traces from: {', '.join(traces)}")


if __name__ == "__main__":
    main()
