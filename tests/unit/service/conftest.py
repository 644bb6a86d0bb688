"""A cache folder of their own for tests of services, and a service in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.service.made_services import PROJECT, sqlite_recipe

from ctest_containers.service import Recipe, ServiceFile, service_file, services, take_down


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceFile]:
    """Where the service is kept that a test may start; the machine has no Docker."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    yield service_file(PROJECT)
    for one in services():
        list(take_down(one))


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """What its slots are made from."""
    return sqlite_recipe(tmp_path / "template")
