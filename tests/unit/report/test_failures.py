"""A kept failure is shown with its traceback, its lines and what a reader must know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.made_failures import keep, kept_failure, sqlite_databases

from ctest_containers.failures.store import FailureStore
from ctest_containers.report.failures import Line, lines_of, rows_of

NOTE = "The rows of MEMORY tables are missing: cache."


def test_the_failing_line_is_marked_among_those_around_it() -> None:
    lines = list(lines_of(kept_failure(kept_at=1000.0), now=1060.0))

    assert lines[:2] == [
        Line("library.test_it.CartTests.test_total", "test"),
        Line("failed 1 min 0 s ago in run ab12cd34"),
    ]
    at = lines.index(Line("library/test_it.py:12", "place"))
    assert lines[at - 2] == Line("AssertionError: 1 != 2", "headline")
    assert lines[at + 1 :] == [
        Line("  10      def test_total(self):", "context"),
        Line("  11          cart = Cart()", "context"),
        Line("> 12          self.assertEqual(cart.total(), 2)", "marked"),
        Line("  13", "context"),
    ]


def test_without_source_or_traceback_there_is_the_headline() -> None:
    failure = replace(kept_failure(), source=(), text="", revision="0123456789abcdef")

    lines = list(lines_of(failure, now=1000.0))

    assert lines[1] == Line("failed 0.00 s ago in run ab12cd34, at revision 0123456789ab")
    assert lines[-1] == Line("AssertionError: 1 != 2", "headline")


def test_each_note_is_shown_once() -> None:
    databases = replace(sqlite_databases("default"), notes=(NOTE,))

    lines = list(lines_of(kept_failure(databases=(databases, databases))))

    assert lines[-2:] == [Line(""), Line(f"Note: {NOTE}", "note")]


def test_a_long_headline_is_shortened_in_the_table(tmp_path: Path) -> None:
    failure = replace(kept_failure(), headline="ValueError: " + "x" * 100)
    stored = keep(FailureStore(tmp_path), failure)

    ((run, test, headline, age, _),) = rows_of([stored], now=1003.0)

    assert (run, test, age) == ("ab12cd34", failure.test_id, "3.00 s")
    assert headline.endswith("xxx…")
    assert len(headline) == 60
