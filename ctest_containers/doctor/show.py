"""Findings as text, grouped and aligned, each with its fix below; and as JSON."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ctest_containers.doctor.checks import has_errors, summary
from ctest_containers.doctor.finding import Finding, Severity
from ctest_containers.text import plural, without_controls
from ctest_containers.version import __version__

FORMAT: Final = 1
"""The version of the JSON; a program that knows it may ignore names that it does not know."""

INDENT: Final = 11
"""Columns before the text of a finding: two, the longest severity, two more."""

ARROW: Final = "-> "

NO_BREAK: Final = "\N{NO-BREAK SPACE}"

COMMAND: Final = re.compile(r"`[^`]+`")
"""Commands to copy; each is kept on one line if it fits."""

Line = tuple[str, str, str]
"""What a line begins with, its text, and what kind of line it is."""


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The findings as `doctor --json` prints them.

    `version` is the version of this format, and `toolkit` the toolkit's; `runs` is whether tests
    could run, and `findings` is a list of objects with `severity` (ok, note, warning or error),
    `area`, `what` and `fix`, which is empty where nothing has to be done.
    """
    return {
        "version": FORMAT,
        "toolkit": __version__,
        "runs": not has_errors(findings),
        "summary": {severity.value: count for severity, count in summary(findings)},
        "findings": [
            {
                "severity": finding.severity.value,
                "area": finding.area.value,
                "what": finding.what,
                "fix": finding.fix,
            }
            for finding in findings
        ],
    }


def lines(findings: Sequence[Finding], width: int) -> Iterator[Line]:
    """The lines for people; a kind is a severity, `area`, `fix`, `verdict` or empty.

    Args:
        width: The number of columns.
    """
    for area, group in itertools.groupby(findings, key=lambda finding: finding.area):
        yield "", area.value.capitalize(), "area"
        for finding in group:
            first, *more = _wrapped(finding.what, width - INDENT)
            yield f"  {finding.severity.value:<{INDENT - 2}}", first, finding.severity.value
            for line in more:
                yield " " * INDENT, line, ""
            if finding.fix:
                first, *more = _wrapped(finding.fix, width - INDENT - len(ARROW))
                yield " " * INDENT + ARROW, first, "fix"
                for line in more:
                    yield " " * (INDENT + len(ARROW)), line, "fix"
        yield "", "", ""
    for line in _wrapped(verdict(findings), width):
        yield "", line, "verdict"


def verdict(findings: Sequence[Finding]) -> str:
    """The summary: how many there are of each kind, and whether tests can run."""
    counts = dict(summary(findings))
    counted = [
        plural(counts[severity], severity.value)
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)
        if counts[severity]
    ]
    counted.append(f"{counts[Severity.OK]} ok")
    end = "Tests cannot run." if has_errors(findings) else "Tests can run."
    return f"{', '.join(counted)}. {end}"


def _wrapped(text: str, width: int) -> list[str]:
    joined = COMMAND.sub(
        lambda match: match[0].replace(" ", NO_BREAK) if len(match[0]) <= width else match[0],
        " ".join(without_controls(text).split()),
    )
    # A break within a word makes a path or a command useless.
    lines = textwrap.wrap(joined, max(20, width), break_long_words=False, break_on_hyphens=False)
    return [line.replace(NO_BREAK, " ") for line in lines] or [""]
