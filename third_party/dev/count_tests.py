#!/usr/bin/python3
"""Counts test cases from the runners' own reports, and shows the output of what failed.

usage: count_tests.py run EVENTS COUNTS    after each run of Bazel: adds its counts to the file COUNTS
       count_tests.py total COUNTS         after all: the sum

EVENTS is the file of `bazel test --build_event_json_file`: it names the targets that this run really
ran (or took from the cache), where bazel-testlogs still holds those of other runs, and is written
over by the next. The cases are in each target's test.xml. The sum is the line "N passed, N failed",
with ", N skipped" if there were any; the exit code is 0 only if something passed and nothing failed.
"""

import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

# Of a log, from its end: the summary of a runner stands there. The whole is named beside it.
MAX_LINES_SHOWN = 300

GOOD_STATUSES = ("PASSED", "FLAKY")


class Target:
    """What the events say of one test target in one configuration."""

    def __init__(self):
        self.is_built = True
        self.status = None  # of the summary over all runs
        self.reports = {}  # (run, shard) -> (attempt, {"test.xml": path, "test.log": path})


def path_of(uri):
    return urllib.parse.unquote(urllib.parse.urlparse(uri).path)


def read_targets(events_path):
    """{label: Target} of the test targets, and whether Bazel finished with all being well."""
    targets = {}
    tests = set()
    is_success = False
    with open(events_path, encoding="utf-8") as events:
        for line in events:
            try:
                event = json.loads(line)
            except ValueError:
                break  # Bazel was stopped in the middle of a line: is_success stays false
            if "testResult" in event:
                key = event["id"]["testResult"]
                files = {f["name"]: path_of(f["uri"])
                         for f in event["testResult"].get("testActionOutput", []) if "uri" in f}
                target = targets.setdefault(key["label"], Target())
                where = (key.get("run", 1), key.get("shard", 1))
                attempt = key.get("attempt", 1)
                if attempt >= target.reports.get(where, (0, None))[0]:
                    target.reports[where] = (attempt, files)
            elif "testSummary" in event:
                label = event["id"]["testSummary"]["label"]
                targets.setdefault(label, Target()).status = event["testSummary"]["overallStatus"]
            elif "configured" in event and "testSize" in event["configured"]:
                tests.add(event["id"]["targetConfigured"]["label"])
            elif "completed" in event and not event["completed"].get("success", False):
                label = event["id"]["targetCompleted"]["label"]
                if label in tests:
                    targets.setdefault(label, Target()).is_built = False
            elif "finished" in event:
                is_success = event["finished"].get("exitCode", {}).get("name") in (
                    "SUCCESS", "NO_TESTS_FOUND")
    return targets, is_success


def count_cases(xml_path):
    """(passed, failed, skipped) of a report, None if there is none that can be read."""
    try:
        root = ElementTree.parse(xml_path).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    passed = failed = skipped = 0
    for case in root.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif (case.find("skipped") is not None or case.get("status") == "notrun" or
              case.get("result") in ("skipped", "suppressed")):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def show_log(label, path, out):
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            lines = log.read().splitlines()
    except OSError as error:
        lines = [str(error)]
    if lines and lines[0].startswith("exec ${PAGER"):
        lines = lines[3:]  # Bazel's head, for who calls a log as a script
    print(f"======== {label}: {path}", file=out)
    if len(lines) > MAX_LINES_SHOWN:
        print(f"({len(lines) - MAX_LINES_SHOWN} lines before)", file=out)
        lines = lines[-MAX_LINES_SHOWN:]
    print("\n".join(lines), file=out)


def count_target(label, target, out):
    """(passed, failed, skipped) of a target; shows what it printed if it failed."""
    if not target.is_built:
        print(f"======== {label}: could not be built", file=out)
        return 0, 1, 0
    passed = failed = skipped = 0
    for _, files in target.reports.values():
        cases = count_cases(files.get("test.xml", ""))
        if cases is None:
            print(f"======== {label}: no report that can be read", file=out)
            cases = (0, 1, 0)
        passed, failed, skipped = passed + cases[0], failed + cases[1], skipped + cases[2]
    # All cases were well and then the program failed: a leak found at its end, a crash, a time-out.
    if target.status not in GOOD_STATUSES and failed == 0:
        print(f"======== {label}: {target.status or 'did not run to its end'}, "
              "though its report has no failed case", file=out)
        failed = 1
    if failed:
        for _, files in target.reports.values():
            if "test.log" in files:
                show_log(label, files["test.log"], out)
    return passed, failed, skipped


def count_run(events_path, out):
    """(passed, failed, skipped) of one run of Bazel."""
    if not os.path.exists(events_path):
        print(f"======== Bazel left no events in {events_path}", file=out)
        return 0, 1, 0
    targets, is_success = read_targets(events_path)
    total = (0, 0, 0)
    for label in sorted(targets):
        total = tuple(map(sum, zip(total, count_target(label, targets[label], out))))
    if not is_success and total[1] == 0:
        print("======== Bazel failed before all tests were run", file=out)
        total = (total[0], 1, total[2])
    return total


def add_run(events_path, counts_path, out=sys.stdout):
    with open(counts_path, "a", encoding="utf-8") as counts:
        print(*count_run(events_path, out), file=counts)


def print_total(counts_path, out=sys.stdout):
    """The closing line; returns the exit code."""
    with open(counts_path, encoding="utf-8") as counts:
        runs = [[int(number) for number in line.split()] for line in counts]
    passed, failed, skipped = map(sum, zip(*runs)) if runs else (0, 0, 0)
    if passed + failed == 0:
        print("======== nothing was run, which proves nothing", file=out)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""),
          file=out)
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "run":
        add_run(*sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "total":
        sys.exit(print_total(sys.argv[2]))
    else:
        sys.exit(__doc__)
