"""The guest's files, as the archive that a kernel unpacks before it starts /init (`newc` cpio).

Uncompressed: unpacking costs an emulated processor more than copying does.
"""

import os
import stat

# Kernel.org's Documentation/driver-api/early-userspace/buffer-format.rst: the magic number, then
# inode, mode, uid, gid, links, mtime, size, device (2), special device (2), length of the name
# with its end, checksum.
_HEAD = "070701" + "%08x" * 13
_FIRST_INODE = 1
_ROOT = 0


class Archive:
    """Writes entries to out, a binary file. Folders above an entry are made as needed."""

    def __init__(self, out):
        self._out = out
        self._inode = _FIRST_INODE
        self._paths = set()
        self.size_bytes = 0  # of the files' content, which is what the guest's memory has to hold

    def __contains__(self, path):
        return path.strip("/") in self._paths

    def add_folder(self, path, mode=0o755):
        self._add(path, stat.S_IFDIR | mode, b"")

    def add_file(self, path, content, mode=0o644):
        self._add(path, stat.S_IFREG | mode, content)

    def add_link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, os.fsencode(target))

    def close(self):
        """Writes the end. The file stays open."""
        self._write("TRAILER!!!", 0, b"")

    def _add(self, path, mode, content):
        name = path.strip("/")
        if not name or name in self._paths:
            raise ValueError(f"/{name} is there already")
        parent = os.path.dirname(name)
        if parent and parent not in self._paths:
            self.add_folder(parent)
        self._paths.add(name)
        self.size_bytes += len(content)
        self._write(name, mode, content)

    def _write(self, name, mode, content):
        encoded = os.fsencode(name) + b"\0"
        head = _HEAD % (self._inode, mode, _ROOT, _ROOT, 1, 0, len(content), 0, 0, 0, 0,
                        len(encoded), 0)
        self._inode += 1
        self._out.write(_padded(head.encode() + encoded))
        self._out.write(_padded(content))


def _padded(data):
    return data + b"\0" * (-len(data) % 4)
