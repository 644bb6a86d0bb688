"""Classes that may be split and classes that may not; they are never run, nor collected."""

from __future__ import annotations

import django.test


class Long(django.test.SimpleTestCase):
    """Four tests, of which one takes longest."""

    def test_a(self) -> None:
        """Nothing."""

    def test_b(self) -> None:
        """Nothing."""

    def test_c(self) -> None:
        """Nothing."""

    def test_d(self) -> None:
        """Nothing."""


class Short(django.test.SimpleTestCase):
    """One test."""

    def test_it(self) -> None:
        """Nothing."""


class WithItsOwnFixture(Long):
    """What a fixture of its own does, nobody knows."""

    @classmethod
    def setUpClass(cls) -> None:
        """Nothing that anyone could see."""
        super().setUpClass()


class Serialized(django.test.testcases.SerializeMixin, Long):
    """It must not run beside others that have the same file."""

    lockfile = __file__
