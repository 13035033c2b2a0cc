"""unittest.main() that also writes the report that Bazel asks for, case by case.

A test is an executable script with `#!/usr/bin/python3` and a sh_test (the launcher of Bazel 4's
py_test asks for a `python`, which Debian does not have). TESTBRIDGE_TEST_ONLY, which is Bazel's
--test_filter, is understood as a part of the case's name.
"""

import os
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree


class _Result(unittest.TextTestResult):

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cases = []  # (test, seconds, [(tag, text)])
        self._start = 0.0
        self._marks = []

    def startTest(self, test):
        super().startTest(test)
        self._start, self._marks = time.monotonic(), []

    def stopTest(self, test):
        super().stopTest(test)
        self.cases.append((test, time.monotonic() - self._start, self._marks))

    def _mark(self, test, tag, text):
        self._marks.append((tag, text))
        if isinstance(test, unittest.suite._ErrorHolder):  # a setUpClass: no case was started
            self.cases.append((test, 0.0, [(tag, text)]))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._mark(test, "failure", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._mark(test, "error", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._mark(test, "failure", self._exc_info_to_string(err, subtest))

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._mark(test, "failure", "unexpected success")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._mark(test, "skipped", reason)


def _printable(text):
    """XML 1.0 has no place for most control characters."""
    return "".join(c if c in "\t\n" or c >= " " else "?" for c in text)


def write_report(cases, path):
    suite = ElementTree.Element("testsuite", name=os.path.basename(sys.argv[0]),
                                tests=str(len(cases)))
    for test, seconds, marks in cases:
        case = ElementTree.SubElement(suite, "testcase", name=_printable(test.id()),
                                      time=f"{seconds:.3f}")
        for tag, text in marks:
            ElementTree.SubElement(case, tag, message=_printable(text))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def main():
    loader = unittest.TestLoader()
    if os.environ.get("TESTBRIDGE_TEST_ONLY"):
        loader.testNamePatterns = [f"*{os.environ['TESTBRIDGE_TEST_ONLY']}*"]
    suite = loader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(resultclass=_Result, verbosity=2).run(suite)
    if os.environ.get("XML_OUTPUT_FILE"):
        write_report(result.cases, os.environ["XML_OUTPUT_FILE"])
    sys.exit(0 if result.wasSuccessful() else 1)
