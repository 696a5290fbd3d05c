"""Compositions that must not compile, and the sentence that each is refused with.

usage: refusals.py --compiler <c++> --include <include> [--flag <flag>]... [<file>...]
       refusals.py --sentences --include <include>

Each .cpp beside this file says in a line `// refused: <sentence>` what the compiler's first error must say: a person reads
that one first. With TINYKV_CONTROL it differs by that one thing, and must compile; otherwise an unrelated error could pass
for the refusal. With --sentences: every sentence of the headers is expected by some file, and every expected one exists.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
EXPECTED = re.compile(r"^// refused: (.*\S)[ \t]*$", re.MULTILINE)
INCLUDE = re.compile(r"^#include .*$", re.MULTILINE)
STANDARD = ["-std=c++20", "-fsyntax-only", "-fdiagnostics-color=never"]


def expected_of(file):
    found = EXPECTED.findall(file.read_text(encoding="utf-8"))
    if len(found) != 1:
        sys.exit(f"{file.name}: needs one line `// refused: <sentence>`, has {len(found)}")
    return found[0]


def first_error(output):
    """The text of the first error, which a compiler may wrap over no more than its line."""
    return next((line.split("error: ", 1)[1] for line in output.splitlines() if "error: " in line), "")


def compile_unit(command, source):
    done = subprocess.run([*command, *STANDARD, str(source)], capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout + done.stderr


def precompiled(command, folder):
    """Copies this folder and precompiles fitting.hpp there, which most of the time is spent on; returns what to compile with."""
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    clang = "clang" in command[0]
    header = folder / ("fitting.hpp.pch" if clang else "fitting.hpp.gch")
    subprocess.run([*command, "-std=c++20", "-x", "c++-header", str(folder / "fitting.hpp"), "-o", str(header)],
                   capture_output=True, check=False)  # a header that does not compile is reported by the controls
    return [*command, "-include-pch", str(header)] if clang and header.exists() else command


def refused(command, file):
    """What is wrong with the refusal of this file; None if nothing is."""
    code, output = compile_unit(command, file)
    if code == 0:
        return "compiles, but must be refused"
    error = first_error(output)
    if expected_of(file) not in error:
        return f"the first error is\n    {error or output[-500:]}\n  and should say\n    {expected_of(file)}"
    return None


def controls(command, files):
    """What is wrong with the controls; None if nothing is. One unit for all: each in a namespace, behind all includes."""
    includes, bodies = [], []
    for number, file in enumerate(files):
        text = file.read_text(encoding="utf-8")
        includes += [line for line in INCLUDE.findall(text) if line not in includes]
        bodies.append(f'namespace control_{number} {{\n#line 1 "{file}"\n{INCLUDE.sub("", text)}\n}}')
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / "controls.cpp"
        unit.write_text("\n".join([*includes, *bodies]), encoding="utf-8")
        code, output = compile_unit([*command, "-DTINYKV_CONTROL", f"-I{HERE}"], unit)
    return None if code == 0 else f"with TINYKV_CONTROL all must compile, but:\n{output[:3000]}"


def static_assertions(text):
    """The messages of the static assertions of a header, their pieces put together."""
    for start in re.finditer(r"\bstatic_assert\s*\(", text):
        depth, pieces, at = 1, [], start.end()
        while depth > 0 and at < len(text):
            literal = re.compile(r'"((?:\\.|[^"\\])*)"').match(text, at)
            if literal:
                pieces.append(literal.group(1))
                at = literal.end()
                continue
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        if pieces:
            yield "".join(pieces)


def sentences(include, files):
    """Sentences that no file expects, and expectations that no header holds."""
    said = {sentence: header for header in sorted(include.rglob("*.hpp")) + sorted(include.rglob("*.ipp"))
            for sentence in static_assertions(header.read_text(encoding="utf-8")) if sentence.startswith("tinykv: ")}
    if not said:
        yield f"{include} holds no static assertion that begins with `tinykv: `"
    expectations = {file: expected_of(file) for file in files}
    for sentence, header in said.items():
        if not any(expected in sentence for expected in expectations.values()):
            yield f"{header}: no file of {HERE.name}/ expects\n    {sentence}\n  Add one: a composition that is refused so, and `// refused: ` with the sentence."
    for file, expected in expectations.items():
        matching = [sentence for sentence in said if expected in sentence]
        if len(matching) != 1:
            yield f"{file.name}: {len(matching)} static assertions say\n    {expected}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler")
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("--flag", action="append", default=[])
    parser.add_argument("--sentences", action="store_true")
    parser.add_argument("files", nargs="*", type=Path)
    given = parser.parse_args()
    files = given.files or sorted(HERE.glob("*.cpp"))
    if not files:
        sys.exit(f"{HERE} holds no refusal")
    failures = []
    if given.sentences:
        failures = list(sentences(given.include, files))
    else:
        command = [given.compiler, f"-I{given.include}", *given.flag]
        try:
            failures += filter(None, [controls(command, files)])
        except OSError as error:
            sys.exit(f"cannot run {given.compiler}: {error.strerror}; scripts/setup installs it")
        with tempfile.TemporaryDirectory() as folder:
            command = precompiled(command, Path(folder))
            failures += [f"{file.name}: {wrong}" for file in files if (wrong := refused(command, Path(folder) / file.name))]
    for failure in failures:
        print(failure)
    print(f"{len(files)} refusals, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
