#!/usr/bin/python3
"""The kernel's own test of its dma-heaps (tools/testing/selftests/dmabuf-heaps), on both machines:
what the daemon may rely on, without the daemon. The log has what each of its cases said."""

import os
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True  # the folder of this script is the source tree
sys.path.append(os.path.join(os.getcwd(), "third_party/dev"))
import unittest_main

_VM = "tests/vm/vm"
_SELFTEST = "tests/vm/kernel/dmabuf-heap"
_STOCK_KERNEL = "external/cloud_kernel/vmlinuz"
_PATIENCE_SECONDS = 120

# For each heap there are so many cases.
_CASES = 11


class KernelSelftest(unittest.TestCase):

    def totals(self, *options):
        """{pass, fail, skip...: how many} and the names of the heaps."""
        got = subprocess.run(
            [_VM, f"--timeout={_PATIENCE_SECONDS}", "--no-daemon", f"--file={_SELFTEST}", *options,
             "--", os.path.basename(_SELFTEST)], capture_output=True, text=True, check=False)
        print(got.stdout, got.stderr)
        self.assertEqual(got.returncode, 0)
        line = re.search(r"^# Totals: (.*)$", got.stdout, re.MULTILINE)
        totals = {key: int(value) for key, value in
                  (word.split(":") for word in line[1].split())}
        return totals, re.findall(r"^# Testing heap: (\S+)", got.stdout, re.MULTILINE)

    def test_all_cases_pass_on_our_kernel(self):
        totals, heaps = self.totals()
        self.assertEqual(heaps, ["reserved", "system"])
        self.assertEqual(totals["pass"], 2 * _CASES)

    def test_none_fails_on_the_stock_kernel(self):
        totals, heaps = self.totals(f"--kernel={_STOCK_KERNEL}")
        self.assertEqual(heaps, ["system"])
        self.assertEqual(totals["fail"] + totals["error"], 0)
        # Importing needs vgem, which it does not have.
        self.assertGreaterEqual(totals["pass"], _CASES - 2)


if __name__ == "__main__":
    unittest_main.main()
