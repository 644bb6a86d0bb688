"""Trouble in the fixture of a module: two classes, one error."""

from django.test import SimpleTestCase


def setUpModule():
    raise ValueError("in setUpModule")


class First(SimpleTestCase):
    """Never runs."""

    def test_never(self):
        self.fail("not reached")


class Second(SimpleTestCase):
    """Never runs either."""

    def test_never(self):
        self.fail("not reached")
