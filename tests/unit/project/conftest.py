"""What tests of a project's settings and schema share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from unit.checkout import Checkout, Interpreter


@pytest.fixture(scope="session", autouse=True)
def interpreter() -> Iterator[Interpreter]:
    """Loads each project in a process of its own; started before any test looks around."""
    loaded = Interpreter()
    yield loaded
    loaded.close()


@pytest.fixture
def make_checkout(tmp_path: Path, interpreter: Interpreter) -> Callable[[str], Checkout]:
    """Makes the same project in any folder."""

    def make(folder: str) -> Checkout:
        return Checkout.make(tmp_path / folder, interpreter)

    return make


@pytest.fixture
def checkout(make_checkout: Callable[[str], Checkout]) -> Checkout:
    """A project with a PostgreSQL database `default` and an SQLite database `other`."""
    return make_checkout("another/place")
