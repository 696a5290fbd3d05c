"""Holds the #include lines (and a few words) of include/tinykv against the table of layers.

usage: include_graph.py <include/tinykv>

Prints one line per violation and exits 1 if there is one. Comments and string literals are ignored.
The table is that of docs/ARCHITECTURE.md; a change of one is a change of the other.
"""

import posixpath
import re
import sys
from pathlib import Path

# Includes point down, or stay within a folder. Folders of one layer do not know each other, but for SIDEWAYS.
LAYER = {
    "core": 0,
    "codec": 1, "raft": 1,
    "policy": 2, "wire": 2,
    "raftstore": 3, "kv": 3, "txn": 3, "scheduler": 3,       # algorithms
    "storage": 3, "transport": 3, "runtime": 3, "sim": 3,    # models of the policies
    "node": 4, "server": 4, "client": 4, "testing": 4,       # compositions
}
SIDEWAYS = {("raft", "codec")}

# Headers directly in include/tinykv: version.hpp is below everything; the others (tinykv.hpp, src.hpp) above everything.
ROOT_LOWEST = {"version.hpp"}

# A folder's own src.hpp collects bodies for separate compilation, and obeys the table like every other file.

PURE = {"core", "codec", "raft", "policy", "txn", "scheduler", "sim"}
POLICY_TIMED = {"raftstore", "server", "client"}  # no clock or randomness but that of their policies
NO_THIRD_PARTY = {"core", "codec", "raft", "policy", "kv", "raftstore", "txn", "scheduler", "sim", "testing"}
THIRD_PARTY = re.compile(r"^(boost/|sqlite3|google/protobuf|rocksdb/|openssl/|etcd|catch2/|CLI/)|\.pb\.h$")

# Where a third-party header may be: pattern of the included file -> pattern of the including file.
CONFINED = [
    (re.compile(r"\.pb\.h$|^google/protobuf"), re.compile(r"^wire/impl/"), "only wire/impl includes Protobuf"),
    (re.compile(r"^sqlite3(ext)?\.h$"), re.compile(r"^storage/.*impl/.*\.ipp$"), "only storage/**/impl/*.ipp includes SQLite"),
    (re.compile(r"^boost/beast"), re.compile(r"^transport/.*impl/"), "only transport/**/impl includes Beast"),
]

IMPURE_HEADERS = {
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "semaphore", "latch", "barrier", "stop_token",
    "iostream", "fstream", "filesystem", "random", "ctime", "time.h", "sys/time.h", "pthread.h", "unistd.h",
}
CLOCK_HEADERS = {"random", "ctime", "time.h", "sys/time.h"}
LOCK_HEADERS = {"mutex", "shared_mutex", "condition_variable"}
# runtime::steady_clock is a model's name and may be spoken of; std::chrono's clocks, and asking any for the time, may not.
CLOCK_WORDS = re.compile(r"\bchrono::(?:steady|system|high_resolution)_clock\b|\b(?:steady|system|high_resolution)_clock::now\b"
                         r"|\b(?:random_device|gettimeofday|clock_gettime|mt19937(?:_64)?)\b|(?<![\w.>])s?rand\s*\(")
UNORDERED_WORDS = re.compile(r"\bunordered_(?:flat_|node_)?(?:multi)?(?:map|set)\b")
NO_UNORDERED = {"raft", "raftstore", "sim"}  # iteration order must not depend on hash or address

LINES_MAX = 350
LONG_ALLOWED = set()  # paths below include/tinykv that are longer for a reason; say the reason here

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
# Literals first: a // inside one is no comment.
NOISE = re.compile(r'(?P<raw>R"(?P<d>[^()\s]*)\(.*?\)(?P=d)")|(?P<text>"(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


def without_comments(text):
    """The text with comments blanked; line numbers stay."""
    def blank(match):
        if match.group("raw") or match.group("text"):
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())
    return NOISE.sub(blank, text)


def without_literals(text):
    def blank(match):
        return '""' + "\n" * match.group().count("\n")
    return NOISE.sub(blank, text)


def folder_of(path):
    return path.split("/", 1)[0] if "/" in path else ""


def layer_of(path):
    """None for a folder that the table does not know."""
    folder = folder_of(path)
    if folder:
        return LAYER.get(folder)
    return -1 if path in ROOT_LOWEST else 5


def own_header(includer, quote, target):
    """The path below include/tinykv, or None for a header that is not ours."""
    if target.startswith("tinykv/"):
        return target[len("tinykv/"):]
    if quote == '"' and not THIRD_PARTY.search(target):
        return posixpath.normpath(posixpath.join(posixpath.dirname(includer), target))
    return None


def check_edge(includer, target):
    source, sink = folder_of(includer), folder_of(target)
    if target.startswith("../"):
        return f"includes {target}, outside of include/tinykv"
    if target.endswith(".ipp") and source != sink and not posixpath.basename(includer) == "src.hpp":
        return f"includes {target}, the body of another folder"
    if source == sink and source:
        return None
    to = layer_of(target)
    if to is None:
        return f"includes {target}, whose folder is in no layer"
    if to < layer_of(includer) or (source, sink) in SIDEWAYS or (not source and not sink):
        return None
    return f"includes {target}: layer {layer_of(includer)} ({source or 'root'}) may not know layer {to} ({sink or 'root'})"


def check_outside(path, target):
    """Violations of a header that is not ours."""
    folder = folder_of(path)
    if folder in NO_THIRD_PARTY and THIRD_PARTY.search(target):
        yield f"includes <{target}>: {folder}/ uses no third party"
    for what, where, rule in CONFINED:
        if what.search(target) and not where.search(path):
            yield f"includes <{target}>: {rule}"
    if folder in PURE and target in IMPURE_HEADERS:
        yield f"includes <{target}>: {folder}/ is pure"
    if folder in POLICY_TIMED and target in CLOCK_HEADERS:
        yield f"includes <{target}>: {folder}/ has no clock or randomness but its policies'"
    if folder == "raftstore" and target in LOCK_HEADERS and Path(path).stem != "inbox":
        yield f"includes <{target}>: the inbox is the only lock of raftstore/"


def check_file(path, text):
    """Violations of one file as (line, message)."""
    folder = folder_of(path)
    if layer_of(path) is None:
        yield 1, f"folder {folder}/ is in no layer: add it to the table"
        return
    code = without_comments(text)
    if path.endswith(".hpp") and not re.search(r"^#pragma once\b", code, re.MULTILINE):
        yield 1, "has no #pragma once"
    for match in INCLUDE.finditer(code):
        line = code.count("\n", 0, match.start(2)) + 1
        own = own_header(path, match.group(1), match.group(2))
        if own is not None and not own.endswith(".pb.h"):
            problem = check_edge(path, own)
            if problem:
                yield line, problem
        else:
            for problem in check_outside(path, match.group(2)):
                yield line, problem
    words = without_literals(text)
    for pattern, folders, rule in [
        (CLOCK_WORDS, PURE | POLICY_TIMED, "no clock or randomness but what is passed in"),
        (UNORDERED_WORDS, NO_UNORDERED, "no unordered container: its order would reach the trace"),
    ]:
        if folder in folders:
            for match in pattern.finditer(words):
                yield words.count("\n", 0, match.start()) + 1, f"uses {match.group().strip()}: {rule} in {folder}/"


def files_of(root):
    return sorted(p for p in Path(root).rglob("*") if p.suffix in {".hpp", ".ipp", ".cpp"} and p.is_file())


def uncollected(texts):
    """Bodies that no src.hpp includes, directly or through another body: separate compilation would not link.

    wire/ has none: its bodies are compiled one by one.
    """
    edges = {
        path: [own_header(path, m.group(1), m.group(2)) for m in INCLUDE.finditer(without_comments(text))]
        for path, text in texts.items() if path.endswith((".ipp", "src.hpp"))
    }
    reached, open_ends = set(), [path for path in edges if posixpath.basename(path) == "src.hpp"]
    while open_ends:
        for target in edges.get(open_ends.pop(), []):
            if target and target.endswith(".ipp") and target not in reached:
                reached.add(target)
                open_ends.append(target)
    return sorted(p for p in texts if p.endswith(".ipp") and not p.startswith("wire/") and p not in reached)


def violations(root):
    found = []
    texts = {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in files_of(root)}
    for path in uncollected(texts):
        found.append(f"{path}:1: is included by no src.hpp")
    for path, text in texts.items():
        for line, message in check_file(path, text):
            found.append(f"{path}:{line}: {message}")
    return found


def long_files(root):
    for file in files_of(root):
        path = file.relative_to(root).as_posix()
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if lines > LINES_MAX and path not in LONG_ALLOWED:
            yield f"{path}: {lines} lines (more than {LINES_MAX}): its state may want several owners"


def main(arguments):
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(__doc__)
        return 2
    found = violations(arguments[0])
    for warning in long_files(arguments[0]):
        print("warning:", warning)
    for violation in found:
        print(violation)
    count = len(files_of(arguments[0]))
    print(f"{count} files, {len(found)} violations")
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
