#!/usr/bin/python3
"""Tests of the virtual machine itself: what goes in and comes out, and how it ends when it breaks."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True  # the folder of this script is the source tree
sys.path.append(os.path.join(os.getcwd(), "third_party/dev"))
import unittest_main

_VM = "tests/vm/vm"
# Far above what a boot takes on a busy machine.
_PATIENCE_SECONDS = 120

_EXIT_BROKEN = 125


class VmItselfTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def vm(self, *words):
        return subprocess.run([_VM, f"--timeout={_PATIENCE_SECONDS}", *words], capture_output=True,
                              stdin=subprocess.DEVNULL, check=False)

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def test_files_go_in_and_output_files_and_exit_code_come_back_byte_for_byte(self):
        first, second = os.urandom(300_000), os.urandom(70_001)
        out = os.path.join(self.folder, "out")
        got = self.vm("--no-daemon", f"--file={self.file('first', first)}",
                      f"--file={self.file('second', second)}", f"--out={out}", "--env=CODE=201",
                      "--", "sh", "-c", "cat first; cat second >&2; cp second /out/copy; exit $CODE")
        self.assertEqual(got.returncode, 201, got.stderr[-1000:])
        self.assertEqual(got.stdout, first)
        self.assertEqual(got.stderr, second)
        with open(os.path.join(out, "copy"), "rb") as copy:
            self.assertEqual(copy.read(), second)

    def test_nothing_is_lost_where_the_runner_gets_no_turn_when_the_guest_ends(self):
        out = os.path.join(self.folder, "out")
        words = [_VM, f"--timeout={_PATIENCE_SECONDS}", "--no-daemon", f"--out={out}", "--", "sh",
                 "-c", "echo begun; sleep 1; head -c 2000000 /dev/zero >/out/zeros"]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as runner:
            self.assertEqual(runner.stdout.readline(), b"begun\n")
            runner.send_signal(signal.SIGSTOP)
            # The guest needs about two for the rest: the longer, the surer that it has tried to end.
            time.sleep(5)
            runner.send_signal(signal.SIGCONT)
        self.assertEqual(runner.returncode, 0)
        self.assertEqual(os.path.getsize(os.path.join(out, "zeros")), 2_000_000)

    def test_a_command_that_left_a_process_behind_has_ended_all_the_same(self):
        got = self.vm("--no-daemon", "--", "sh", "-c", "sleep 1000 & yes >&2 & echo done; kill -9 $$")
        self.assertEqual(got.returncode, 128 + 9)
        self.assertEqual(got.stdout, b"done\n")

    def test_the_options_reach_the_machine(self):
        got = self.vm("--no-daemon", "--cma=16M", "--smp=1", "--mem=256", "--append=marker=here",
                      "--", "sh", "-c", "nproc; cat /proc/cmdline; grep CmaTotal /proc/meminfo")
        text = got.stdout.decode()
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual(text.splitlines()[0], "1")
        self.assertIn("marker=here", text)
        self.assertRegex(text, r"CmaTotal: +16384 kB")

    def test_a_panic_ends_the_run_and_shows_the_console(self):
        got = self.vm("--no-daemon", "--", "sh", "-c",
                      "echo c >/proc/sysrq-trigger; sleep 1000")
        # What a command printed just before may still lie in the guest, and is lost with it.
        self.assertEqual(got.returncode, _EXIT_BROKEN)
        self.assertIn(b"the guest's kernel ended: Kernel panic - not syncing: sysrq", got.stderr)
        self.assertIn(b"---- console", got.stderr)

    def test_a_daemon_that_does_not_start_is_told_with_its_log(self):
        got = self.vm("--daemon-arg=--policy=/no/such/file", "--", "echo", "never")
        self.assertEqual(got.returncode, _EXIT_BROKEN)
        self.assertEqual(got.stdout, b"")
        self.assertIn(b"the daemon ended before it served", got.stderr)
        self.assertIn(b"/no/such/file", got.stderr)


if __name__ == "__main__":
    unittest_main.main()
