#!/usr/bin/python3
"""Tests of check_config.py: what Kconfig made of a fragment."""

import os
import sys
import unittest

sys.dont_write_bytecode = True  # the folder of this script is the source tree
sys.path.append(os.path.join(os.getcwd(), "third_party/dev"))
import check_config
import unittest_main


def problems(fragment, config):
    return check_config.compare(fragment.splitlines(), config.splitlines())


class CheckConfig(unittest.TestCase):

    def test_finds_nothing_where_all_is_as_asked(self):
        fragment = '# why\nCONFIG_CMA=y\nCONFIG_LSM="landlock,selinux"\nCONFIG_HZ=250\nCONFIG_VT=n\n'
        config = ('CONFIG_CMA=y\nCONFIG_LSM="landlock,selinux"\nCONFIG_HZ=250\n'
                  '# CONFIG_VT is not set\nCONFIG_MORE=y\n')
        self.assertEqual(problems(fragment, config), [])

    def test_takes_an_option_without_a_line_for_off(self):
        self.assertEqual(problems("CONFIG_VT=n\n", "CONFIG_CMA=y\n"), [])

    def test_names_an_option_that_was_dropped(self):
        self.assertEqual(problems("CONFIG_CMA=y\n", "# CONFIG_CMA is not set\n"),
                         ["CONFIG_CMA=y did not stick: it is n"])
        self.assertEqual(problems("CONFIG_CMA=y\n", ""), ["CONFIG_CMA=y did not stick: it is n"])

    def test_names_an_option_that_was_selected_against_the_wish(self):
        self.assertEqual(problems("CONFIG_VT=n\n", "CONFIG_VT=y\n"),
                         ["CONFIG_VT=n did not stick: it is y"])

    def test_names_an_option_of_another_value(self):
        self.assertEqual(problems("CONFIG_CMA_AREAS=7\n", "CONFIG_CMA_AREAS=20\n"),
                         ["CONFIG_CMA_AREAS=7 did not stick: it is 20"])

    def test_does_not_take_a_longer_name_for_the_option(self):
        self.assertEqual(problems("CONFIG_CMA=y\n", "CONFIG_CMA_SYSFS=y\n"),
                         ["CONFIG_CMA=y did not stick: it is n"])

    def test_names_an_option_that_is_asked_for_in_two_ways(self):
        self.assertEqual(problems("CONFIG_VT=n\nCONFIG_VT=y\n", "# CONFIG_VT is not set\n"),
                         ["CONFIG_VT is asked for as n and as y"])


if __name__ == "__main__":
    unittest_main.main()
