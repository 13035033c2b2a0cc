#!/usr/bin/python3
"""Tests of one run of a machine, with a stand-in for qemu that says what the case needs."""

import io
import os
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True  # the folder of this script is the source tree
sys.path.append(os.path.join(os.getcwd(), "third_party/dev"))
sys.path.append(os.path.join(os.getcwd(), "tests/vm"))
import unittest_main
from runner import frames
from runner import machine

# Finds its sockets as qemu does, on its command line; then does what follows.
_STAND_IN = """#!/usr/bin/python3
import os, re, socket, sys, time
fds = dict(re.findall(r"socket,id=(\\w+),fd=(\\d+)", " ".join(sys.argv)))
console, agent, log = (socket.socket(fileno=int(fds[name])) for name in ("console", "agent", "log"))
"""

# Of tests that are to end by themselves.
_LONG_SECONDS = 60


class RunTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = self.folder.name + ":" + path
        self.output, self.error = io.BytesIO(), io.BytesIO()
        self.fds_before = set(os.listdir("/proc/self/fd"))

    def tearDown(self):
        self.assertEqual(set(os.listdir("/proc/self/fd")), self.fds_before)

    def run_with(self, script, seconds=_LONG_SECONDS):
        program = os.path.join(self.folder.name, machine.QEMU)
        with open(program, "w", encoding="utf-8") as file:
            file.write(_STAND_IN + script)
        os.chmod(program, 0o755)
        return machine.run(machine.Machine(kernel="k", initramfs="i", memory_mib=1), seconds,
                           self.output, self.error)

    def sends(self, *messages):
        return f"agent.sendall({b''.join(messages)!r})\n"

    def failure_of(self, script, kind=machine.MachineError, **arguments):
        with self.assertRaises(kind) as caught:
            self.run_with(script, **arguments)
        return str(caught.exception)

    def test_hands_on_output_exit_code_files_and_logs(self):
        every_byte = bytes(range(256)) * 300
        outcome = self.run_with(
            self.sends(frames.encode(frames.READY), frames.encode(frames.OUTPUT, every_byte),
                       frames.encode(frames.ERROR, b"no\n"), frames.encode(frames.OUTPUT, b"end"),
                       frames.encode(frames.FILE, b"a"), frames.encode(frames.DATA, b"1"),
                       frames.encode(frames.DATA, b"2"), frames.encode(frames.FILE, b"empty"),
                       frames.encode(frames.EXIT, b"\x07\0\0\0")) +
            "log.sendall(b'event=x'); console.sendall(b'[0.1] hello')")
        self.assertEqual(outcome.exit_code, 7)
        self.assertEqual(self.output.getvalue(), every_byte + b"end")
        self.assertEqual(self.error.getvalue(), b"no\n")
        self.assertEqual(outcome.files, {"a": b"12", "empty": b""})
        self.assertEqual((outcome.log, outcome.console), ("event=x", "[0.1] hello"))

    def test_a_file_can_not_leave_its_folder(self):
        outcome = self.run_with(self.sends(frames.encode(frames.FILE, b"../../etc/x"),
                                           frames.encode(frames.EXIT, b"\0\0\0\0")))
        self.assertEqual(list(outcome.files), ["x"])

    def test_stops_a_guest_that_hangs_and_shows_its_console_and_log(self):
        started = time.monotonic()
        text = self.failure_of("console.sendall(b'stuck here'); log.sendall(b'event=y')\n"
                               "time.sleep(1000)", kind=machine.MachineTimeout, seconds=1)
        self.assertLess(time.monotonic() - started, _LONG_SECONDS)
        self.assertIn("did not end within 1 s", text)
        self.assertIn("stuck here", text)
        self.assertIn("event=y", text)

    def test_tells_a_panic(self):
        text = self.failure_of("console.sendall(b'[1] Kernel panic - not syncing: Oops\\r\\n')")
        self.assertIn("the guest's kernel ended: Kernel panic - not syncing: Oops", text)

    def test_tells_a_guest_that_could_not_be_made_ready(self):
        text = self.failure_of(self.sends(frames.encode(frames.BROKEN, b"no daemon")) +
                               "log.sendall(b'event=z')")
        self.assertIn("could not be made ready: no daemon", text)
        self.assertIn("event=z", text)

    def test_tells_what_qemu_complains_of(self):
        text = self.failure_of("sys.exit('qemu: no such machine')")
        self.assertIn("qemu ended before the command did", text)
        self.assertIn("qemu: no such machine", text)

    def test_says_what_to_install_where_qemu_is_missing(self):
        os.environ["PATH"] = self.folder.name
        with self.assertRaisesRegex(machine.MachineError, "third_party/vm_packages.txt"):
            machine.run(machine.Machine(kernel="k", initramfs="i", memory_mib=1), 1, self.output,
                        self.error)


if __name__ == "__main__":
    unittest_main.main()
