"""The shared libraries that a program needs, by the word of this machine's loader."""

import re
import subprocess

# "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)" and "/lib64/ld-linux-x86-64.so.2 (0x...)".
_FOUND = re.compile(r"\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)")
_MISSING = re.compile(r"\s*(\S+) => not found")


class LibraryError(Exception):
    """A program that could not start in the guest."""


def parse_ldd(text, program):
    """The paths that ldd names."""
    paths = []
    for line in text.splitlines():
        if match := _MISSING.fullmatch(line):
            raise LibraryError(f"{program} needs {match[1]}, which is not on this machine")
        if match := _FOUND.fullmatch(line):
            paths.append(match[1])
    return paths


def libraries_of(program):
    """Paths of what program needs; none for a script, or a program that is linked statically."""
    with open(program, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
    result = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    if "not a dynamic executable" in result.stderr:
        return []
    if result.returncode != 0:
        raise LibraryError(f"ldd {program}: {result.stderr.strip()}")
    return parse_ldd(result.stdout, program)
