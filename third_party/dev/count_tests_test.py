#!/usr/bin/python3
"""Tests of count_tests.py: events and reports as Bazel and the runners write them."""

import io
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the folder of this script is the source tree
import count_tests
import unittest_main

GTEST = """<?xml version="1.0"?>
<testsuites tests="4" failures="1" disabled="1" errors="0">
  <testsuite name="A" tests="4" failures="1" disabled="1" skipped="1" errors="0">
    <testcase name="good" status="run" result="completed" />
    <testcase name="bad" status="run" result="completed">
      <failure message="one"></failure><failure message="two"></failure>
    </testcase>
    <testcase name="off" status="notrun" result="suppressed" />
    <testcase name="skip" status="run" result="skipped"><skipped message="no"/></testcase>
  </testsuite>
</testsuites>"""
ONE_GOOD = '<testsuites><testsuite><testcase name="a" status="run"/></testsuite></testsuites>'
CRASHED = ('<testsuites><testsuite><testcase name="a" status="run">'
           '<error message="exited with error code 134"/></testcase></testsuite></testsuites>')
EMPTY = '<testsuites tests="0"></testsuites>'


class CountTests(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.events = []
        self.files = 0

    def file(self, text):
        self.files += 1
        path = os.path.join(self.folder.name, f"file {self.files}")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def configured(self, label):
        self.events.append({"id": {"targetConfigured": {"label": label}},
                            "configured": {"targetKind": "cc_test rule", "testSize": "SMALL"}})

    def result(self, label, xml=None, log="the log", **key):
        outputs = [{"name": "test.log", "uri": "file://" + self.file(log).replace(" ", "%20")}]
        if xml is not None:
            outputs.append({"name": "test.xml",
                            "uri": "file://" + self.file(xml).replace(" ", "%20")})
        self.events.append({"id": {"testResult": {"label": label, **key}},
                            "testResult": {"testActionOutput": outputs}})

    def summary(self, label, status):
        self.events.append({"id": {"testSummary": {"label": label}},
                            "testSummary": {"overallStatus": status}})

    def finished(self, name):
        self.events.append({"id": {"buildFinished": {}}, "finished": {"exitCode": {"name": name}}})

    def write(self):
        path = self.file("".join(json.dumps(event) + "\n" for event in self.events))
        self.events = []
        return path

    def count(self, *paths):
        out = io.StringIO()
        counts = self.file("")
        for path in paths or [self.write()]:
            count_tests.add_run(path, counts, out)
        code = count_tests.print_total(counts, out)
        lines = out.getvalue().splitlines()
        return code, lines[-1], "\n".join(lines[:-1])

    def test_cases_are_counted_not_targets_nor_failures_of_a_case(self):
        self.result("//:a", GTEST)
        self.summary("//:a", "FAILED")
        self.finished("TESTS_FAILED")
        code, line, shown = self.count()
        self.assertEqual((code, line), (1, "1 passed, 1 failed, 2 skipped"))
        self.assertIn("the log", shown)

    def test_all_well_is_quiet_and_exits_with_0(self):
        self.result("//:a", ONE_GOOD)
        self.summary("//:a", "PASSED")
        self.finished("SUCCESS")
        self.assertEqual(self.count(), (0, "1 passed, 0 failed", ""))

    def test_a_target_without_a_report_is_one_failure(self):
        self.result("//:a")
        self.summary("//:a", "FAILED")
        self.finished("TESTS_FAILED")
        self.assertEqual(self.count()[:2], (1, "0 passed, 1 failed"))

    def test_a_report_that_was_cut_off_is_one_failure(self):
        self.result("//:a", ONE_GOOD[:40])
        self.summary("//:a", "FAILED")
        self.finished("TESTS_FAILED")
        self.assertEqual(self.count()[:2], (1, "0 passed, 1 failed"))

    def test_a_crash_that_bazel_reported_is_one_failure(self):
        self.result("//:a", CRASHED)
        self.summary("//:a", "FAILED")
        self.finished("TESTS_FAILED")
        self.assertEqual(self.count()[:2], (1, "0 passed, 1 failed"))

    def test_a_program_that_fails_after_its_last_case_is_a_failure(self):
        self.result("//:a", ONE_GOOD)
        self.summary("//:a", "FAILED")
        self.finished("TESTS_FAILED")
        code, line, shown = self.count()
        self.assertEqual((code, line), (1, "1 passed, 1 failed"))
        self.assertIn("though its report has no failed case", shown)

    def test_a_target_that_was_stopped_before_its_summary_is_a_failure(self):
        self.result("//:a", ONE_GOOD)
        self.assertEqual(self.count()[:2], (1, "1 passed, 1 failed"))

    def test_the_last_attempt_counts(self):
        self.result("//:a", CRASHED, run=1, shard=1, attempt=1)
        self.result("//:a", ONE_GOOD, run=1, shard=1, attempt=2)
        self.summary("//:a", "FLAKY")
        self.finished("SUCCESS")
        self.assertEqual(self.count()[:2], (0, "1 passed, 0 failed"))

    def test_every_shard_counts(self):
        self.result("//:a", ONE_GOOD, shard=1)
        self.result("//:a", ONE_GOOD, shard=2)
        self.summary("//:a", "PASSED")
        self.finished("SUCCESS")
        self.assertEqual(self.count()[:2], (0, "2 passed, 0 failed"))

    def test_a_test_that_can_not_be_built_is_a_failure(self):
        self.configured("//:a")
        self.events.append({"id": {"targetCompleted": {"label": "//:a"}}, "completed": {}})
        self.finished("BUILD_FAILURE")
        self.assertEqual(self.count(), (1, "0 passed, 1 failed",
                                        "======== //:a: could not be built"))

    def test_a_library_that_can_not_be_built_is_a_failure_of_the_run(self):
        self.result("//:a", ONE_GOOD)
        self.summary("//:a", "PASSED")
        self.events.append({"id": {"targetCompleted": {"label": "//:lib"}}, "completed": {}})
        self.finished("BUILD_FAILURE")
        self.assertEqual(self.count()[:2], (1, "1 passed, 1 failed"))

    def test_nothing_run_is_no_success(self):
        self.finished("NO_TESTS_FOUND")
        code, line, shown = self.count()
        self.assertEqual((code, line), (1, "0 passed, 0 failed"))
        self.assertIn("nothing was run", shown)

    def test_a_filter_that_matches_no_case_is_no_success(self):
        self.result("//:a", EMPTY)
        self.summary("//:a", "PASSED")
        self.finished("SUCCESS")
        self.assertEqual(self.count()[:2], (1, "0 passed, 0 failed"))

    def test_only_skipped_is_no_success(self):
        self.result("//:a", '<testsuites><testsuite><testcase name="a" status="run" '
                    'result="skipped"><skipped/></testcase></testsuite></testsuites>')
        self.summary("//:a", "PASSED")
        self.finished("SUCCESS")
        self.assertEqual(self.count()[:2], (1, "0 passed, 0 failed, 1 skipped"))

    def test_runs_are_added_up_and_one_of_them_may_have_no_tests(self):
        self.result("//:a", ONE_GOOD)
        self.summary("//:a", "PASSED")
        self.finished("SUCCESS")
        first = self.write()
        self.finished("NO_TESTS_FOUND")
        second = self.write()
        self.assertEqual(self.count(first, second, first)[:2], (0, "2 passed, 0 failed"))

    def test_no_run_at_all_is_no_success(self):
        out = io.StringIO()
        self.assertEqual(count_tests.print_total(self.file(""), out), 1)
        self.assertTrue(out.getvalue().endswith("\n0 passed, 0 failed\n"))

    def test_a_bazel_that_left_nothing_is_a_failure(self):
        self.assertEqual(self.count(self.folder.name + "/none")[:2], (1, "0 passed, 1 failed"))

    def test_events_that_end_in_the_middle_of_a_line_are_a_failure(self):
        path = self.file('{"id": {"buildFinished": {}}, "finished": {"exitC')
        self.assertEqual(self.count(path)[:2], (1, "0 passed, 1 failed"))

    def test_the_head_that_bazel_gives_a_log_is_left_out(self):
        self.result("//:a", CRASHED, log="exec ${PAGER:-less} \"$0\" || exit 1\nExecuting\n---\nmine")
        self.summary("//:a", "FAILED")
        self.finished("TESTS_FAILED")
        self.assertEqual(self.count()[2].splitlines()[1:], ["mine"])

    def test_a_long_log_is_cut_at_its_start(self):
        self.result("//:a", CRASHED, log="\n".join(f"line {i}" for i in range(1000)))
        self.summary("//:a", "FAILED")
        self.finished("TESTS_FAILED")
        shown = self.count()[2]
        self.assertIn("(700 lines before)\nline 700\n", shown)
        self.assertNotIn("line 699", shown)
        self.assertIn("line 999", shown)


if __name__ == "__main__":
    unittest_main.main()
