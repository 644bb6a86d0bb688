"""A run as JUnit XML, in the form that GitHub's, GitLab's and Jenkins' readers have in common.

See https://github.com/testmoapp/junitxml for that form; tries that were given up are written as
Maven Surefire writes them (https://maven.apache.org/surefire/), and as Jenkins reads them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.events import Problem, TestOutcome
from ctest_containers.names import owner_of
from ctest_containers.options.option import option
from ctest_containers.options.values import parse_text
from ctest_containers.report.files import Output, file_named
from ctest_containers.report.format import SECTION, ReportFormat
from ctest_containers.report.record import (
    UNEXPECTED,
    RunRecord,
    Status,
    TestRecord,
    status_of,
)

NOT_XML: Final = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Characters that no XML document can have, not even escaped: XML 1.0, section 2.2."""

ELEMENTS: Final = {
    Status.FAILED: "failure",
    Status.ERROR: "error",
    Status.UNEXPECTED_SUCCESS: "failure",
    Status.SKIPPED: "skipped",
    Status.EXPECTED_FAILURE: "skipped",
    Status.NOT_RUN: "skipped",
}


IN_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

IN_ATTRIBUTES: Final = IN_TEXT | str.maketrans(
    {'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#09;"}
)
"""What a reader would take for something else there, or for a space: XML 1.0, section 3.3.3."""

SPECIAL: Final = re.compile(r"[^ !#-%'-;=?-~]")
"""What is not in most names and numbers, and has to be looked at."""


@dataclass(frozen=True, kw_only=True)
class JunitFormat(ReportFormat):
    """JUnit XML, into a file."""

    junit: str = option(
        "",
        parse_text,
        "FILE",
        "Write a report as JUnit XML, which CI systems can read.",
        section=SECTION,
        written="JUnit XML",
    )

    def outputs(self) -> Iterator[Output]:
        """See `ReportFormat`."""
        if self.junit:
            yield Output(file_named(self.junit), render)


@dataclass(slots=True)
class Suite:
    """What is known of a class when its cases have been written."""

    name: str
    head: dict[str, str]
    cases: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, case: str, tag: str = "") -> None:
        """A case, and the element in it that says how it ended."""
        self.cases.append(case)
        self.tags.append(tag)


def render(run: RunRecord) -> str:
    """The whole document: a suite for each class, and a case for each test.

    A fixture that failed is a case of its class; a test that did not run is one that was skipped.
    It is written as text: a tree of 20,000 cases takes three times as long.
    """
    fixtures: dict[str, list[TestOutcome]] = defaultdict(list)
    for _, outcome in run.others:
        fixtures[owner_of(outcome.test_id)].append(outcome)
    classes: dict[str, list[TestRecord]] = defaultdict(list)
    for test in run.tests.values():
        classes[test.class_name].append(test)
    suites = [
        _suite(run, name, classes.get(name, []), fixtures.get(name, []))
        for name in dict.fromkeys([*classes, *fixtures])
    ]
    tags = [tag for suite in suites for tag in suite.tags]
    name = run.started.project if run.started else ""
    root = {"name": name, **_counts(tags), "time": _seconds(run.ended)}
    parts = []
    for suite in suites:
        counts, seconds = _counts(suite.tags), _seconds(suite.seconds)
        head = {"name": suite.name, **suite.head, **counts, "time": seconds}
        parts.append(_element("testsuite", head, "\n" + "".join(suite.cases)) + "\n")
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n{_element("testsuites", root, "".join(parts))}\n'
    )


def _suite(
    run: RunRecord, name: str, tests: Sequence[TestRecord], fixtures: Sequence[TestOutcome]
) -> Suite:
    suite = Suite(name, {}, seconds=sum(test.seconds for test in tests))
    began = min((test.started for test in tests if test.worker), default=0.0)
    if run.started is not None:
        at = dt.datetime.fromisoformat(run.started.started_at) + dt.timedelta(seconds=began)
        suite.head["timestamp"] = at.isoformat(timespec="seconds")
    if tests and tests[0].place.file:
        suite.head["file"] = tests[0].place.file
    suite.cases.append(_properties(run, sorted({test.worker for test in tests if test.worker})))
    why = _why_not_run(fixtures)
    for test in tests:
        suite.add(*_case(name, test, why))
    for outcome in fixtures:
        suite.add(*_fixture_case(name, outcome))
    return suite


def _counts(tags: Sequence[str]) -> dict[str, str]:
    """How many cases there are, and how many of them ended in which way."""
    return {
        "tests": str(len(tags)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
    }


def _properties(run: RunRecord, workers: Sequence[int]) -> str:
    """On which worker a class ran, on which server, and what that was spawned from."""
    known = [run.workers[number] for number in workers if number in run.workers]
    servers = [ready for worker in known for _, ready in worker.servers]
    values = {
        "worker": ", ".join(map(str, workers)),
        "database": ", ".join(dict.fromkeys(ready.container for ready in servers)),
        "template": ", ".join(
            dict.fromkeys(
                f"{template.group}:{template.fingerprint[:12]}" for template in run.templates
            )
        ),
    }
    properties = (
        _element("property", {"name": name, "value": value})
        for name, value in values.items()
        if value
    )
    return _element("properties", {}, "".join(properties)) + "\n"


def _case(class_name: str, test: TestRecord, why_not_run: str) -> tuple[str, str]:
    """A test's case, and the element in it that says how it ended."""
    parts = []
    match test.status:
        case Status.PASSED:
            pass
        case Status.SKIPPED:
            parts.append(_child("skipped", "skipped", test.reason))
        case Status.NOT_RUN:
            parts.append(_child("skipped", "not run", why_not_run))
        case Status.EXPECTED_FAILURE:
            said = "It is marked as an expected failure, and failed."
            parts.append(_child("skipped", "expected failure", said))
        case Status.UNEXPECTED_SUCCESS:
            parts.append(_child("failure", "unexpected success", UNEXPECTED))
        case Status.FAILED | Status.ERROR:
            bad = [
                (outcome, problem)
                for outcome, problem in test.problems
                if status_of(outcome).is_bad
            ]
            parts.append(_problems(ELEMENTS[test.status], bad))
    again = "rerunError" if test.status.is_bad else "flakyError"
    parts += [_child(again, "timeout", reason) for reason in test.retries]
    for tag, text in (("system-out", test.stdout), ("system-err", test.stderr)):
        if text:
            parts.append(_element(tag, {}, _text(text)))
    place = test.place
    where = {"file": place.file, "line": str(place.line)} if place.file else {}
    head = {"classname": class_name, "name": test.name, "time": _seconds(test.seconds), **where}
    return _element("testcase", head, "".join(parts)) + "\n", ELEMENTS.get(test.status, "")


def _fixture_case(class_name: str, outcome: TestOutcome) -> tuple[str, str]:
    """The same for a fixture of a class."""
    if outcome.problem is None:
        tag, inside = "skipped", _child("skipped", "skipped", outcome.reason)
    else:
        tag = ELEMENTS[status_of(outcome)]
        inside = _problems(tag, [(outcome, outcome.problem)])
    name = outcome.test_id.partition(" ")[0]
    head = {"classname": class_name, "name": name, "time": _seconds(0.0)}
    return _element("testcase", head, inside) + "\n", tag


def _problems(tag: str, problems: Sequence[tuple[TestOutcome, Problem]]) -> str:
    """One element for all that went wrong: many readers take notice of the first only."""
    texts = [
        f"{outcome.subtest}\n{problem.text}" if outcome.subtest else problem.text
        for outcome, problem in problems
    ]
    first = problems[0][1]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return _child(tag, first.type_name, f"{first.message}{more}", "\n".join(texts))


def _child(tag: str, kind: str, message: str, text: str = "") -> str:
    return _element(tag, {"type": kind, "message": message}, _text(text))


def _why_not_run(fixtures: Sequence[TestOutcome]) -> str:
    for outcome in fixtures:
        if outcome.reason:
            return outcome.reason
        if outcome.problem is not None:
            return f"{outcome.test_id.partition(' ')[0]} failed: {outcome.problem.message}"
    return "The run ended first."


def _seconds(count: float) -> str:
    return f"{count:.3f}"


def _element(tag: str, attributes: Mapping[str, str], inside: str = "") -> str:
    """An element.

    Args:
        inside: Other elements, or a text that `_text` has given.
    """
    head = f"{tag}{_attributes(attributes)}"
    return f"<{head}>{inside}</{tag}>" if inside else f"<{head} />"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join([f' {name}="{_value(text)}"' for name, text in values.items()])


def _value(text: str) -> str:
    if SPECIAL.search(text) is None:
        return text
    return _allowed(text).translate(IN_ATTRIBUTES)


def _text(text: str) -> str:
    return _allowed(text).translate(IN_TEXT)


def _allowed(text: str) -> str:
    """A text without what XML cannot have, which is shown as Python would."""
    return re.sub(NOT_XML, lambda match: match[0].encode("unicode_escape").decode(), text)
