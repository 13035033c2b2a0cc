#!/usr/bin/python3
"""Runs a command in a virtual machine with a real kernel, real dma-heaps and dmaheapd on them.

Output and exit code are the command's. 124: the guest hung; 125: it broke in another way, and its
console is shown; 2: usage.
"""

import argparse
import errno
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the folder of this script is the source tree
from runner import frames
from runner import guest
from runner import machine

_EXIT_HUNG = 124
_EXIT_BROKEN = 125
# As a shell shows who died of SIGINT, of SIGPIPE.
_EXIT_INTERRUPTED = 130
_EXIT_NOT_READ = 141

# Where the failure rates of the storms were measured (shared by two processors, as here).
_MEMORY_MIB = 512
_COMMAND_SECONDS = 300
_SHELL_SECONDS = 4 * 3600

# The tree of which this script is part, as Bazel laid it out: binaries lie beside scripts.
_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0]))))


def below_top(path):
    return os.path.join(_TOP, path)


def positive(text):
    value = int(text)
    if value <= 0:
        raise ValueError
    return value


def size(text):
    if not re.fullmatch(r"[0-9]+[KMG]?", text):
        raise ValueError
    return text


def variable(text):
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError
    return name, value


def cgroup_name(text):
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
        raise ValueError
    return text


def best_accelerator(device="/dev/kvm", cpuinfo="/proc/cpuinfo"):
    """kvm where it works. Its device alone proves nothing: inside some machines it starts a guest
    that never runs, and there the processor does not claim to have what it takes."""
    with open(cpuinfo, encoding="utf-8") as file:
        has_it = re.search(r"^flags\s*:.*\b(vmx|svm)\b", file.read(), re.MULTILINE)
    return "kvm" if has_it and os.access(device, os.R_OK | os.W_OK) else "tcg"


def parse_arguments(words):
    parser = argparse.ArgumentParser(
        prog="./dev vm", allow_abbrev=False, usage="%(prog)s [OPTION...] [-- COMMAND [ARG...]]",
        description=__doc__.split("\n\n", maxsplit=1)[0] + " Without COMMAND: a shell.",
        epilog="The command runs as root in /files; what it leaves in /out is brought back with "
        "--out. Exit code: the command's; 124 if the guest hung, 125 if it broke.")
    parser.add_argument("--file", dest="files", metavar="PATH", action="append", default=[],
                        help="copy this file or folder into the guest's /files, which is in its "
                        "PATH, with the libraries it needs; may be given again")
    parser.add_argument("--out", metavar="DIR", help="copy the files in the guest's /out there")
    parser.add_argument("--env", metavar="NAME=VALUE", type=variable, action="append", default=[],
                        help="set this for the command; may be given again")
    parser.add_argument("--cma", metavar="SIZE", type=size, default="64M",
                        help="of the CMA area; 0 for none (default: %(default)s)")
    parser.add_argument("--smp", metavar="N", type=positive, default=2,
                        help="processors (default: %(default)s)")
    parser.add_argument("--mem", metavar="MIB", type=positive, default=_MEMORY_MIB,
                        help="memory beside what the files take (default: %(default)s)")
    parser.add_argument("--append", metavar="ARGS", action="append", default=[],
                        help="more for the kernel's command line; may be given again")
    parser.add_argument("--accel", choices=("kvm", "tcg"), default=best_accelerator(),
                        help="the machine's processor: this one (kvm), or an emulated one (tcg), "
                        "on which storms were measured (default: %(default)s, by what is here)")
    parser.add_argument("--timeout", metavar="SECONDS", type=positive,
                        help=f"for the whole run (default: {_COMMAND_SECONDS}, for a shell "
                        f"{_SHELL_SECONDS})")
    parser.add_argument("--no-daemon", action="store_true", help="start no daemon")
    parser.add_argument("--daemon-arg", dest="daemon_arguments", metavar="ARG", action="append",
                        default=[], help="for dmaheapd; may be given again")
    parser.add_argument("--cgroup", dest="cgroups", metavar="NAME", type=cgroup_name,
                        action="append", default=[],
                        help="make /sys/fs/cgroup/NAME before the daemon starts; may be given "
                        "again")
    parser.add_argument("--log", metavar="FILE", help="write the daemon's log there")
    parser.add_argument("--console", metavar="FILE", help="write the guest's console there")
    parser.add_argument("--times", action="store_true", help="say at the end how long it took")
    # What Bazel built; ./dev and the tests leave these as they are.
    parser.add_argument("--kernel", default=below_top("tests/vm/kernel/bzImage"),
                        help=argparse.SUPPRESS)
    parser.add_argument("--daemon", default=below_top("daemon/dmaheapd"), help=argparse.SUPPRESS)
    parser.add_argument("--agent", default=below_top("tests/vm/guest/agent"),
                        help=argparse.SUPPRESS)
    parser.add_argument("--init", default=below_top("tests/vm/guest/init"), help=argparse.SUPPRESS)
    options, command = words, []
    if "--" in words:
        split = words.index("--")
        options, command = words[:split], words[split + 1:]
        if not command:
            parser.error("a COMMAND must follow --")
    arguments = parser.parse_args(options)
    arguments.command = command
    return arguments


def applets():
    """The commands that busybox has."""
    try:
        listed = subprocess.run([guest.BUSYBOX, "--list"], capture_output=True, text=True,
                                check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise guest.GuestError(
            "busybox-static is missing: install what third_party/vm_packages.txt lists") from error
    return listed.stdout.split()


def make_guest(arguments):
    return guest.Guest(
        init=arguments.init, agent=arguments.agent,
        daemon="" if arguments.no_daemon else arguments.daemon,
        daemon_arguments=arguments.daemon_arguments, cgroups=arguments.cgroups,
        files=arguments.files,
        environment=dict(arguments.env), command=arguments.command, applets=applets())


def make_machine(arguments, initramfs, files_bytes):
    return machine.Machine(
        kernel=arguments.kernel, initramfs=initramfs,
        memory_mib=arguments.mem + -(-files_bytes >> 20), processors=arguments.smp,
        cma=arguments.cma, append=" ".join(arguments.append), accelerator=arguments.accel,
        is_interactive=not arguments.command)


def write_file(path, content):
    with open(path, "wb") as file:
        file.write(content)


def run(arguments):
    with tempfile.TemporaryDirectory(prefix="dmaheapd-vm.") as folder:
        initramfs = os.path.join(folder, "initramfs")
        with open(initramfs, "wb") as out:
            files_bytes = guest.write_initramfs(make_guest(arguments), out)
        seconds = arguments.timeout or (_COMMAND_SECONDS if arguments.command else _SHELL_SECONDS)
        outcome = machine.run(make_machine(arguments, initramfs, files_bytes), seconds,
                              sys.stdout.buffer, sys.stderr.buffer)
    if arguments.out:
        os.makedirs(arguments.out, exist_ok=True)
        for name, content in outcome.files.items():
            write_file(os.path.join(arguments.out, name), content)
    for path, text in ((arguments.log, outcome.log), (arguments.console, outcome.console)):
        if path:
            write_file(path, text.encode())
    if arguments.times:
        print(f"vm: {files_bytes / 2**20:.1f} MiB of files; the command started after "
              f"{outcome.ready_seconds:.2f} s; {outcome.total_seconds:.2f} s in all",
              file=sys.stderr)
    return outcome.exit_code


def main():
    arguments = parse_arguments(sys.argv[1:])
    try:
        return run(arguments)
    except machine.MachineTimeout as error:
        print(f"vm: {error}", file=sys.stderr)
        return _EXIT_HUNG
    except (frames.FrameError, guest.GuestError, machine.MachineError) as error:
        print(f"vm: {error}", file=sys.stderr)
        return _EXIT_BROKEN
    except BrokenPipeError:
        # Nobody reads on; and nothing more is to be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_NOT_READ
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"vm: no space left for the guest's files, which go to {tempfile.gettempdir()}: "
              "make room, or set TMPDIR", file=sys.stderr)
        return _EXIT_BROKEN
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
