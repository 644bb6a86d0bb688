"""The parts of unittest's names of tests and fixtures."""

from __future__ import annotations


def class_of(test: str) -> str:
    """Return the class in a test's id; in pytest's, it may be the file."""
    if "::" in test:
        return test.partition("[")[0].rpartition("::")[0]
    return test.rpartition(".")[0]


def owner_of(fixture: str) -> str:
    """Return the class or module of a fixture: `shop.Tests` of `setUpClass (shop.Tests)`."""
    return fixture.partition("(")[2].rstrip(")") or fixture
