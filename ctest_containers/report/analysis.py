"""A run against earlier runs: what became slower or flaky, and what would make it shorter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from ctest_containers.codec import encoder
from ctest_containers.report.duration_changes import (
    COMMON_TESTS,
    EARLIER_RUNS,
    DurationChange,
    Durations,
    compare_durations,
)
from ctest_containers.report.efficiency import (
    Efficiency,
    FixtureCost,
    fixture_costs,
    usage,
)
from ctest_containers.report.outcome_changes import FlakyTest, Outcomes, compare_outcomes
from ctest_containers.report.record import RunRecord, Status
from ctest_containers.report.savings import Saving, savings, whole_seconds
from ctest_containers.text import duration, plural

FORMAT: Final = "ctest-containers-analysis"
VERSION: Final = 1

_encode: Final = encoder(ascii_only=True)

SHOWN: Final = 10
"""The text names so many of a kind; JSON has them all."""

SPEED_SHARE: Final = 0.1
"""The text says so where a run was slower or faster by more than this."""

SHORTEST_SHOWN: Final = 0.005
"""The text leaves out what it would call 0.00 s."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a run shows, by itself and against earlier ones.

    Attributes:
        run: Its id; empty if the record has no beginning.
        seconds: How long it took, with the start of its process.
        tests: How many it had.
        earlier: How many earlier runs it was compared with.
        efficiency: None for a run that did not come to its tests.
        fixtures: The classes whose fixtures take longer than their tests; most seconds first.
        savings: What would make it shorter; most seconds first.
    """

    run: str
    seconds: float
    tests: int
    earlier: int
    durations: Durations
    outcomes: Outcomes
    efficiency: Efficiency | None
    fixtures: tuple[FixtureCost, ...]
    savings: tuple[Saving, ...]


def analyse(run: RunRecord, earlier: Sequence[RunRecord]) -> Analysis:
    """Compare a run with earlier ones, and look for what would make it shorter.

    Args:
        earlier: Oldest first; of any selection of tests, any number of workers, ended or not.
    """
    used, costs = usage(run), fixture_costs(run)
    return Analysis(
        run.started.run if run.started is not None else "",
        whole_seconds(run),
        len(run.tests),
        len(earlier),
        compare_durations(run, earlier),
        compare_outcomes(run, earlier),
        None if used is None else used.efficiency,
        costs,
        savings(run, used, costs),
    )


def as_json(analysis: Analysis) -> dict[str, Any]:
    """What JSON can carry: the attributes by their names; durations in seconds."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        **json.loads(_encode(analysis)),
    }
    if analysis.efficiency is not None:
        document["efficiency"]["idle_seconds"] = analysis.efficiency.idle_seconds
        document["efficiency"]["share"] = analysis.efficiency.share
    return document


def as_text(analysis: Analysis) -> str:
    """The same in words, for a person; paragraphs with an empty line between them."""
    return "\n\n".join("\n".join(lines) for lines in _paragraphs(analysis)) + "\n"


def _paragraphs(analysis: Analysis) -> Iterator[list[str]]:
    run = f"Run {analysis.run}" if analysis.run else "The run"
    yield [f"{run}: {plural(analysis.tests, 'test')} in {duration(analysis.seconds)}."]
    yield from _of_durations(analysis)
    yield from _of_outcomes(analysis.outcomes)
    if analysis.efficiency is None:
        yield ["The run ended before its tests, so there is nothing to say about its workers."]
    else:
        yield _of_efficiency(analysis.efficiency)
    if analysis.fixtures:
        costs = [
            (duration(cost.seconds), "tests", duration(cost.tests_seconds), _times(cost))
            for cost in analysis.fixtures
        ]
        heading = "Fixtures that take longer than the tests of their class or module:"
        yield [heading, *_table(costs)]
    if analysis.savings:
        heading = (
            "What would make the run shorter, and at most by how much (savings do not add up):"
        )
        advice = [(duration(saving.seconds), saving.advice) for saving in analysis.savings]
        yield [heading, *_table(advice)]
    else:
        yield ["Found nothing that would make the run noticeably shorter."]


def _of_durations(analysis: Analysis) -> Iterator[list[str]]:
    durations, earlier = analysis.durations, analysis.earlier
    if durations.speed is None:
        why = f"Too few tests passed in this run and in {plural(earlier, 'earlier run')}"
        why = f"There {_are(earlier)}" if earlier < EARLIER_RUNS else why
        need = f"{COMMON_TESTS} tests that passed in this run and in {EARLIER_RUNS} earlier ones"
        yield [f"{why}: comparing durations requires {need}."]
        return
    compared = f"{_tests(durations.compared)} compared with {plural(earlier, 'earlier run')}."
    if abs(durations.speed - 1) > SPEED_SHARE:
        compared += (
            f" Overall, tests took {durations.speed:.2f} times as long as usual; the comparison "
            "corrects for that."
        )
    if not durations.slower and not durations.faster:
        compared += " None became slower or faster."
    yield [compared]
    for changes, word in ((durations.slower, "slower"), (durations.faster, "faster")):
        if changes:
            rows = [_row_of_change(change) for change in changes]
            yield [f"{_tests(len(changes))} became {word}:", *_table(rows)]


def _of_outcomes(outcomes: Outcomes) -> Iterator[list[str]]:
    for changes, word in ((outcomes.failing, "newly failing"), (outcomes.fixed, "newly fixed")):
        if changes:
            rows = [(change.now.value, _runs(change.runs), change.test_id) for change in changes]
            yield [f"{_tests(len(changes))} {word}:", *_table(rows)]
    if outcomes.flaky:
        order = ", the most likely first" if len(outcomes.flaky) > 1 else ""
        yield [
            f"{_tests(len(outcomes.flaky))} may be flaky{order}:",
            *(line for test in outcomes.flaky[:SHOWN] for line in _lines_of_flaky(test)),
            *_more(len(outcomes.flaky)),
        ]


def _of_efficiency(efficiency: Efficiency) -> list[str]:
    parts = [
        (efficiency.busy_seconds, "in tests and fixtures"),
        (efficiency.beginning_seconds, "waiting for containers at the beginning"),
        (efficiency.end_seconds, "waiting for the last worker at the end"),
        (efficiency.given_up_seconds, "in abandoned attempts"),
        (efficiency.between_seconds, "between tests: flushes, new servers, messages"),
    ]
    whole = efficiency.workers * efficiency.span_seconds
    rows = [
        (duration(seconds), f"{seconds / whole:.0%}", what)
        for seconds, what in parts
        if seconds >= SHORTEST_SHOWN
    ]
    workers = "1 worker was" if efficiency.workers == 1 else f"{efficiency.workers} workers were"
    busy = f"busy for {efficiency.share:.0%} of {duration(efficiency.span_seconds)}"
    return [f"{workers} {busy}; their time in total:", *_table(rows)]


def _are(earlier: int) -> str:
    return {0: "are no earlier runs", 1: "is only 1 earlier run"}.get(
        earlier, f"are only {earlier} earlier runs"
    )


def _tests(count: int) -> str:
    return plural(count, "test")


def _runs(runs: int) -> str:
    return "in this run" if runs == 1 else f"for {runs} runs"


def _row_of_change(change: DurationChange) -> tuple[str, ...]:
    return (
        duration(change.seconds),
        "instead of",
        duration(change.usual_seconds),
        _runs(change.runs),
        change.test_id,
    )


def _times(cost: FixtureCost) -> str:
    return cost.owner + (f" ({cost.times} times)" if cost.times > 1 else "")


def _lines_of_flaky(test: FlakyTest) -> Iterator[str]:
    words = [
        status.value + _after_retry(status, is_retried=place in test.retried)
        for place, status in enumerate(test.statuses)
    ]
    stretches = [(word, len(list(group))) for word, group in groupby(words)]
    yield f"  {test.test_id}"
    yield "    " + ", ".join(
        word if count == 1 else f"{count} times {word}" for word, count in stretches
    )


def _after_retry(status: Status, *, is_retried: bool) -> str:
    return " after a retry" if is_retried and status is not Status.FLAKY else ""


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows with their columns below one another; numbers end where others end."""
    every = list(rows)
    shown = every[:SHOWN]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = []
    for row in shown:
        cells = [
            cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(row[:-1], widths, strict=False)
        ]
        lines.append("  " + "  ".join([*cells, row[-1]]))
    return [*lines, *_more(len(every))]


def _more(count: int) -> list[str]:
    return [f"  and {count - SHOWN} more"] if count > SHOWN else []
