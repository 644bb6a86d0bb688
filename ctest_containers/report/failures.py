"""Shows kept failures to a person: as a table, or one with its traceback and the failing lines."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ctest_containers.failures.model import KeptFailure
from ctest_containers.failures.store import Stored
from ctest_containers.rows import DatabaseDifference
from ctest_containers.text import shortened, size, span, without_controls

HEADERS: Final = ("run", "test", "error", "age", "size")

LEAST_HEADLINE: Final = 16
LONGEST_HEADLINE: Final = 60
"""How much a table shows of the first line of an error."""

STYLES: Final = {
    "test": "bold",
    "headline": "bold red",
    "place": "cyan",
    "marked": "bold red",
    "context": "dim",
    "note": "yellow",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line for a person, with its kind, which decides its colour."""

    text: str
    kind: str = ""


def rows_of(failures: Iterable[Stored], now: float | None = None) -> list[tuple[str, ...]]:
    """Return the columns of `HEADERS` for each failure."""
    moment = time.time() if now is None else now
    return [
        (
            stored.failure.run,
            stored.failure.test_id,
            shortened(stored.failure.headline, LONGEST_HEADLINE),
            span(max(0.0, moment - stored.failure.kept_at)),
            size(stored.size),
        )
        for stored in failures
    ]


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table for a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    widths = [max(map(len, column)) + 2 for column in zip(HEADERS, *rows, strict=True)]
    error = HEADERS.index("error")
    room = console.width - sum(widths) + widths[error]
    for header in HEADERS:
        table.add_column(
            header,
            justify="right" if header in {"age", "size"} else "left",
            no_wrap=header != "test",
            overflow="ellipsis" if header == "error" else "fold",
            max_width=max(LEAST_HEADLINE, room) if header == "error" else None,
        )
    for row in rows:
        cells = [Text(without_controls(cell)) for cell in row]
        cells[error].stylize("red")
        table.add_row(*cells)
    console.print(table)


def lines_of(failure: KeptFailure, now: float | None = None) -> Iterator[Line]:
    """Yield the lines that introduce a failure."""
    age = span(max(0.0, (time.time() if now is None else now) - failure.kept_at))
    revision = f", at revision {failure.revision[:12]}" if failure.revision else ""
    yield Line(failure.test_id, "test")
    yield Line(f"failed {age} ago in run {failure.run}{revision}")
    yield Line("")
    *traceback, last = failure.text.rstrip().splitlines() or [failure.headline]
    yield from map(Line, traceback)
    yield Line(last, "headline")
    if failure.source:
        yield Line("")
        yield Line(f"{failure.file}:{failure.line}", "place")
        width = len(str(failure.first_line + len(failure.source)))
        for number, text in enumerate(failure.source, start=failure.first_line):
            is_marked = number == failure.line
            mark, kind = (">", "marked") if is_marked else (" ", "context")
            yield Line(f"{mark} {number:>{width}}  {text}".rstrip(), kind)
    notes = [note for databases in failure.databases for note in databases.notes]
    if notes:
        yield Line("")
        for note in dict.fromkeys(notes):
            yield Line(f"Note: {note}", "note")


def print_lines(lines: Iterable[Line], *, stderr: bool) -> None:
    """Print lines to standard output or standard error, in colours at a terminal that has them."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True, stderr=stderr)
    for line in lines:
        console.print(Text(without_controls(line.text), style=STYLES.get(line.kind, "")))


def print_difference(alias: str, difference: DatabaseDifference) -> None:
    """Print which rows of a database differ, under its alias if there are several."""
    from rich.console import Console
    from rich.text import Text

    from ctest_containers.rows.terminal import show

    console = Console(highlight=False)
    if alias:
        console.print(Text(f"Database {alias!r}", style="bold underline"))
    show(difference, console)
