#!/usr/bin/python3
"""Tests of how build_kernel.sh refuses, with stand-ins for the compiler and its kin."""

import os
import subprocess
import sys
import tarfile
import tempfile
import unittest

sys.dont_write_bytecode = True  # the folder of this script is the source tree
sys.path.append(os.path.join(os.getcwd(), "third_party/dev"))
import unittest_main

_FOLDER = "tests/vm/kernel"
# What the script itself runs; the tools that it asks for are stand-ins.
_REAL = ("bash", "cp", "df", "dirname", "mkdir", "mktemp", "nproc", "readlink", "rm", "tail", "tar",
         "xz")
_TOOLS = ("gcc", "make", "bc", "bison", "flex")
# Configures what the case says; builds nothing.
_MAKE = """#!/bin/sh
while [ "$1" != -C ]; do shift; done
printf '%s\\n' "$MADE_CONFIG" >"$2/.config"
"""
_LIBELF = "/usr/include/libelf.h"


class BuildKernelTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(self.path("bin"))
        for name in _REAL:
            os.symlink(f"/usr/bin/{name}", self.path(f"bin/{name}"))
        for name in _TOOLS:
            self.stand_in(name, _MAKE if name == "make" else "#!/bin/sh\n")
        with tarfile.open(self.path("linux.tar.xz"), "w:xz") as tarball:
            tarball.addfile(tarfile.TarInfo("linux/README"))
        with open(self.path("fragment"), "w", encoding="utf-8") as fragment:
            fragment.write("CONFIG_CMA=y\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def stand_in(self, name, script):
        path = self.path(f"bin/{name}")
        if os.path.lexists(path):
            os.remove(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(script)
        os.chmod(path, 0o755)

    def refusal(self, config=""):
        got = subprocess.run(
            ["/bin/bash", f"{_FOLDER}/build_kernel.sh", self.path("linux.tar.xz"),
             self.path("fragment"), f"{_FOLDER}/check_config.py", self.path("image"),
             self.path("config")], capture_output=True, text=True, check=False,
            env={"PATH": self.path("bin"), "MADE_CONFIG": config, "TMPDIR": self.folder})
        self.assertNotEqual(got.returncode, 0)
        self.assertFalse(os.path.exists(self.path("image")))
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("tmp.")], [])
        return got.stderr

    def test_names_a_missing_tool_and_the_list_of_packages_in_one_line(self):
        for name in _TOOLS:
            with self.subTest(name):
                self.stand_in(name, "")
                os.remove(self.path(f"bin/{name}"))
                self.assertEqual(
                    self.refusal(), f"build_kernel: {name} is missing: "
                    "install what third_party/vm_packages.txt lists\n")
                self.stand_in(name, "#!/bin/sh\n")

    @unittest.skipUnless(os.path.exists(_LIBELF), "libelf-dev is not installed")
    def test_says_how_much_room_it_needs_in_one_line(self):
        self.stand_in("df", "#!/bin/sh\necho Avail; echo 99\n")
        self.assertEqual(
            self.refusal(), f"build_kernel: {self.folder} has 99 MiB free, and the kernel needs "
            "2500: make room, or set TMPDIR\n")

    @unittest.skipUnless(os.path.exists(_LIBELF), "libelf-dev is not installed")
    def test_an_option_that_did_not_stick_ends_it_by_name(self):
        self.stand_in("df", "#!/bin/sh\necho Avail; echo 99999\n")
        text = self.refusal(config="# CONFIG_CMA is not set")
        self.assertIn("CONFIG_CMA=y did not stick: it is n\n", text)
        self.assertIn("build_kernel: the options above are not as", text)

    @unittest.skipUnless(os.path.exists(_LIBELF), "libelf-dev is not installed")
    def test_shows_what_a_failed_step_said(self):
        self.stand_in("df", "#!/bin/sh\necho Avail; echo 99999\n")
        self.stand_in("make", "#!/bin/sh\necho 'Kconfig:7: syntax error'; exit 2\n")
        text = self.refusal()
        self.assertIn("Kconfig:7: syntax error\n", text)
        self.assertIn("build_kernel: failed: make", text)


if __name__ == "__main__":
    unittest_main.main()
