#!/usr/bin/python3
"""Checks that a kernel's configuration is what was asked for.

usage: check_config.py FRAGMENT CONFIG

Kconfig drops an option in silence when what it depends on is not there. Prints each option of
FRAGMENT that CONFIG has otherwise; the exit code is 1 if there is one.
"""

import re
import sys

OPTION = re.compile(r"(CONFIG_[A-Za-z0-9_]+)=(.*)")
UNSET = re.compile(r"# (CONFIG_[A-Za-z0-9_]+) is not set")


def read_options(lines):
    """Yields (name, value) of each line that sets an option; n is how `is not set` is meant."""
    for line in lines:
        if match := OPTION.fullmatch(line.strip()):
            yield match.groups()
        elif match := UNSET.fullmatch(line.strip()):
            yield match[1], "n"


def compare(fragment, config):
    """The lines to print."""
    wanted = {}
    got = dict(read_options(config))
    problems = []
    for name, value in read_options(fragment):
        if wanted.setdefault(name, value) != value:
            problems.append(f"{name} is asked for as {wanted[name]} and as {value}")
    for name, value in wanted.items():
        # An option whose menu is not there has no line at all.
        if (is_value := got.get(name, "n")) != value:
            problems.append(f"{name}={value} did not stick: it is {is_value}")
    return problems


def main(fragment_path, config_path):
    with open(fragment_path, encoding="utf-8") as fragment:
        with open(config_path, encoding="utf-8") as config:
            problems = compare(fragment, config)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
