"""Projects whose tests run as Django runs them, and with the toolkit, and have to end alike."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from harness.projects import Finished, assert_agree, django, toolkit

Env = dict[str, str]

OTHER = """
    DATABASES["other"] = {
        "ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).with_name("other.sqlite3")
    }
"""


def add(project: Path, name: str, body: str) -> None:
    """Add lines to a file of a project, which need not be there."""
    file = project / name
    file.parent.mkdir(parents=True, exist_ok=True)
    text = file.read_text() if file.exists() else ""
    file.write_text(text + "\n" + dedent(body))


def both_ways(project: Path, env: Env, tmp_path: Path) -> tuple[Finished, list[str], list[str]]:
    """Run the tests as Django does and with the toolkit: all pass, both times.

    Also gives what they witnessed with Django, and with the toolkit.
    """
    record, witness = tmp_path / "record.json", tmp_path / "witness"
    env = {**env, "WITNESS": str(witness)}

    expected = django(project, env=env, record=record)
    with_django = _taken(witness)
    done = toolkit(project, "-v", "2", "--parallel", "1", env=env, record=record)

    assert expected.code == 0, expected.output
    assert_agree(expected, done)
    return done, with_django, _taken(witness)


def _taken(witness: Path) -> list[str]:
    """The lines of a file, which is removed."""
    if not witness.exists():
        return []
    lines = witness.read_text().splitlines()
    witness.unlink()
    return lines


def left(reason: str, alias: str = "default") -> str:
    return f"{alias!r} is reset by Django's flush, at least in part: {reason}."
