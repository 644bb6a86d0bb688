"""SQLite's own shell where neither its program nor a new Python is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.made_failures import write_database

from ctest_containers.cli import database_client as client


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets lines be typed; what is an exception is raised instead, and at last the input ends."""

    def arrange(*lines: str | BaseException) -> None:
        left = iter([*lines, EOFError()])

        def read(prompt: str) -> str:
            del prompt
            line = next(left)
            if isinstance(line, BaseException):
                raise line
            return line

        monkeypatch.setattr("builtins.input", read)

    return arrange


def test_statements_run_when_they_are_complete(
    typed: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_database(tmp_path / "db", "Ann", "Bob")
    typed("SELECT name, NULL, id", "FROM library_author;", "", "DELETE FROM library_author;")

    assert client._converse(tmp_path / "db") == 0

    assert capsys.readouterr().out == "Ann||1\nBob||2\n\n"


def test_a_mistake_and_ctrl_c_do_not_end_it(
    typed: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_database(tmp_path / "db", "Ann")
    typed("SELEKT;", "SELECT (", KeyboardInterrupt(), "SELECT 1;")

    assert client._converse(tmp_path / "db") == 0

    assert capsys.readouterr().out == 'Error: near "SELEKT": syntax error\n\n1\n\n'
