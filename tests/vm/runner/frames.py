"""What the guest's agent sends (tests/vm/guest/agent.cc): pieces of a byte stream -> frames."""

import struct

# What a frame is, by its first byte.
READY = b"r"  # the command starts
OUTPUT = b"o"
ERROR = b"e"
EXIT = b"x"
FILE = b"f"  # the name of a file, whose bytes follow in frames of DATA
DATA = b"d"
BROKEN = b"b"  # why there was no command

KINDS = frozenset((READY, OUTPUT, ERROR, EXIT, FILE, DATA, BROKEN))

_HEAD = struct.Struct("<cI")
_CODE = struct.Struct("<I")

# The agent sends at most what a pipe holds, 64 KiB at a time; a pipe can be made as large as this
# (fs.pipe-max-size).
MAX_BYTES = 1 << 20


class FrameError(Exception):
    """The stream is not an agent's."""


class FrameReader:
    """Puts frames together. Not usable any more after a FrameError."""

    def __init__(self):
        self._bytes = bytearray()

    def feed(self, piece):
        """Yields (kind, payload) of each frame that piece completes."""
        self._bytes += piece
        while len(self._bytes) >= _HEAD.size:
            kind, size = _HEAD.unpack_from(self._bytes)
            if kind not in KINDS or size > MAX_BYTES:
                raise FrameError(f"the guest sent no frame: {bytes(self._bytes[:64])!r}")
            end = _HEAD.size + size
            if len(self._bytes) < end:
                return
            payload = bytes(self._bytes[_HEAD.size:end])
            del self._bytes[:end]
            yield kind, payload


def exit_code(payload):
    if len(payload) != _CODE.size:
        raise FrameError(f"an exit code of {len(payload)} bytes")
    return _CODE.unpack(payload)[0]


def encode(kind, payload=b""):
    """A frame, for tests."""
    return _HEAD.pack(kind, len(payload)) + payload
