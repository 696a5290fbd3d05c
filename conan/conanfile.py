import re
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain
from conan.tools.files import copy, load

# Component -> what it requires: parts of other packages, and other components.
COMPONENTS = {
    "core": [],
    "asio": ["core", "boost::headers"],
    "sqlite": ["core", "sqlite3::sqlite3"],
    "wire": ["core", "protobuf::libprotobuf"],
    "websocket": ["asio", "wire"],
}


class TinykvConan(ConanFile):
    name = "tinykv"
    description = "Raft replication and a transactional key/value store, composed from policies at compile time"
    license = "BSL-1.0"
    topics = ("raft", "consensus", "replication", "key-value", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    # One option per component but core. They decide what is required, never what is packaged: one package serves them all.
    options = {part: [True, False] for part in COMPONENTS if part != "core"}
    default_options = {part: True for part in options}
    no_copy_source = True

    def set_version(self):
        header = load(self, Path(self.recipe_folder).parent / "include" / "tinykv" / "version.hpp")
        self.version = ".".join(re.search(rf"TINYKV_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))

    def export_sources(self):
        root = Path(self.recipe_folder).parent
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*"):
            copy(self, pattern, root, self.export_sources_folder)

    def layout(self):
        self.folders.build = "build"
        self.folders.generators = "build/generators"

    def validate(self):
        check_min_cppstd(self, 20)
        if self.options.websocket and not (self.options.asio and self.options.wire):
            raise ConanInvalidConfiguration("tinykv: the option websocket=True needs asio=True and wire=True")

    def requirements(self):
        if self.options.asio:
            self.requires("boost/[>=1.81 <2]", transitive_headers=True)
        if self.options.sqlite:
            self.requires("sqlite3/[>=3.35 <4]", transitive_headers=True, transitive_libs=True)
        if self.options.wire:  # with its protoc: messages are generated in the consumer's build
            self.requires("protobuf/[>=3.21.12]", transitive_headers=True, transitive_libs=True)

    def package_id(self):
        self.info.clear()

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False
        toolchain.cache_variables.update({"TINYKV_BUILD_TESTS": False, "TINYKV_BUILD_EXAMPLES": False, "TINYKV_INSTALL": True})
        toolchain.generate()

    def package(self):
        cmake = CMake(self)  # nothing is compiled
        cmake.configure()
        cmake.install()
        copy(self, "LICENSE", self.source_folder, Path(self.package_folder) / "licenses")

    def package_info(self):
        # Consumers load the installed tinykvConfig.cmake: wire is generated and compiled in their build.
        self.cpp_info.set_property("cmake_find_mode", "none")
        for name, requires in COMPONENTS.items():
            if name == "core" or self.options.get_safe(name):
                component = self.cpp_info.components[name]
                component.requires = requires
                component.bindirs, component.libdirs = [], []
        self.cpp_info.components["core"].builddirs = ["lib/cmake/tinykv"]  # those of the package itself are ignored
