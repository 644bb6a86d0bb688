"""A plugin for pytest: each process with tests has a PostgresContainer, which it migrates."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.bench.testcontainers_server import container


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """What pytest-django calls before it makes the databases."""
    from django.db import connections

    with container() as entries:
        connections["default"].settings_dict.update(entries)
        yield
