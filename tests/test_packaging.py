"""The wheel carries what an installed toolkit needs, and works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from harness.projects import copy_of

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release would build it."""
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", target, ROOT],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (built,) = target.glob("*.whl")
    return built


def test_the_wheel_carries_the_database_images_and_the_type_marker(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert "ctest_containers/images/postgresql/Dockerfile" in names
    assert "ctest_containers/images/postgresql/postgresql.conf" in names
    assert "ctest_containers/py.typed" in names
    assert [name for name in names if name.startswith(("tests/", "scripts/"))] == []


def test_the_installed_wheel_runs_a_projects_tests(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(installed)
    project = copy_of("outcomes", tmp_path)
    program = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); import ctest_containers; "
        f"assert ctest_containers.__file__.startswith({str(installed)!r}); "
        "from ctest_containers.__main__ import main; sys.exit(main())"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "library.test_outcomes.Writing"],
        cwd=project,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout
    assert "Ran 2 tests" in done.stdout


def test_the_runtime_dependencies_stay_few() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    block = text[text.index("dependencies = [") : text.index("]", text.index("dependencies = ["))]

    assert block.count('"') // 2 <= 9
