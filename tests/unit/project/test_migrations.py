"""Where a project's migrations are found, without importing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctest_containers.project.migrations import MigrationsPackage, find_migrations


def _write(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")


def test_every_file_of_a_migrations_folder_is_found_in_the_order_of_names(
    tmp_path: Path,
) -> None:
    _write(tmp_path, "__init__.py", "0002_b.py", "0001_a.py", "sql/view.sql", "__pycache__/x.pyc")

    paths = [path for path, _ in MigrationsPackage("shop.migrations", tmp_path).files()]

    assert paths == ["0001_a.py", "0002_b.py", "__init__.py", "sql/view.sql"]


def test_a_checkout_below_a_folder_called_pycache_has_migrations(tmp_path: Path) -> None:
    _write(tmp_path / "__pycache__", "0001_a.py")

    package = MigrationsPackage("shop.migrations", tmp_path / "__pycache__")

    assert [path for path, _ in package.files()] == ["0001_a.py"]


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that modules are imported from."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_migrations_are_found_in_the_app(packages: Path) -> None:
    _write(packages, "unit_app_a/__init__.py", "unit_app_a/migrations/__init__.py")

    found = find_migrations("a", "unit_app_a", {})

    folder = packages / "unit_app_a" / "migrations"
    assert found == MigrationsPackage("unit_app_a.migrations", folder)


def test_migrations_are_found_where_the_settings_say(packages: Path) -> None:
    _write(packages, "unit_app_b/__init__.py", "unit_elsewhere/__init__.py")

    found = find_migrations("b", "unit_app_b", {"b": "unit_elsewhere"})

    assert found == MigrationsPackage("unit_elsewhere", packages / "unit_elsewhere")


def test_migrations_are_not_imported_to_be_found(packages: Path) -> None:
    _write(packages, "unit_app_c/__init__.py")
    (packages / "unit_app_c" / "migrations").mkdir()
    (packages / "unit_app_c" / "migrations" / "__init__.py").write_text("1 / 0")

    assert find_migrations("c", "unit_app_c", {}) is not None


@pytest.mark.parametrize(
    ("app", "modules"),
    [
        ("unit_app_d", {"d": None}),
        ("unit_app_d", {}),
        ("unit_app_e", {}),
        ("unit_app_f", {}),
        ("unit_app_missing", {}),
    ],
)
def test_an_app_without_a_package_of_migrations_has_none(
    packages: Path, app: str, modules: dict[str, None]
) -> None:
    """Neither a folder without `__init__.py` nor a module is one, as Django sees it."""
    _write(packages, "unit_app_d/__init__.py")
    _write(packages, "unit_app_e/__init__.py", "unit_app_e/migrations/0001_initial.py")
    _write(packages, "unit_app_f/__init__.py", "unit_app_f/migrations.py")

    assert find_migrations("d", app, modules) is None
