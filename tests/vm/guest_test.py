#!/usr/bin/python3
"""Runs a GoogleTest program in the virtual machine, and tells Bazel what came of each case.

usage: guest_test.py [OPTIONS OF ./dev vm] -- PROGRAM [ARG...]

Started by Bazel (vm_test.bzl), in the tree of the test's files.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

_VM = "tests/vm/vm"
_REPORT = "test.xml"
# So that the machine tells what it hung at before Bazel ends the test.
_MARGIN_SECONDS = 15
_BAZEL_SECONDS = 300
_FOR_GTEST = {
    "TESTBRIDGE_TEST_ONLY": "GTEST_FILTER",
    "TEST_TOTAL_SHARDS": "GTEST_TOTAL_SHARDS",
    "TEST_SHARD_INDEX": "GTEST_SHARD_INDEX",
}


def gtest_environment():
    """How GoogleTest is told what Bazel told this process."""
    environment = {"GTEST_OUTPUT": f"xml:/out/{_REPORT}", "GTEST_COLOR": "no"}
    for bazel, gtest in _FOR_GTEST.items():
        if bazel in os.environ:
            environment[gtest] = os.environ[bazel]
    return environment


def main(words):
    split = words.index("--")
    options, (program, *arguments) = words[:split], words[split + 1:]
    seconds = int(os.environ.get("TEST_TIMEOUT", _BAZEL_SECONDS)) - _MARGIN_SECONDS
    if "TEST_SHARD_STATUS_FILE" in os.environ:
        pathlib.Path(os.environ["TEST_SHARD_STATUS_FILE"]).touch()
    with tempfile.TemporaryDirectory(prefix="dmaheapd-vm-test.") as folder:
        log = os.path.join(folder, "log")
        options += ["--timeout", str(seconds), "--out", folder, "--log", log, "--times"]
        options += ["--file", program]
        for name, value in gtest_environment().items():
            options += ["--env", f"{name}={value}"]
        code = subprocess.call([_VM, *options, "--", os.path.basename(program), *arguments])
        if code != 0 and os.path.exists(log):
            with open(log, encoding="utf-8", errors="replace") as text:
                print("---- the daemon's log", text.read(), sep="\n", file=sys.stderr)
        report = os.path.join(folder, _REPORT)
        if os.path.exists(report) and "XML_OUTPUT_FILE" in os.environ:
            shutil.copyfile(report, os.environ["XML_OUTPUT_FILE"])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
