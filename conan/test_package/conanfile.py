import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout


class TinykvTestPackage(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def validate(self):
        if not self.dependencies["tinykv"].options.asio:
            raise ConanInvalidConfiguration("the test package needs the option asio=True; without it create the package with -tf=\"\"")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False
        parts = [part for part in ("sqlite", "wire", "websocket") if self.dependencies["tinykv"].options.get_safe(part)]
        toolchain.cache_variables["TINYKV_PARTS"] = ";".join(parts)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        if can_run(self):
            self.run(os.path.join(self.cpp.build.bindir, "ballot"), env="conanrun")
