"""Trouble in the fixtures of classes."""

import unittest

from django.test import SimpleTestCase, TestCase

from library.models import Author
from library.tests_support import UnpicklableError


class SetUpClassError(SimpleTestCase):
    """None of its tests runs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        raise UnpicklableError("in", "setUpClass")

    def test_never(self):
        self.fail("not reached")


class SetUpClassSkip(SimpleTestCase):
    """All of its tests are skipped."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        raise unittest.SkipTest("in setUpClass")

    def test_never(self):
        self.fail("not reached")

    def test_never_either(self):
        self.fail("not reached")


class SetUpTestDataError(TestCase):
    """None of its tests runs."""

    @classmethod
    def setUpTestData(cls):
        Author.objects.create(name="same")
        Author.objects.create(name="same")

    def test_never(self):
        self.fail("not reached")


class TearDownClassError(SimpleTestCase):
    """Its tests pass; then there is an error."""

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        raise ValueError("in tearDownClass")

    def test_one(self):
        pass


class ClassCleanupError(SimpleTestCase):
    """Its tests pass; then a cleanup fails."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls.clean_up)

    @classmethod
    def clean_up(cls):
        raise ValueError("in a class cleanup")

    def test_one(self):
        pass
