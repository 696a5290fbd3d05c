"""Consumes the library as a user would: in a folder of its own, from a copy of the repository, with the lines of the README.

usage: consumers.py --repository <root> --work <folder> [<test>...]
       consumers.py --list

A block of the README behind `<!-- tested: name -->` is a snippet. Each test below is a user with an empty folder; what it
builds is a program of examples/counter, which must print what examples/counter/expected says. The tests named `missing_...`
and `version` expect a refusal, and the words that help.
"""

import argparse
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

SNIPPET = re.compile(r"^<!-- tested: (\w+) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRELUDE = "cmake_minimum_required(VERSION 3.24)\nproject(app LANGUAGES CXX)\n"  # as the README says
NOT_PART_OF_A_COPY = shutil.ignore_patterns("build", ".git", ".cache", ".conan2", "__pycache__", "*.swp")

# What each component needs, what the message must call it, and the Debian package that it must name.
THIRD_PARTIES = {
    "asio": ("Boost", "Boost 1.81 or newer", "libboost1.81-dev"),
    "sqlite": ("SQLite3", "SQLite 3.35 or newer", "libsqlite3-dev"),
    "wire": ("Protobuf", "Protobuf 3.21 or newer", "protobuf-compiler"),
}

TESTS = {}


def test(function):
    TESTS[function.__name__] = function
    return function


class Failed(Exception):
    """What went wrong, for people."""


class User:
    """An empty folder, what can be copied into it, and what can be run there."""

    def __init__(self, repository, folder):
        self.repository = repository
        self.home = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.snippets = {name: text for name, _, text in SNIPPET.findall((repository / "README.md").read_text(encoding="utf-8"))}
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("CMAKE_", "CONAN_", "GIT_")) and name not in ("CXX", "CXXFLAGS", "LDFLAGS", "MAKEFLAGS")}
        # Choices of a machine, not of a build: compilers behind ccache where it is, two jobs, Boost where scripts/setup put it.
        self.environment |= {"CMAKE_GENERATOR": "Ninja", "CMAKE_BUILD_PARALLEL_LEVEL": "2", "CCACHE_BASEDIR": str(folder), "CCACHE_NOHASHDIR": "1"}
        if Path("/usr/lib/ccache").is_dir():
            self.environment["PATH"] = "/usr/lib/ccache:" + self.environment["PATH"]
        boost = repository / "build" / "deps" / "boost" / "usr"
        if boost.is_dir():
            self.environment |= {"CMAKE_PREFIX_PATH": str(boost), "CPLUS_INCLUDE_PATH": str(boost / "include")}

    def has_copy(self, where="tinykv"):
        shutil.copytree(self.repository, self.home / where, ignore=NOT_PART_OF_A_COPY)

    def writes(self, name, text):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def takes_example(self, stem):
        """examples/counter/<stem>.cpp becomes app.cpp; returns what it must print."""
        counter = self.repository / "examples" / "counter"
        for header in counter.glob("*.hpp"):
            shutil.copy(header, self.home)
        shutil.copy(counter / f"{stem}.cpp", self.home / "app.cpp")
        return (counter / "expected" / f"{stem}.txt").read_text(encoding="utf-8")

    def snippet(self, name):
        if name not in self.snippets:
            raise Failed(f"README.md has no block behind <!-- tested: {name} -->")
        return self.snippets[name]

    def tries(self, command, where="."):
        """Runs a command (a list) or lines of the shell (a string); returns its exit code and all that it said."""
        line = command if isinstance(command, list) else ["bash", "-euo", "pipefail", "-c", command]
        done = subprocess.run(line, cwd=self.home / where, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        return done.returncode, done.stdout

    def runs(self, command, where="."):
        code, said = self.tries(command, where)
        if code != 0:
            raise Failed(f"{command if isinstance(command, str) else ' '.join(command)}\nended with {code} and said:\n{said[-6000:]}")
        return said

    def sees(self, program, expected):
        said = self.runs([program])
        if said != expected:
            raise Failed(f"{program} printed\n{said}\nand not\n{expected}")

    def configures(self, lists, *options):
        """Configures a project with these lines; returns the exit code and all that CMake said, its line breaks undone."""
        shutil.rmtree(self.home / "build", ignore_errors=True)
        self.writes("CMakeLists.txt", PRELUDE + lists)
        if not (self.home / "app.cpp").exists():
            self.writes("app.cpp", "int main() {}\n")
        code, said = self.tries(["cmake", "-S", ".", "-B", "build", *options])
        return code, " ".join(said.split())

    def is_refused(self, lists, words, *options):
        code, said = self.configures(lists, *options)
        if code == 0:
            raise Failed(f"configured without complaint, with {options}:\n{lists}")
        for word in words:
            if word not in said:
                raise Failed(f"the complaint does not say {word!r}, with {options}:\n{lists}\nbut:\n{said}")

    def is_accepted(self, lists, *options):
        code, said = self.configures(lists, *options)
        if code != 0:
            raise Failed(f"refused, with {options}:\n{lists}\n{said}")

    def installs(self, *options):
        """A prefix below this home, made elsewhere and moved here; what made it is gone."""
        maker = User(self.repository, self.home / "maker")
        maker.has_copy()
        maker.runs(maker.snippet("install").replace("-DTINYKV_BUILD_TESTS=OFF", " ".join(["-DTINYKV_BUILD_TESTS=OFF", *options])))
        (maker.home / "prefix").rename(self.home / "prefix")
        shutil.rmtree(maker.home)


def lacking(*packages):
    return [f"-DCMAKE_DISABLE_FIND_PACKAGE_{package}=ON" for package in packages]


# --- the ways of the README ----------------------------------------------------------------------------------------------


@test
def headers(user):
    user.has_copy()
    expected = user.takes_example("simulation_repeats_itself")
    user.runs(user.snippet("headers"))
    user.sees("./app", expected)


@test
def separate(user):
    user.has_copy()
    expected = user.takes_example("simulation_repeats_itself")
    user.runs(user.snippet("separate"))
    user.sees("./app", expected)
    # The definition takes the bodies out of the headers: without bodies.cpp they are missing.
    user.writes("alone.cpp", "#include <tinykv/raft/core.hpp>\nint main() { auto volatile tick = &tinykv::raft::core::tick; return tick == nullptr; }\n")
    code, said = user.tries("g++ -std=c++20 -DTINYKV_SEPARATE_COMPILATION -I tinykv/include alone.cpp -o alone")
    if code == 0 or "undefined reference" not in said:
        raise Failed(f"with TINYKV_SEPARATE_COMPILATION the headers must hold no bodies, but:\n{said[-2000:]}")
    user.runs("g++ -std=c++20 -I tinykv/include alone.cpp -o alone")


@test
def subdirectory(user):
    user.has_copy()
    expected = user.takes_example("sqlite_remembers")
    user.is_accepted(user.snippet("subdirectory"))
    if "tinykv_server" in user.runs(["cmake", "--build", "build", "--target", "help"]):
        raise Failed("a subdirectory brings our programs into the user's build")
    user.runs(["cmake", "--build", "build"])
    user.sees("build/app", expected)


@test
def fetched(user):
    # The address of the README leads to a repository that holds this tree as it is, committed or not.
    origin = User(user.repository, user.home / "origin")
    origin.has_copy("tinykv.git")
    origin.runs("git init -q -b main && git add -A && git -c user.name=user -c user.email=user@example.org commit -q -m tree", "tinykv.git")
    user.environment |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{origin.home}/.insteadOf",
                         "GIT_CONFIG_VALUE_0": "https://git.example.org/", "GIT_CONFIG_GLOBAL": "/dev/null"}
    expected = user.takes_example("counter")
    user.is_accepted(user.snippet("fetched"))
    user.runs(["cmake", "--build", "build"])
    user.sees("build/app", expected)


@test
def find_package(user):
    user.installs()
    expected = user.takes_example("websocket_reaches_hosts")
    user.writes("CMakeLists.txt", PRELUDE + user.snippet("find_package"))
    user.runs(user.snippet("build_with_prefix"))
    user.sees("build/app", expected)


@test
def conan(user):
    use_conan(user)
    user.has_copy()
    said = user.runs(user.snippet("conan_create"))
    if "3 of 3 replicas count ada 2, grace 1" not in said:
        raise Failed(f"the test package did not count:\n{said[-3000:]}")
    expected = user.takes_example("simulation_repeats_itself")
    user.writes("CMakeLists.txt", PRELUDE + user.snippet("find_package").replace(" core asio sqlite wire websocket", " core").replace("::compiled", "::core"))
    user.writes("conanfile.txt", user.snippet("conanfile"))
    user.runs(user.snippet("conan_build"))
    user.sees("build/app", expected)
    conan_options(user)


def use_conan(user):
    """The machine's own Conan if it is new enough, else the one that scripts/setup installed; its files below this home."""
    user.environment["CONAN_HOME"] = str(user.home / "conan-home")
    own = user.repository / "build" / "deps" / "conan" / "bin"
    user.environment["PATH"] = f"{own}:" + user.environment["PATH"]
    code, said = user.tries("conan --version")
    if code != 0 or not re.search(r"version 2\.", said):
        log = user.repository / "build" / "deps" / "conan.log"
        reason = log.read_text(errors="replace")[-2000:] if log.exists() else "scripts/setup has not tried"
        raise Failed(f"no Conan 2 on this machine ({said.strip()}). scripts/setup installs it from PyPI; the last time:\n{reason}")


def conan_options(user):
    """An option that is off takes its requirement away, and what cannot work is said."""
    def requirements(*options):
        said = user.runs("conan graph info --requires=tinykv/0.1.0 -pr:a tinykv/conan/profiles/debian12 -nr --format=json 2>graph.log "
                         + " ".join(f"'{option}'" for option in options))
        nodes = json.loads(said)["graph"]["nodes"].values()
        return {node["ref"].split("/")[0] for node in nodes} & {"boost", "sqlite3", "protobuf"}

    def check(expected, *options):
        if (found := requirements(*options)) != expected:
            raise Failed(f"with {options} Conan requires {found}, not {expected}")

    check({"boost", "sqlite3", "protobuf"})
    check({"boost", "protobuf"}, "-o", "tinykv/*:sqlite=False")
    check({"boost", "sqlite3"}, "-o", "tinykv/*:websocket=False", "-o", "tinykv/*:wire=False")
    check({"sqlite3"}, "-o", "tinykv/*:websocket=False", "-o", "tinykv/*:wire=False", "-o", "tinykv/*:asio=False")

    install = ["conan", "install", "--requires=tinykv/0.1.0", "-nr", "-of", "nowhere"]
    code, said = user.tries([*install, "-pr:a", "tinykv/conan/profiles/debian12", "-o", "tinykv/*:wire=False"])
    if code == 0 or "websocket=True needs asio=True and wire=True" not in said:
        raise Failed(f"websocket without wire must be refused, but:\n{said[-2000:]}")
    profile = (user.repository / "conan" / "profiles" / "debian12").read_text(encoding="utf-8")
    user.writes("bare", profile.split("[platform_requires]")[0])
    code, said = user.tries([*install, "-pr:a", "bare"])
    if code == 0 or "boost" not in said:
        raise Failed(f"a Boost that neither the system nor a remote gives must be named, but:\n{said[-2000:]}")


# --- what an installed package is ----------------------------------------------------------------------------------------


@test
def installed_tree(user):
    """Nothing in it tells where it was made, and it is the same whatever was found there."""
    user.installs()
    traces = [str(user.home), str(user.repository), os.environ.get("HOME", "/root") + "/", "/usr/local"]  # where it was made, and where it would go by default
    for path in (user.home / "prefix").rglob("*"):
        if path.is_file() and (found := [trace for trace in traces if trace in path.read_text(encoding="utf-8", errors="replace")]):
            raise Failed(f"{path.relative_to(user.home)} holds a path of the machine that made it: {found}")
    poor = User(user.repository, user.home / "poor")
    poor.installs(*lacking(*(package for package, _, _ in THIRD_PARTIES.values())))
    differences = list(differing(filecmp.dircmp(user.home / "prefix", poor.home / "prefix")))
    if differences:
        raise Failed(f"the package depends on what the machine had: {differences}")


def differing(compared):
    yield from (str(Path(compared.left) / name) for name in compared.left_only + compared.right_only + compared.diff_files)
    for below in compared.subdirs.values():
        yield from differing(below)


@test
def version(user):
    """Before 1.0 a minor version may change interfaces: the same minor version serves, and no newer patch."""
    user.installs()
    prefix = f"-DCMAKE_PREFIX_PATH={user.home / 'prefix'}"
    major, minor, patch = (int(n) for n in re.findall(r"_(?:MAJOR|MINOR|PATCH) (\d+)", (user.repository / "include/tinykv/version.hpp").read_text()))
    here = f"{major}.{minor}.{patch}"
    for asked in ("", f"{major}.{minor}", here, f"{here} EXACT"):
        user.is_accepted(f'find_package(tinykv {asked} REQUIRED)\nif(NOT tinykv_VERSION STREQUAL "{here}")\nmessage(FATAL_ERROR "${{tinykv_VERSION}}")\nendif()\n', prefix)
    for asked in ("9.0", f"{major}.{minor + 1}", f"{major}.{minor}.{patch + 1}", f"{major + 1}.{minor}", f"{major}.{minor}.{patch + 1} EXACT",
                  *([f"{major}.{minor - 1}"] if minor else [])):
        user.is_refused(f"find_package(tinykv {asked} REQUIRED)\n", [f'requested version "{asked.split()[0]}"', f"version: {here}"], prefix)


@test
def components_alone(user):
    """Each component loads without the third parties of the others, and is what it is called."""
    user.installs()
    prefix = f"-DCMAKE_PREFIX_PATH={user.home / 'prefix'}"
    packages = {package for package, _, _ in THIRD_PARTIES.values()}
    needs = {"core": set(), "asio": {"Boost"}, "sqlite": {"SQLite3"}, "wire": {"Protobuf"}, "websocket": {"Boost", "Protobuf"}}
    for component, needed in needs.items():
        user.is_accepted(f"find_package(tinykv REQUIRED COMPONENTS {component})\nadd_executable(app app.cpp)\n"
                         f"target_link_libraries(app PRIVATE tinykv::{component} tinykv::{component}_src tinykv::tinykv)\n",
                         prefix, *lacking(*(packages - needed)))
    # Without COMPONENTS: what was found; an optional one that was not is told and no error.
    told = 'if(NOT tinykv_sqlite_FOUND OR tinykv_asio_FOUND OR TARGET tinykv::asio)\nmessage(FATAL_ERROR "told wrongly")\nendif()\n'
    user.is_accepted("find_package(tinykv REQUIRED)\n" + told, prefix, *lacking("Boost"))
    user.is_accepted("find_package(tinykv REQUIRED COMPONENTS sqlite OPTIONAL_COMPONENTS asio)\n" + told, prefix, *lacking("Boost"))


# --- what is missing is named --------------------------------------------------------------------------------------------


@test
def missing_installed(user):
    user.installs()
    prefix = f"-DCMAKE_PREFIX_PATH={user.home / 'prefix'}"
    for component, (package, name, debian) in THIRD_PARTIES.items():
        user.is_refused(f"find_package(tinykv REQUIRED COMPONENTS {component})\n", [f"component {component}: needs {name}", "apt-get install", debian],
                        prefix, *lacking(package))
    for package, name in (("Boost", "Boost 1.81 or newer"), ("Protobuf", "Protobuf 3.21 or newer")):
        user.is_refused("find_package(tinykv REQUIRED COMPONENTS websocket)\n", [f"component websocket: needs {name}"], prefix, *lacking(package))
    user.is_refused("find_package(tinykv REQUIRED COMPONENTS sqlite websockets)\n",
                    ["component websockets: does not exist: there are core, asio, sqlite, wire, websocket"], prefix)
    # A Boost that is there, and too old.
    user.writes("old/BoostConfig.cmake", "add_library(Boost::headers INTERFACE IMPORTED)\n")
    user.writes("old/BoostConfigVersion.cmake", 'set(PACKAGE_VERSION 1.74.0)\nset(PACKAGE_VERSION_COMPATIBLE FALSE)\n')
    alone = "set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OFF)\nset(CMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH OFF)\n"
    user.is_refused(alone + "find_package(tinykv REQUIRED COMPONENTS asio)\n", ["needs Boost 1.81 or newer", "found 1.74.0"],
                    prefix, f"-DBoost_DIR={user.home / 'old'}")


@test
def missing_in_a_subdirectory(user):
    """Whoever links a component that cannot be built here reads why; whoever does not link it is not disturbed."""
    user.has_copy()
    for component, (package, name, debian) in THIRD_PARTIES.items():
        for target in (component, f"{component}_src"):
            lists = f"add_subdirectory(tinykv)\nadd_executable(app app.cpp)\ntarget_link_libraries(app PRIVATE tinykv::{target})\n"
            user.is_refused(lists, [f"tinykv::{component}, which needs {name}", debian], *lacking(package))
    user.is_refused("add_subdirectory(tinykv)\nadd_executable(app app.cpp)\ntarget_link_libraries(app PRIVATE tinykv::websocket)\n",
                    ["tinykv::websocket, which needs Protobuf 3.21 or newer"], *lacking("Protobuf"))
    told = 'if(NOT tinykv_core_FOUND OR tinykv_sqlite_FOUND OR tinykv_websocket_FOUND)\nmessage(FATAL_ERROR "told wrongly")\nendif()\n'
    user.is_accepted("add_subdirectory(tinykv)\nadd_executable(app app.cpp)\ntarget_link_libraries(app PRIVATE tinykv::core tinykv::tinykv tinykv::compiled)\n" + told,
                     *lacking("Boost", "SQLite3", "Protobuf"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repository", type=lambda path: Path(path).resolve())
    parser.add_argument("--work", type=lambda path: Path(path).resolve())
    parser.add_argument("--list", action="store_true")
    parser.add_argument("tests", nargs="*", choices=[[], *TESTS])
    given = parser.parse_args()
    if given.list:
        print("\n".join(TESTS))
        return
    if not given.repository or not given.work:
        parser.error("--repository and --work are needed")
    failed = []
    for name in given.tests or TESTS:
        try:
            # With a space, as in many a home.
            TESTS[name](User(given.repository, given.work / name / "a user"))
            print(f"{name}: ok")
            shutil.rmtree(given.work / name)
        except Failed as wrong:
            failed.append(name)
            print(f"{name}: FAILED: {wrong}")
        except Exception:
            failed.append(name)
            traceback.print_exc(file=sys.stdout)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
