"""Results as text, in tables that are Markdown, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ctest_containers.text import size
from harness.bench.machine import Machine
from harness.bench.results import CaseResult, Figure
from harness.bench.spread import spread

HEADINGS = ("", "median", "least - most", "quartiles", "ratio", "tests", "failed")


def of_machine(machine: Machine) -> str:
    """The machine in a few lines."""
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    engine = f", Docker Engine {machine.engine}" if machine.engine else ""
    return (
        f"{machine.cpu}, {machine.cores} cores, {size(machine.memory_bytes)}\n"
        f"{machine.kernel}, {machine.python}{engine}\n{packages}"
    )


def of_case(case: CaseResult) -> str:
    """A case with its figures and what has to be known of them."""
    return "\n".join(_lines(case))


def _lines(case: CaseResult) -> Iterator[str]:
    noisy = bool(case.noise.trouble)
    options = ", ".join(f"{name} {value}" for name, value in case.options.items())
    server = f" {case.server}" if case.server else ""
    yield f"## {case.name} on {case.on}{server}"
    yield ""
    yield f"{options}."
    if noisy:
        yield f"NOISY, every figure: {case.noise.trouble}"
    if case.base:
        yield f"Ratios are to {case.base}, the median over rounds."
    yield ""
    rows = [list(HEADINGS), *(_row(one, noisy=noisy) for one in case.figures)]
    # A column that says nothing is left out.
    shown = [place for place in range(len(HEADINGS)) if any(row[place] for row in rows[1:])]
    yield from _table([[row[place] for place in shown] for row in rows])
    if case.notes:
        yield ""
        yield from (f"- {note}" for note in case.notes)


def _row(figure: Figure, *, noisy: bool) -> list[str]:
    found = spread(figure.values)
    shown = partial(shown_value, unit=figure.unit)
    point = " ".join(f"{name} {value}" for name, value in figure.at.items())
    failed = sorted(set(figure.failed))
    return [
        ", ".join(filter(None, (figure.name, point, figure.measure))),
        shown(found.median) + (" (noisy)" if noisy else ""),
        f"{shown(found.least)} - {shown(found.most)}",
        f"{shown(found.low_quartile)} - {shown(found.high_quartile)}",
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        "" if figure.tests is None else str(figure.tests),
        " or ".join(map(str, failed)) if any(failed) else "",
    ]


def shown_value(value: float, unit: str) -> str:
    """A value of a figure with its unit."""
    return shown_seconds(value) if unit == "s" else f"{value:.1f} {unit}"


def shown_seconds(seconds: float) -> str:
    """With three digits that count, in the unit that needs no zeros: `12.3 s`, `4.56 ms`."""
    # Beginning with what is rounded to one, lest there be 1000 ms.
    for least, factor, unit in ((0.9995, 1.0, "s"), (0.9995e-3, 1e3, "ms"), (0.0, 1e6, "µs")):
        if seconds >= least:
            value = seconds * factor
            return f"{value:.{max(0, 3 - len(str(max(1, int(value)))))}f} {unit}"
    return f"-{shown_seconds(-seconds)}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"| {' | '.join('-' * max(3, width) for width in widths)} |"
