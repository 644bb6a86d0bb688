"""A module that skips itself, and one error after its tests."""

import unittest

from django.test import SimpleTestCase


def setUpModule():
    raise unittest.SkipTest("in setUpModule")


class First(SimpleTestCase):
    """Skipped with its module."""

    def test_never(self):
        self.fail("not reached")


class Second(SimpleTestCase):
    """Skipped with its module."""

    def test_never(self):
        self.fail("not reached")
