"""What modules may have used that were imported before anything was noted."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from ctest_containers.usage.model import BASE
from ctest_containers.usage.notes import Notes
from ctest_containers.usage.unwatched import note_unwatched

Noted = tuple[Notes, bool]


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Noted]]:
    """Notes what a module with this text may have used, as if its function `ran` had run."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def note(text: str) -> Noted:
        (tmp_path / "unwatched_shop.py").write_text(dedent(text))
        module = importlib.import_module("unwatched_shop")
        ran = [module.ran.__code__] if hasattr(module, "ran") else []
        notes = Notes(BASE)
        return notes, note_unwatched(notes, ["unwatched_shop"], ran)

    yield note
    sys.modules.pop("unwatched_shop", None)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("import re\nWORD = re.compile('a')\n", False),
        ("def never():\n    return open('a')\n", False),
        ("class A:\n    read_only = True\n", False),
        ("import hypothesis\n", False),
        ("import pathlib\nTEXT = pathlib.Path(__file__).read_text()\n", True),
        ("class A:\n    import os\n    HAS = os.path.exists('a')\n", True),
        ("def ran():\n    return open('a')\n", True),
        ("import hypothesis\nSEED = hypothesis.seed\n", True),
    ],
)
def test_a_module_may_read_files_if_what_ran_in_it_names_something_that_does(
    noted: Callable[[str], Noted], text: str, *, reads: bool
) -> None:
    notes, may_read = noted(text)

    assert may_read is reads
    assert not notes.opaque


def test_names_of_environment_variables_may_consist_of_two_parts(
    noted: Callable[[str], Noted],
) -> None:
    notes, _ = noted("""
        import os

        PREFIX = "SHOP_"

        def ran():
            return os.environ.get(PREFIX + "COLOUR")
    """)

    assert {"COLOUR", "SHOP_COLOUR"} <= notes.variables


def test_modules_that_are_looked_up_by_an_argument_are_those_that_are_loaded(
    noted: Callable[[str], Noted],
) -> None:
    notes, _ = noted("""
        from importlib import import_module

        def ran(name="json"):
            return import_module(name)
    """)

    assert notes.lookups == {"unwatched_shop"}


def test_what_a_program_uses_that_was_started_is_unknown(noted: Callable[[str], Noted]) -> None:
    notes, _ = noted("""
        import subprocess

        def ran():
            return subprocess.run(["git", "describe"])
    """)

    assert notes.opaque == {"unwatched_shop may start a program"}
