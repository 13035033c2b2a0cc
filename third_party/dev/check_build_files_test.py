#!/usr/bin/python3
"""Tests of check_build_files.py."""

import sys
import unittest

sys.dont_write_bytecode = True  # the folder of this script is the source tree
import check_build_files
import unittest_main

GOOD = '''"""About the file."""

load("//a:a.bzl", "a")
load("//a:b.bzl", "b")

package(default_visibility = ["//visibility:public"])

cc_library(
    name = "x",
    testonly = True,
    srcs = ["x.cc"],
    hdrs = ["x.h"],
    copts = ["-w"],
    visibility = ["//a:__pkg__", "//b:__pkg__"],
    deps = [
        ":a_b",
        ":ab",
        "//p:q",
        "//proto",
        "@sys//:absl_status",
    ],
    alwayslink = True,
)
'''


def problems(text, path="x/BUILD.bazel"):
    return check_build_files.check_file(path, text)


class CheckBuildFiles(unittest.TestCase):

    def test_a_file_in_order_has_no_problem(self):
        self.assertEqual(problems(GOOD), [])

    def test_name_is_the_first_attribute(self):
        self.assertEqual(problems('f(\n    srcs = [],\n    name = "a",\n)'),
                         [(3, "name stands before srcs")])

    def test_deps_stand_behind_what_goes_by_the_alphabet(self):
        self.assertEqual(problems('f(name = "a", deps = [], copts = [])'),
                         [(1, "copts stands before deps")])
        self.assertEqual(problems('f(name = "a", visibility = [], copts = [])'),
                         [(1, "copts stands before visibility")])

    def test_labels_are_sorted_by_kind_and_name(self):
        self.assertEqual(problems('f(name = "a", deps = ["//b", ":z"])'),
                         [(1, 'deps: ":z" stands before "//b"')])
        self.assertEqual(problems('f(name = "a", deps = ["@c//:c", "//b"])'),
                         [(1, 'deps: "//b" stands before "@c//:c"')])
        self.assertEqual(problems('f(name = "a", srcs = ["b.cc", "a.cc"])'),
                         [(1, 'srcs: "a.cc" stands before "b.cc"')])

    def test_a_label_is_listed_once(self):
        self.assertEqual(problems('f(name = "a", deps = [":b", ":b"])'),
                         [(1, 'deps: ":b" is listed twice')])

    def test_parts_of_a_sum_and_of_a_select_are_sorted_each(self):
        self.assertEqual(problems('f(name = "a", deps = [":c"] + [":b"])'), [])
        self.assertEqual(
            problems('f(name = "a", deps = [":c"] + select({"x": [":e", ":d"]}))'),
            [(1, 'deps: ":d" stands before ":e"')])

    def test_other_lists_keep_the_order_that_somebody_gave_them(self):
        self.assertEqual(problems('f(name = "a", args = ["b", "a"])'), [])

    def test_loads_stand_first_and_in_order(self):
        self.assertEqual(problems('load("//b:b.bzl", "b")\nload("//a:a.bzl", "a")'),
                         [(2, 'load("//a:a.bzl") stands before load("//b:b.bzl")')])
        self.assertEqual(problems('f(name = "a")\nload("//a:a.bzl", "a")'),
                         [(2, "load() stands above everything else")])

    def test_a_library_is_one_pair_of_header_and_source(self):
        self.assertEqual(problems('cc_library(name = "a", srcs = ["a.cc", "b.cc"])'),
                         [(1, "srcs has 2 files; one cc_library for each pair of header and "
                           "source")])
        self.assertEqual(problems('cc_library(name = "a", srcs = ["a.cc"], hdrs = ["b.h"])'),
                         [(1, "header and source have different names: a and b")])
        self.assertEqual(problems('cc_library(name = "a", srcs = [":gen"], hdrs = ["a.h"])'), [])
        self.assertEqual(problems('cc_binary(name = "a", srcs = ["a.cc", "b.cc"])'), [])

    def test_the_client_may_name_its_public_header_as_it_likes(self):
        text = 'cc_library(name = "a", srcs = ["a.cc"], hdrs = ["b.h"])'
        self.assertEqual(problems(text, "client/BUILD.bazel"), [])

    def test_lists_with_one_label_a_line_are_sorted(self):
        text = ('f(\n    name = "a",\n    deps = [\n        "//b",  # why b\n        ":z",\n'
                '        ":a",\n        ":z",\n    ],\n    args = [\n        "b",\n        "a",\n'
                '    ],\n)\n')
        self.assertEqual(check_build_files.with_sorted_lists(text),
                         'f(\n    name = "a",\n    deps = [\n        ":a",\n        ":z",\n'
                         '        "//b",  # why b\n    ],\n    args = [\n        "b",\n        "a",\n'
                         '    ],\n)\n')

    def test_lists_in_one_line_or_with_comments_between_stay(self):
        for text in (GOOD, 'f(name = "a", deps = ["b", "a"])\n',
                     'f(deps = [\n    "b",\n    # about a\n    "a",\n])\n', 'f(deps = [])\n'):
            self.assertEqual(check_build_files.with_sorted_lists(text), text)

    def test_a_file_that_can_not_be_read_says_where(self):
        (line, what), = problems('f(name = "a")\nf(name = "b"')
        self.assertEqual(line, 2)
        self.assertTrue(what.startswith("can not be read: "), what)


if __name__ == "__main__":
    unittest_main.main()
