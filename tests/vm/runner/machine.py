"""The virtual machine: qemu's command line, and one run of it, bounded in time."""

import contextlib
import dataclasses
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import termios
import time

from . import frames

QEMU = "qemu-system-x86_64"

# Of the guest's console, shown when something went wrong.
_MAX_LINES_SHOWN = 200
# Between the end of the sockets and the end of qemu lies nothing but its own tidying up.
_END_SECONDS = 20
_PIECE_BYTES = 1 << 16


class MachineError(Exception):
    """The machine did not run the command to its end; the text says how it ended instead."""


class MachineTimeout(MachineError):
    """It hung."""


@dataclasses.dataclass
class Machine:
    """One virtual machine."""
    kernel: str
    initramfs: str
    memory_mib: int
    processors: int = 2
    cma: str = "64M"
    append: str = ""
    accelerator: str = "tcg"
    is_interactive: bool = False


@dataclasses.dataclass
class Outcome:
    """What came of a run."""
    exit_code: int
    files: dict  # name -> bytes
    log: str  # the daemon's
    console: str
    ready_seconds: float  # until the command started
    total_seconds: float


def kernel_arguments(machine):
    """What the kernel is told. Of two equal options the last counts, so --append can override."""
    words = ["console=ttyS0", "quiet"]
    # A panic ends qemu, as reboots are off; a kernel that carries on after an oops proves nothing.
    words += ["panic=-1", "oops=panic"]
    words += [f"cma={machine.cma}", "selinux=0"]
    return " ".join(words + [machine.append]).strip()


def qemu_arguments(machine, console, agent, log):
    """The command line; the last three are numbers of sockets that qemu inherits."""
    words = [QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]
    # The kernel waits for entropy, which the processor then gives.
    words += ["-M", "pc", "-cpu", "qemu64,+rdrand"]
    # If it can not be had after all, the emulated processor can.
    words += ["-accel", "kvm"] if machine.accelerator == "kvm" else []
    words += ["-accel", "tcg,thread=multi"]
    words += ["-smp", str(machine.processors), "-m", str(machine.memory_mib)]
    words += ["-kernel", machine.kernel, "-initrd", machine.initramfs]
    words += ["-append", kernel_arguments(machine)]
    for name, fd in (("console", console), ("agent", agent), ("log", log)):
        words += ["-chardev", f"socket,id={name},fd={fd}"]
    words += ["-serial", "chardev:console", "-device", "virtio-serial-pci"]
    if machine.is_interactive:
        # Ctrl-A x ends qemu; every other key is the guest's.
        words += ["-chardev", "stdio,id=terminal,mux=on,signal=off"]
        words += ["-device", "virtconsole,chardev=terminal,nr=0"]
    words += ["-device", "virtserialport,chardev=agent,nr=1"]
    words += ["-device", "virtserialport,chardev=log,nr=2"]
    return words


def panic_of(console):
    """The line of a kernel's panic, or nothing."""
    match = re.search(r"Kernel panic - not syncing.*", console)
    return match[0].strip() if match else ""


def last_lines(text):
    lines = text.replace("\r\n", "\n").splitlines()
    if len(lines) > _MAX_LINES_SHOWN:
        skipped = len(lines) - _MAX_LINES_SHOWN
        lines = [f"({skipped} lines before)"] + lines[-_MAX_LINES_SHOWN:]
    return "\n".join(lines)


class _Stream:
    """Our end of a socket to the guest; theirs is for qemu."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.bytes = bytearray()

    def close(self):
        self.ours.close()
        self.theirs.close()

    def text(self):
        return self.bytes.decode("utf-8", "replace")


@contextlib.contextmanager
def _kept_terminal(is_interactive):
    """qemu sets the terminal to pass on every key, and can not set it back if it is killed."""
    stdin = sys.stdin.fileno() if is_interactive and sys.stdin.isatty() else None
    before = None if stdin is None else termios.tcgetattr(stdin)
    try:
        yield
    finally:
        if before is not None:
            termios.tcsetattr(stdin, termios.TCSADRAIN, before)


def _put_first():
    """Puts the main thread of qemu, which serves the guest's timers, before its emulated processors,
    which take all that the machine has. Behind them one timer in a hundred comes 4 ms late, of which
    no real processor has anything; before them, half a millisecond."""
    # Where this is not allowed, the guest's timers are late.
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))


class _Run:
    """One run: feeds what comes from the guest to the caller's streams."""

    def __init__(self, machine, output, error):
        self._machine = machine
        self._sinks = {frames.OUTPUT: output, frames.ERROR: error}
        self._streams = {name: _Stream() for name in ("console", "agent", "log")}
        self._frames = frames.FrameReader()
        self._started = time.monotonic()
        self._ready_seconds = 0.0
        self._exit_code = None
        self._broken = None
        self._files = {}
        self._file = None

    def run(self, timeout_seconds):
        with tempfile.TemporaryFile() as complaints:
            try:
                process = self._start(complaints)
                try:
                    is_over = self._read_until(self._started + timeout_seconds)
                    # qemu closes its sockets first and then ends.
                    end_seconds = _END_SECONDS if is_over else 0
                    is_over = _wait(process, end_seconds) and is_over
                finally:
                    process.kill()
                    process.wait()
            finally:
                for stream in self._streams.values():
                    stream.close()
            complaints.seek(0)
            return self._outcome(is_over, timeout_seconds,
                                 complaints.read().decode("utf-8", "replace"))

    def _start(self, complaints):
        fds = {name: stream.theirs.fileno() for name, stream in self._streams.items()}
        streams = {"stdin": subprocess.DEVNULL, "stdout": complaints, "stderr": complaints}
        if self._machine.is_interactive:
            streams = {"stderr": complaints}
        # Whatever ends this process ends qemu too.
        words = ["setpriv", "--pdeathsig", "KILL", *qemu_arguments(self._machine, **fds)]
        process = subprocess.Popen(words, pass_fds=list(fds.values()), preexec_fn=_put_first,
                                   **streams)
        for stream in self._streams.values():
            stream.theirs.close()
        return process

    def _read_until(self, deadline):
        """Reads all streams to their ends. False if the deadline came first."""
        with selectors.DefaultSelector() as selector:
            for name, stream in self._streams.items():
                selector.register(stream.ours, selectors.EVENT_READ, name)
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                for key, _ in selector.select(left):
                    if not self._take(key.data):
                        selector.unregister(key.fileobj)
        return True

    def _take(self, name):
        """Takes what has come; False at the end of the stream."""
        stream = self._streams[name]
        try:
            piece = stream.ours.recv(_PIECE_BYTES)
        except ConnectionResetError:  # qemu was killed with bytes unread
            piece = b""
        if name == "agent":
            for kind, payload in self._frames.feed(piece):
                self._take_frame(kind, payload)
        else:
            stream.bytes += piece
        return bool(piece)

    def _take_frame(self, kind, payload):
        if kind in self._sinks:
            self._sinks[kind].write(payload)
            self._sinks[kind].flush()
        elif kind == frames.READY:
            self._ready_seconds = time.monotonic() - self._started
        elif kind == frames.EXIT:
            self._exit_code = frames.exit_code(payload)
            self._say_taken()
        elif kind == frames.BROKEN:
            self._broken = payload.decode("utf-8", "replace")
            self._say_taken()
        elif kind == frames.FILE:
            self._file = self._files.setdefault(os.path.basename(os.fsdecode(payload)), bytearray())
        elif kind == frames.DATA and self._file is not None:
            self._file += payload

    def _say_taken(self):
        """The guest ends only now: what qemu has not passed on when it does is lost."""
        with contextlib.suppress(OSError):  # it ended without waiting
            self._streams["agent"].ours.send(b"x")

    def _outcome(self, is_over, timeout_seconds, complaints):
        console = self._streams["console"].text()
        log = self._streams["log"].text()
        if self._exit_code is not None:
            return Outcome(self._exit_code, {name: bytes(b) for name, b in self._files.items()},
                           log, console, self._ready_seconds, time.monotonic() - self._started)
        if self._broken is not None:
            what = f"the guest could not be made ready: {self._broken}"
        elif panic := panic_of(console):
            what = f"the guest's kernel ended: {panic}"
        elif not is_over:
            what = f"the guest did not end within {timeout_seconds:g} s, and was stopped"
        else:
            what = "qemu ended before the command did"
        parts = [what]
        for name, text in (("qemu", complaints), ("console", console), ("the daemon's log", log)):
            if text.strip():
                parts.append(f"---- {name}\n{last_lines(text)}")
        if is_over or self._broken is not None:
            raise MachineError("\n".join(parts))
        raise MachineTimeout("\n".join(parts))


def _wait(process, seconds):
    try:
        process.wait(timeout=seconds)
        return True
    except subprocess.TimeoutExpired:
        return False


def check_tools():
    for tool in (QEMU, "setpriv"):
        if shutil.which(tool) is None:
            raise MachineError(f"{tool} is missing: install what third_party/vm_packages.txt lists")


def run(machine, timeout_seconds, output, error):
    """Boots machine, copies the command's output to the binary files output and error.

    Raises MachineError if the command did not run to its end.
    """
    check_tools()
    with _kept_terminal(machine.is_interactive):
        return _Run(machine, output, error).run(timeout_seconds)
