"""What the names that unittest gives to tests and fixtures consist of."""

from __future__ import annotations


def class_of(test: str) -> str:
    """The class in a test's id."""
    return test.rpartition(".")[0]


def owner_of(fixture: str) -> str:
    """The class or module of a fixture: `shop.CartTests` of `setUpClass (shop.CartTests)`."""
    return fixture.partition("(")[2].rstrip(")") or fixture
