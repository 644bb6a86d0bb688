"""Shows the SQL of runs on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ctest_containers.report.sql.comparing import SqlComparison, UnitChange
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.report.sql.words import (
    abridged,
    headlines,
    milliseconds,
    places_of,
    queries,
    repeated_statements,
    run_name,
    slowest_statements,
    unit_name,
)
from ctest_containers.text import plural, without_controls
from ctest_containers.usage.model import TEST

if TYPE_CHECKING:
    from rich.text import Text

SHOWN: Final = 10
"""How many rows of a kind are shown; JSON and the page have more."""

SHOWN_STATEMENTS: Final = 5
"""How many statements of a test are shown in a comparison."""

PLAIN_WIDTH: Final = 160
"""The width of lines that are not written to a terminal."""

Part = tuple[str, str]
"""A text and its style."""


def show(
    record: SqlRecord, comparison: SqlComparison | None = None, *, units: Sequence[str] = ()
) -> None:
    """Print what a run sent; on a terminal, in lines that fit its width.

    Args:
        comparison: The run against another, to print that instead.
        units: The tests and set-up to print all statements of, instead.
    """
    from rich.console import Console

    console = Console(highlight=False, emoji=False, markup=False)
    columns = console.width if console.is_terminal else PLAIN_WIDTH
    if comparison is not None:
        lines = comparison_lines(comparison, columns)
    elif units:
        lines = unit_lines(record, units, columns)
    else:
        lines = run_lines(record, columns)
    for line in lines:
        if console.is_terminal:
            line.truncate(columns, overflow="ellipsis")
        console.print(line, soft_wrap=True)


def run_lines(record: SqlRecord, columns: int) -> Iterator[Text]:
    """The repeated statements, the tests with most statements, and the slowest statements."""
    yield _line((f"SQL of {run_name(record)}", "bold"))
    for headline in headlines(record):
        yield _line((headline, ""))
    if repeated := repeated_statements(record):
        yield from _title("Sent repeatedly by one line")
        for row in repeated[:SHOWN]:
            others = f" and {row.others} more" if row.others else ""
            yield _line((f"{row.count:>6} x ", "yellow"), (abridged(row.text, columns - 9), ""))
            yield _line(("         at ", "dim"), (row.place, "cyan"))
            yield _line(("         in ", "dim"), (unit_name(row.unit) + others, ""))
        yield from _more(repeated)
    for title, units in (
        ("Tests with the most queries", [TEST + test for test in record.tests]),
        ("Set-up with the most queries", record.set_up),
    ):
        sending = [unit for unit in units if record.totals[unit][0]]
        most = sorted(sending, key=lambda unit: (-record.totals[unit][0], unit))
        if most:
            yield from _title(title)
            for unit in most[:SHOWN]:
                count, seconds = record.totals[unit]
                name = unit.removeprefix(TEST)
                yield _line(
                    (f"{count:>6}", "bold"), (f"  {milliseconds(seconds):>8}  ", "dim"), (name, "")
                )
            yield from _more(most)
    slowest = slowest_statements(record)
    if slowest:
        yield from _title("Statements that took longest, in all tests together")
    for seconds, count, text in slowest[:SHOWN]:
        numbers = f"{count:>6} x {milliseconds(seconds):>8}  "
        yield _line((numbers, "dim"), (abridged(text, columns - len(numbers)), ""))
    yield from _more(slowest)


def unit_lines(record: SqlRecord, units: Sequence[str], columns: int) -> Iterator[Text]:
    """All statements of some tests and of their set-up."""
    for unit in units:
        count, seconds = record.totals[unit]
        yield _line(
            (unit_name(unit), "bold"),
            (f": {queries(count)}, {milliseconds(seconds)}", ""),
        )
        for sent in record.statements(unit):
            numbers = f"{sent.count:>6} x {milliseconds(sent.seconds):>8}  "
            yield _line((numbers, ""), (abridged(sent.text, columns - len(numbers)), ""))
            touched = record.touched(sent)
            tables = [*sorted(touched.read - touched.written), *sorted(touched.written)]
            words = ["writes" if table in touched.written else "reads" for table in tables]
            for place, times in places_of(sent):
                style = "yellow" if record.is_repeated(sent, times) else "dim"
                often = f" ({times} x, repeated)" if style == "yellow" else f" ({times} x)"
                yield _line((" " * 19, ""), (place, "cyan"), (often if times > 1 else "", style))
            if tables:
                listed = ", ".join(
                    f"{word} {table}" for word, table in zip(words, tables, strict=True)
                )
                yield _line((" " * 19 + listed, "dim"))
        yield _line()


def comparison_lines(comparison: SqlComparison, columns: int) -> Iterator[Text]:
    """What a run sends that an earlier one did not."""
    before, after = comparison.before, comparison.after
    yield _line((f"SQL of {run_name(after)}", "bold"))
    yield _line((f"against {run_name(before)}", "bold"))
    if comparison.grown:
        sentence = f"{plural(len(comparison.grown), 'test')} or set-ups send more queries."
        yield _line((sentence, "yellow"))
    else:
        yield _line(("No test sends more queries.", "green"))
    yield from _title("Lines that send more", comparison.grown)
    for added, units in comparison.lines[:SHOWN] if comparison.grown else ():
        often = f"{added.count:>6} x "
        yield _line((often, "yellow"), (abridged(added.text, columns - len(often)), ""))
        mark = ", repeated" if added.is_repeated else ""
        place = added.place or "an unknown line"
        yield _line(
            ("         at ", "dim"), (place, "cyan"), (f" in {plural(units, 'test')}{mark}", "dim")
        )
    yield from _more(comparison.lines)
    yield from _title("Tests that send more", comparison.grown)
    for change in comparison.grown[:SHOWN]:
        yield from _change(change, columns)
    yield from _more(comparison.grown)
    yield from _counts(comparison)


def _change(change: UnitChange, columns: int) -> Iterator[Text]:
    yield _line(
        (unit_name(change.unit), ""),
        (f": {change.before} -> {change.after} queries", "bold"),
    )
    for added in change.added[:SHOWN_STATEMENTS]:
        often = f"{added.count:>6} x "
        where = f" at {added.place}" if added.place else ""
        mark = ", repeated" if added.is_repeated else ""
        room = max(24, columns - len(often) - len(where) - len(mark))
        yield _line(
            (often, "yellow"), (abridged(added.text, room), ""), (where, "cyan"), (mark, "yellow")
        )
    yield from _more(change.added, SHOWN_STATEMENTS)


def _counts(comparison: SqlComparison) -> Iterator[Text]:
    """How many tests send fewer statements, are new, and are gone."""
    rows = []
    if comparison.shrunk:
        rows.append(f"{plural(comparison.shrunk, 'test')} or set-ups send fewer queries.")
    same = len(comparison.changed) - comparison.shrunk
    if same:
        rows.append(f"{plural(same, 'test')} or set-ups send other statements, but as many.")
    for units, word in ((comparison.new, "new"), (comparison.gone, "gone")):
        tests = [unit for unit in units if unit.startswith(TEST)]
        if tests:
            verb = "is" if len(tests) == 1 else "are"
            sent = queries(sum(units.values()))
            rows.append(f"{plural(len(tests), 'test')} {verb} {word}, with {sent}.")
    if rows:
        yield _line()
    for row in rows:
        yield _line((row, ""))


def _title(text: str, rows: Sequence[object] = (None,)) -> Iterator[Text]:
    if rows:
        yield _line()
        yield _line((text, "bold"))


def _more(rows: Sequence[object], shown: int = SHOWN) -> Iterator[Text]:
    if len(rows) > shown:
        yield _line((f"         and {len(rows) - shown} more", "dim"))


def _line(*parts: Part) -> Text:
    from rich.text import Text

    return Text.assemble(*((without_controls(text), style) for text, style in parts))
