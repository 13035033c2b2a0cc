#!/usr/bin/python3
"""Tests of the runner's parts that need no machine: the archive, the frames, the command lines."""

import contextlib
import errno
import io
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True  # the folder of this script is the source tree
sys.path.append(os.path.join(os.getcwd(), "third_party/dev"))
sys.path.append(os.path.join(os.getcwd(), "tests/vm"))
import unittest_main
import vm
from runner import frames
from runner import guest
from runner import initramfs
from runner import libraries
from runner import machine


def read_archive(data):
    """[(name, mode, content)] of a newc archive, by the format's own description."""
    entries, at = [], 0
    while True:
        assert data[at:at + 6] == b"070701", data[at:at + 6]
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[at + 110:at + 110 + name_size - 1].decode()
        at += (110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            assert at == len(data)
            return entries
        entries.append((name, mode, data[at:at + size]))
        at += (size + 3) // 4 * 4


class ArchiveTest(unittest.TestCase):

    def setUp(self):
        self.out = io.BytesIO()
        self.archive = initramfs.Archive(self.out)

    def entries(self):
        self.archive.close()
        return read_archive(self.out.getvalue())

    def test_holds_files_folders_and_links(self):
        self.archive.add_folder("tmp", 0o1777)
        self.archive.add_file("tmp/odd", b"12345", 0o600)
        self.archive.add_link("sh", "busybox")
        self.assertEqual(self.entries(), [("tmp", 0o041777, b""), ("tmp/odd", 0o100600, b"12345"),
                                          ("sh", 0o120777, b"busybox")])
        self.assertEqual(self.archive.size_bytes, 12)

    def test_makes_the_folders_above_a_file_once(self):
        self.archive.add_file("/a/b/c", b"")
        self.archive.add_file("a/b/d", b"")
        self.assertEqual([name for name, _, _ in self.entries()], ["a", "a/b", "a/b/c", "a/b/d"])

    def test_refuses_a_second_entry_of_one_name(self):
        self.archive.add_file("a", b"")
        self.assertIn("/a", self.archive)
        with self.assertRaisesRegex(ValueError, "/a is there already"):
            self.archive.add_file("/a", b"")


class FramesTest(unittest.TestCase):

    def test_puts_frames_together_from_single_bytes(self):
        data = frames.encode(frames.OUTPUT, b"\0\xff\n") + frames.encode(frames.READY)
        reader = frames.FrameReader()
        got = [frame for byte in data for frame in reader.feed(bytes([byte]))]
        self.assertEqual(got, [(frames.OUTPUT, b"\0\xff\n"), (frames.READY, b"")])

    def test_gives_many_frames_of_one_piece(self):
        piece = frames.encode(frames.ERROR, b"a") * 3
        self.assertEqual(list(frames.FrameReader().feed(piece)), [(frames.ERROR, b"a")] * 3)

    def test_refuses_what_is_no_frame(self):
        with self.assertRaises(frames.FrameError):
            list(frames.FrameReader().feed(b"Kernel panic"))
        with self.assertRaises(frames.FrameError):
            list(frames.FrameReader().feed(b"o\xff\xff\xff\xff"))

    def test_reads_an_exit_code(self):
        self.assertEqual(frames.exit_code(b"\xff\0\0\0"), 255)
        with self.assertRaises(frames.FrameError):
            frames.exit_code(b"\0")


class LibrariesTest(unittest.TestCase):

    def test_takes_paths_from_what_the_loader_says(self):
        text = ("\tlinux-vdso.so.1 (0x00007ffd)\n"
                "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1)\n"
                "\t/lib64/ld-linux-x86-64.so.2 (0x00007f2)\n")
        self.assertEqual(libraries.parse_ldd(text, "a"), ["/lib/x86_64-linux-gnu/libc.so.6",
                                                          "/lib64/ld-linux-x86-64.so.2"])

    def test_names_what_is_missing(self):
        with self.assertRaisesRegex(libraries.LibraryError, "a needs libx.so.1"):
            libraries.parse_ldd("\tlibx.so.1 => not found\n", "a")

    def test_finds_those_of_a_real_program_and_none_of_a_script(self):
        self.assertTrue(any("libc.so" in path for path in libraries.libraries_of("/bin/ls")))
        with tempfile.NamedTemporaryFile() as script:
            script.write(b"#!/bin/sh\n")
            script.flush()
            self.assertEqual(libraries.libraries_of(script.name), [])


class GuestTest(unittest.TestCase):

    def run_command_text(self, **fields):
        text = guest.command_text(guest.Guest(init="", agent="", **fields))
        return subprocess.run(["sh", "-c", text], capture_output=True, check=True).stdout

    def test_every_word_reaches_the_command_as_it_was(self):
        words = ["a b", "$HOME", "'", '"', "\\", "*", ""]
        got = self.run_command_text(command=["printf", r"%s\n", *words])
        self.assertEqual(got.decode().splitlines(), words)

    def test_the_environment_reaches_the_command_as_it_was(self):
        got = self.run_command_text(command=["sh", "-c", 'printf %s "$X"'],
                                    environment={"X": "a 'b' $c"})
        self.assertEqual(got, b"a 'b' $c")

    def test_the_daemons_arguments_survive_two_shells(self):
        text = guest.settings_text(guest.Guest(init="", agent="", command=["true"], daemon="d",
                                               daemon_arguments=["--policy=a b", "'$x'"]))
        script = text + 'eval "set -- $daemon_arguments"; printf "%s\\n" "$@"'
        got = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout
        self.assertEqual(got.decode().splitlines(), ["--policy=a b", "'$x'"])

    def test_cgroups_are_a_list_for_the_shell(self):
        text = guest.settings_text(guest.Guest(init="", agent="", cgroups=["storm", "apps"]))
        script = text + 'for cgroup in $cgroups; do echo "$cgroup"; done'
        got = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout
        self.assertEqual(got.decode().splitlines(), ["storm", "apps"])

    def test_a_cgroup_is_one_folder(self):
        self.assertEqual(vm.parse_arguments(["--cgroup=a.b"]).cgroups, ["a.b"])
        for wrong in ("", "..", "a/b", "a b", "-a"):
            with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit):
                vm.parse_arguments([f"--cgroup={wrong}"])

    def test_refuses_two_files_of_one_name_and_none_of_a_name(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a", "b"):
                os.mkdir(os.path.join(folder, name))
                with open(os.path.join(folder, name, "same"), "w", encoding="utf-8"):
                    pass
            paths = [os.path.join(folder, name, "same") for name in ("a", "b")]
            for files, complaint in ((paths, "another file of this name"),
                                     ([folder + "/none"], "no such file")):
                with self.assertRaisesRegex(guest.GuestError, complaint):
                    guest.write_initramfs(
                        guest.Guest(init="/bin/sh", agent="/bin/sh", files=files), io.BytesIO())


class MachineTest(unittest.TestCase):

    def test_what_the_caller_appends_comes_last(self):
        words = machine.kernel_arguments(
            machine.Machine(kernel="", initramfs="", memory_mib=1, append="selinux=1"))
        self.assertGreater(words.index("selinux=1"), words.index("selinux=0"))

    def test_finds_a_panic_in_the_console(self):
        console = "[ 1.0] hello\r\n[ 1.2] Kernel panic - not syncing: sysrq triggered crash\r\n"
        self.assertEqual(machine.panic_of(console),
                         "Kernel panic - not syncing: sysrq triggered crash")
        self.assertEqual(machine.panic_of("all is well"), "")

    def test_shows_the_end_of_a_long_console(self):
        lines = [str(i) for i in range(1000)]
        shown = machine.last_lines("\r\n".join(lines)).splitlines()
        self.assertEqual(shown[-1], "999")
        self.assertEqual(shown[0], "(800 lines before)")


class MainTest(unittest.TestCase):

    def test_says_what_to_install_where_busybox_is_missing(self):
        with unittest.mock.patch.object(guest, "BUSYBOX", "/none/busybox"), \
             self.assertRaisesRegex(guest.GuestError, "third_party/vm_packages.txt"):
            vm.applets()

    def test_a_full_disk_is_told_in_one_line_with_what_to_do(self):
        with unittest.mock.patch("vm.run", side_effect=OSError(errno.ENOSPC, "No space left")), \
             unittest.mock.patch("sys.argv", ["vm", "--", "true"]), \
             contextlib.redirect_stderr(io.StringIO()) as told:
            self.assertEqual(vm.main(), 125)
        self.assertRegex(told.getvalue(), r"^vm: no space left .*: make room, or set TMPDIR\n$")


if __name__ == "__main__":
    unittest_main.main()
