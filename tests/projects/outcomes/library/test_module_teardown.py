"""Trouble after all tests of a module."""

from django.test import SimpleTestCase


def tearDownModule():
    raise ValueError("in tearDownModule")


class First(SimpleTestCase):
    """Passes."""

    def test_one(self):
        pass


class Second(SimpleTestCase):
    """Passes."""

    def test_one(self):
        pass
