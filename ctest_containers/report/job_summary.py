"""The summary of a run in Markdown, which GitHub Actions shows with the job."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from ctest_containers.events import StressFinished
from ctest_containers.report.leaks import leak_in_words
from ctest_containers.report.record import UNEXPECTED, RunRecord, Status
from ctest_containers.report.sql.comparing import AddedStatement, SqlComparison
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.report.sql.words import (
    abridged,
    headlines,
    repeated_statements,
    run_name,
    unit_name,
)
from ctest_containers.report.stress import headline, rate, rounds, what
from ctest_containers.report.summary import verdict
from ctest_containers.text import duration, plural, without_controls

SUMMARY_BYTES: Final = 900 * 1024
"""GitHub refuses a summary of more than 1 MiB."""

STRESSED_TESTS: Final = 50
"""The least reliable ones; the event log has all."""

SQL_ROWS: Final = 20
"""How many tests, or repeated statements, the summary has."""

SQL_ADDED: Final = 5
"""How many statements it has of each test."""

SQL_LENGTH: Final = 200
"""How much of a statement is shown, in characters."""

MESSAGE_LENGTH: Final = 4000
"""How much of the end of a failure's text is shown, in characters."""

ICONS: Final = {
    Status.PASSED: "✅",
    Status.FAILED: "❌",
    Status.ERROR: "💥",
    Status.UNEXPECTED_SUCCESS: "❗",
    Status.FLAKY: "🔁",
    Status.SKIPPED: "⏭️",
    Status.EXPECTED_FAILURE: "🟡",
    Status.NOT_RUN: "⚪",
}


def job_summary(run: RunRecord) -> str:
    """The run in Markdown: counts, failures, phases and the slowest tests."""
    lines = [f"### {'❌' if run.has_failed else '✅'} {_cell(verdict(run))}", ""]
    counts = {status: count for status, count in run.counts.items() if count}
    if counts:
        lines.append(
            "| " + " | ".join(f"{ICONS[status]} {status.value}" for status in counts) + " |"
        )
        lines.append("|" + " --- |" * len(counts))
        lines.append("| " + " | ".join(map(str, counts.values())) + " |")
        lines.append("")
    failures = list(_failures(run))
    size = 0
    for shown, (icon, name, text) in enumerate(failures):
        block = _details(icon, name, text[-MESSAGE_LENGTH:])
        size += len(block.encode(errors="backslashreplace"))
        if size > SUMMARY_BYTES:
            lines.append(f"… and {len(failures) - shown} more; see the log.")
            break
        lines.append(block)
    if run.stress is not None:
        lines += _stress_lines(run.stress)
    if run.leaks:
        leaks = (f"- {_cell(leak_in_words(leak))}" for leak in run.leaks)
        lines += ["", "Left in databases:", "", *leaks]
    if run.sql is not None:
        lines += ["", *_sql_lines(run.sql, run.sql_changes)]
    phases = run.phase_seconds
    if phases:
        lines += ["", "| " + " | ".join(phase.value for phase in phases) + " |"]
        lines.append("|" + " ---: |" * len(phases))
        lines.append("| " + " | ".join(map(duration, phases.values())) + " |")
    slowest = run.slowest(10)
    if slowest:
        lines += ["", "| slowest tests | |", "| --- | ---: |"]
        lines += [
            f"| `{_cell(test.place.test_id)}` | {duration(test.seconds)} |" for test in slowest
        ]
    if run.planned is not None and run.planned.workers:
        lines += ["", f"Workers: {run.planned.workers} ({_cell(run.planned.reason)})."]
    return without_controls("\n".join(lines)) + "\n\n"


def _stress_lines(stress: StressFinished) -> Iterator[str]:
    """Yield the statistics of a stress run."""
    yield ""
    yield headline(stress)
    if stress.tests:
        yield ""
        yield "| failure rate | test | failures |"
        yield "| ---: | --- | --- |"
    for test in stress.tests[:STRESSED_TESTS]:
        failures = "<br>".join(
            html.escape(f"{failure.count}x {what(failure)} in {rounds(failure, stress.seed)}")
            for failure in test.failures
        )
        yield f"| {rate(test)} | `{_cell(test.test_id)}` | {_cell(failures)} |"
    if stress.durations:
        yield ""
        yield "| minimum | median | maximum | test |"
        yield "| ---: | ---: | ---: | --- |"
    for row in stress.durations:
        seconds = (row.min_seconds, row.median_seconds, row.max_seconds)
        yield f"| {' | '.join(map(duration, seconds))} | `{_cell(row.test_id)}` |"


def _sql_lines(record: SqlRecord, comparison: SqlComparison | None) -> Iterator[str]:
    """Yield what tests send more than before, or what they send repeatedly."""
    if comparison is None:
        yield from headlines(record)
        repeated = repeated_statements(record)
        if repeated:
            yield from (
                "",
                "| times | repeated statement | line | test |",
                "| ---: | --- | --- | --- |",
            )
        for row in repeated[:SQL_ROWS]:
            others = f" and {row.others} more" if row.others else ""
            cells = map(_code, (abridged(row.text, SQL_LENGTH), row.place, unit_name(row.unit)))
            yield f"| {row.count} | {' | '.join(cells)}{others} |"
        return
    grown = comparison.grown
    if not grown:
        yield f"No test sends more queries than in {run_name(comparison.before)}."
        return
    yield f"More queries than in {run_name(comparison.before)}:"
    yield from ("", "| queries | test | added |", "| ---: | --- | --- |")
    for change in grown[:SQL_ROWS]:
        added = "<br>".join(_added(statement) for statement in change.added[:SQL_ADDED])
        more = len(change.added) - SQL_ADDED
        added += f"<br>and {plural(more, 'other statement')}" if more > 0 else ""
        yield f"| {change.before} → {change.after} | {_code(unit_name(change.unit))} | {added} |"
    if len(grown) > SQL_ROWS:
        yield f"| | and {len(grown) - SQL_ROWS} more | |"


def _added(added: AddedStatement) -> str:
    place = f" at {_code(added.place)}" if added.place else ""
    repeated = ", repeated" if added.is_repeated else ""
    return f"{added.count} x {_code(abridged(added.text, SQL_LENGTH))}{place}{repeated}"


def _code(text: str) -> str:
    """A text in a cell of a table; backticks are MySQL's quotes."""
    return f"<code>{_cell(html.escape(text, quote=False))}</code>"


def _failures(run: RunRecord) -> Iterator[tuple[str, str, str]]:
    """An icon, the name and the text of each failure; the flaky ones come last."""
    bad, flaky = ICONS[Status.FAILED], ICONS[Status.FLAKY]
    failed = [test for test in run.tests.values() if test.status.is_bad]
    for icon, tests, fixtures in (
        (bad, failed, run.bad_fixtures),
        (flaky, run.flaky_tests, run.flaky_fixtures),
    ):
        for test in tests:
            texts = [problem.text for _, problem in (test.failure or test).problems]
            yield icon, test.place.test_id, "\n".join(texts) or UNEXPECTED
        for _, outcome in fixtures:
            yield icon, outcome.test_id, outcome.problem.text if outcome.problem else ""


def _details(icon: str, name: str, text: str) -> str:
    """A part that opens when it is clicked on; the fence is longer than any in the text."""
    longest = max((len(ticks) for ticks in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    title = f"<details><summary>{icon} <code>{html.escape(name, quote=False)}</code></summary>"
    return f"{title}\n\n{fence}\n{text}\n{fence}\n\n</details>"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
