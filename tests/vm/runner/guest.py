"""What is in the guest: busybox, the daemon, what the caller brings, and the libraries of all."""

import dataclasses
import os
import shlex
import shutil
import stat

from . import initramfs
from . import libraries

# For the daemon, and for clients without privileges. Uids below 1000 are a system's own.
_PASSWD = """root:x:0:0:root:/root:/bin/sh
dmaheapd:x:900:900:dmaheapd:/nonexistent:/bin/false
hal:x:1000:1000:a HAL:/tmp:/bin/sh
app:x:1001:1001:an app:/tmp:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
"""
_GROUP = """root:x:0:
dmaheapd:x:900:
hal:x:1000:
app:x:1001:
nogroup:x:65534:
"""
_PROFILE = """export PS1='guest# '
echo 'Try: dmaheapctl get heaps; camera_hal system. Ctrl-D, or Ctrl-A x, ends the machine.'
"""

# (path, mode): mount points and what programs expect to find.
_FOLDERS = (("dev", 0o755), ("proc", 0o555), ("sys", 0o555), ("run", 0o755), ("root", 0o700),
            ("tmp", 0o1777), ("files", 0o755), ("out", 0o1777))

# In Debian's package busybox-static.
BUSYBOX = "/bin/busybox"


class GuestError(Exception):
    """Something that the guest should have is not there, or can not be brought in."""


@dataclasses.dataclass
class Guest:
    """What one guest is made of; paths are of this machine."""
    init: str
    agent: str
    daemon: str = ""  # none: no daemon is started
    daemon_arguments: list = dataclasses.field(default_factory=list)
    cgroups: list = dataclasses.field(default_factory=list)  # made before the daemon starts
    files: list = dataclasses.field(default_factory=list)  # they go into /files
    environment: dict = dataclasses.field(default_factory=dict)
    command: list = dataclasses.field(default_factory=list)  # empty: a shell
    applets: list = dataclasses.field(default_factory=list)  # of busybox

    @property
    def is_interactive(self):
        return not self.command


def settings_text(guest):
    """/guest/settings, which init reads."""
    arguments = shlex.join(guest.daemon_arguments)
    return (f"is_interactive={'1' if guest.is_interactive else ''}\n"
            f"has_daemon={'1' if guest.daemon else ''}\n"
            f"cgroups={shlex.quote(' '.join(guest.cgroups))}\n"
            f"daemon_arguments={shlex.quote(arguments)}\n")


def command_text(guest):
    """/guest/command, which the agent runs."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in guest.environment.items()]
    if guest.is_interactive:
        # The kernel does not know the size of the terminal outside.
        size = shutil.get_terminal_size()
        lines.append(f"stty rows {size.lines} cols {size.columns}")
    lines.append("exec " + (shlex.join(guest.command) if guest.command else "sh -l"))
    return "\n".join(lines) + "\n"


def _content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise GuestError(f"{path}: {error.strerror}") from error


class _Tree:
    """Adds programs with what they need."""

    def __init__(self, archive):
        self._archive = archive

    def add_program(self, source, path):
        self._archive.add_file(path, _content(source), 0o755)
        self._add_libraries(source)

    def add_brought(self, source, path):
        """A file or folder of the caller's, with its modes."""
        mode = stat.S_IMODE(os.stat(source).st_mode)
        if os.path.isdir(source):
            self._archive.add_folder(path, mode)
            for name in sorted(os.listdir(source)):
                self.add_brought(os.path.join(source, name), f"{path}/{name}")
            return
        self._archive.add_file(path, _content(source), mode)
        if mode & stat.S_IXUSR:
            self._add_libraries(source)

    def _add_libraries(self, program):
        try:
            needed = libraries.libraries_of(program)
        except libraries.LibraryError as error:
            raise GuestError(str(error)) from error
        for path in needed:
            if path not in self._archive:
                self._archive.add_file(path, _content(path), 0o755)


def _name_of(source):
    return os.path.basename(os.path.normpath(source))


def _check_files(sources):
    names = set()
    for source in sources:
        if not os.path.exists(source):
            raise GuestError(f"--file {source}: no such file")
        if _name_of(source) in names:
            raise GuestError(f"--file {source}: another file of this name is brought already")
        names.add(_name_of(source))


def write_initramfs(guest, out):
    """Writes the archive to out; returns how many bytes of memory its files take."""
    _check_files(guest.files)
    archive = initramfs.Archive(out)
    tree = _Tree(archive)
    for path, mode in _FOLDERS:
        archive.add_folder(path, mode)
    tree.add_program(BUSYBOX, "bin/busybox")
    for applet in guest.applets:
        if applet != "busybox":
            archive.add_link(f"bin/{applet}", "busybox")
    archive.add_file("etc/passwd", _PASSWD.encode())
    archive.add_file("etc/group", _GROUP.encode())
    archive.add_file("etc/profile", _PROFILE.encode())
    archive.add_file("init", _content(guest.init), 0o755)
    tree.add_program(guest.agent, "guest/agent")
    archive.add_file("guest/settings", settings_text(guest).encode())
    archive.add_file("guest/command", os.fsencode(command_text(guest)))
    if guest.daemon:
        tree.add_program(guest.daemon, "bin/dmaheapd")
    for source in guest.files:
        tree.add_brought(source, f"files/{_name_of(source)}")
    archive.close()
    return archive.size_bytes
