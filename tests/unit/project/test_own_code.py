"""Of a project's own code, what is used is read, and none of it is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctest_containers.project.own_code import OwnCode

SEED = """
import json
from own_app.rows import ROWS

SIZE = 3
NAMES = ["a"]
NAMES.append("b")

def helper():
    return SIZE

@staticmethod
def fill(apps, editor):
    for row in ROWS:
        helper()

def other():
    return NAMES

class Status:
    size = SIZE

if True:
    chosen = 1
else:
    chosen = other

1 / 0
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that would raise if it were imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in {
        "__init__": "1 / 0\nVERSION = 1\n",
        "seed": SEED,
        "rows": "ROWS = [1]\nMORE = [2]\n",
        "models/__init__": "from .status import Status\nfrom .more import *\nfrom . import sub\n",
        "models/status": "class Status:\n    pass\n\nclass Unused:\n    pass\n",
        "models/more": "class More:\n    pass\n\nclass Unused:\n    pass\n",
        "models/other": "",
        "models/sub": "X = 1\n",
        "spaced/inner": "Y = 1\n",
        "broken": "def (\n",
    }.items():
        file = tmp_path / "own_app" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
    yield tmp_path / "own_app"
    assert not [name for name in sys.modules if name.startswith("own_app")]


def texts(*names: str) -> dict[str, list[str]]:
    """The lines that are read, by modules."""
    found = OwnCode().texts(names)
    return {name: text.decode().split("\n")[:-1] for name, text in found.items()}


def test_of_a_function_its_lines_are_read_and_those_of_what_it_names_in_its_module() -> None:
    assert texts("own_app.seed.fill") == {
        "own_app.seed": [
            "from own_app.rows import ROWS",
            "SIZE = 3",
            "def helper():",
            "    return SIZE",
            "@staticmethod",
            "def fill(apps, editor):",
            "    for row in ROWS:",
            "        helper()",
        ]
    }


def test_what_changes_a_value_is_read_with_it() -> None:
    assert texts("own_app.seed.NAMES") == {"own_app.seed": ['NAMES = ["a"]', 'NAMES.append("b")']}


def test_what_is_defined_in_a_branch_is_read_with_the_whole_of_it() -> None:
    (lines,) = texts("own_app.seed.chosen").values()

    assert lines[-4:] == ["if True:", "    chosen = 1", "else:", "    chosen = other"]
    assert "def other():" in lines


@pytest.mark.parametrize("name", ["own_app.seed", "own_app.seed.nowhere", "own_app.seed.<lambda>"])
def test_all_of_a_module_is_read_where_it_is_not_known_what_of_it_is_used(name: str) -> None:
    (lines,) = texts(name).values()

    assert "\n".join(lines) == SEED.rstrip("\n")


def test_what_a_package_passes_on_is_read_where_it_comes_from() -> None:
    assert texts("own_app.models.Status.NEW", "own_app.models.More") == {
        # What comes with a star has no name there.
        "own_app.models": (
            ["from .status import Status", "from .more import *", "from . import sub"]
        ),
        "own_app.models.more": ["class More:", "    pass"],
        "own_app.models.status": ["class Status:", "    pass"],
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("own_app.models.sub.X", {"own_app.models.sub": ["X = 1"]}),
        ("own_app.spaced.inner.Y", {"own_app.spaced.inner": ["Y = 1"]}),
        ("own_app.VERSION", {"own_app": ["VERSION = 1"]}),
        ("own_app.broken.fill", {"own_app.broken": ["def ("]}),
        ("own_app.models.sub", {"own_app.models.sub": ["X = 1"]}),
    ],
)
def test_a_module_is_found_in_any_kind_of_package(name: str, found: dict[str, list[str]]) -> None:
    assert texts(name) == found


@pytest.mark.parametrize(
    "name",
    [
        *("django.db.models", "ctest_containers.limits", "json.loads", "os.path.join", "sys.path"),
        *("", ".", "nowhere.at_all", "__main__.x", "<lambda>", "builtins.print", "None.x"),
    ],
)
def test_python_and_django_have_no_code_of_the_project_s_own(name: str) -> None:
    assert texts(name) == {}


def test_what_is_installed_beside_the_project_counts_as_its_own() -> None:
    assert list(texts("pytest_timeout.pytest_addoption")) == ["pytest_timeout"]


def test_an_edit_beside_what_is_used_changes_nothing(folder: Path) -> None:
    before = OwnCode().texts(["own_app.seed.fill"])
    (folder / "seed.py").write_text("# A comment.\n" + SEED + "\ndef new():\n    pass\n")

    assert OwnCode().texts(["own_app.seed.fill"]) == before


ANY_LINES = st.lists(
    st.sampled_from([*SEED.splitlines(), "try:", "  pass", "SIZE += 1", "ROWS[0].x = 1", "\f", "("])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY_LINES, st.sets(st.sampled_from(["fill", "helper", "SIZE", "ROWS", "nowhere"])))
def test_of_any_module_lines_are_read_in_their_order(
    folder: Path, lines: list[str], names: set[str]
) -> None:
    file = folder / "any_lines.py"
    file.write_text("\n".join(lines))

    found = OwnCode().texts(f"own_app.any_lines.{name}" for name in names)

    left = iter(file.read_bytes().splitlines(keepends=True))
    assert found.keys() <= {"own_app.any_lines", "own_app.rows"}
    assert all(
        line in left for line in found.get("own_app.any_lines", b"").splitlines(keepends=True)
    )
