"""A run as JUnit XML, in the form that GitHub's, GitLab's and Jenkins' readers have in common.

See https://github.com/testmoapp/junitxml for that form; tries that were given up are written as
Maven Surefire writes them (https://maven.apache.org/surefire/), and as Jenkins reads them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.events import Problem, TestOutcome
from ctest_containers.names import owner_of
from ctest_containers.options.option import option
from ctest_containers.options.values import parse_text
from ctest_containers.report.files import Output, file_named
from ctest_containers.report.format import SECTION, ReportFormat
from ctest_containers.report.messages import lines_of
from ctest_containers.report.record import (
    UNEXPECTED,
    RunRecord,
    Status,
    TestRecord,
    status_of,
)
from ctest_containers.report.xml import element, text_of

ELEMENTS: Final = {
    Status.FAILED: "failure",
    Status.ERROR: "error",
    Status.UNEXPECTED_SUCCESS: "failure",
    Status.SKIPPED: "skipped",
    Status.EXPECTED_FAILURE: "skipped",
    Status.NOT_RUN: "skipped",
}


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
    flakes: int = 0
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
    properties = [_of_run("not affected", run.not_affected)] if run.not_affected else []
    name = run.started.project if run.started else ""
    root = {"name": name, **_counts(tags), "time": _seconds(run.ended)}
    parts = properties
    for suite in suites:
        counts, seconds = _counts(suite.tags), _seconds(suite.seconds)
        flakes = {"flakes": str(suite.flakes)} if suite.flakes else {}
        head = {"name": suite.name, **suite.head, **counts, **flakes, "time": seconds}
        parts.append(element("testsuite", head, "\n" + "".join(suite.cases)) + "\n")
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n{element("testsuites", root, "".join(parts))}\n'
    )


def _of_run(name: str, value: int) -> str:
    return (
        element("properties", {}, element("property", {"name": name, "value": str(value)})) + "\n"
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
    workers = sorted({test.worker for test in tests if test.worker})
    leaks = [text for leak in run.leaks if name in leak.owners for _, text in lines_of(leak)]
    suite.cases.append(_properties(run, workers, leaks))
    why = _why_not_run(fixtures)
    for test in tests:
        suite.add(*_case(name, test, why))
        suite.flakes += test.status is Status.FLAKY
    for outcome in fixtures:
        is_flaky = outcome.test_id in run.passed_again
        reruns = run.fixture_reruns.get(outcome.test_id, [])
        suite.add(*_fixture_case(name, outcome, reruns, is_flaky=is_flaky))
        suite.flakes += is_flaky
    return suite


def _counts(tags: Sequence[str]) -> dict[str, str]:
    """How many cases there are, and how many of them ended in which way."""
    return {
        "tests": str(len(tags)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
    }


def _properties(run: RunRecord, workers: Sequence[int], leaks: Sequence[str]) -> str:
    """On which worker a class ran, on which server, and what it left there."""
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
        "leaks": "\n".join(leaks),
    }
    properties = (
        element("property", {"name": name, "value": value})
        for name, value in values.items()
        if value
    )
    return element("properties", {}, "".join(properties)) + "\n"


def _case(class_name: str, test: TestRecord, why_not_run: str) -> tuple[str, str]:
    """A test's case, and the element in it that says how it ended."""
    parts = []
    match test.status:
        case Status.PASSED | Status.FLAKY:
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
            parts.append(_problems(ELEMENTS[test.status], _bad(test)))
    again = "rerun" if test.status.is_bad else "flaky"
    parts += [_child(f"{again}Error", "timeout", reason) for reason in test.retries]
    parts += [_again(again, attempt) for attempt in test.reruns]
    for tag, text in (("system-out", test.stdout), ("system-err", test.stderr)):
        if text:
            parts.append(element(tag, {}, text_of(text)))
    place = test.place
    where = {"file": place.file, "line": str(place.line)} if place.file else {}
    head = {"classname": class_name, "name": test.name, "time": _seconds(test.seconds), **where}
    return element("testcase", head, "".join(parts)) + "\n", ELEMENTS.get(test.status, "")


def _bad(test: TestRecord) -> list[tuple[TestOutcome, Problem]]:
    return [(outcome, problem) for outcome, problem in test.problems if status_of(outcome).is_bad]


def _again(word: str, attempt: TestRecord) -> str:
    """Another attempt that failed, as Maven Surefire writes it."""
    tag = f"{word}{ELEMENTS[attempt.status].capitalize()}"
    if attempt.status is Status.UNEXPECTED_SUCCESS:
        return _child(tag, "unexpected success", UNEXPECTED)
    output = "".join(
        element(name, {}, text_of(text))
        for name, text in (("system-out", attempt.stdout), ("system-err", attempt.stderr))
        if text
    )
    return _attempt(tag, _bad(attempt), output)


def _fixture_case(
    class_name: str, outcome: TestOutcome, reruns: Sequence[TestOutcome], *, is_flaky: bool
) -> tuple[str, str]:
    """The same for a fixture of a class."""
    tag = ELEMENTS[status_of(outcome)]
    if outcome.problem is None:
        inside = _child("skipped", "skipped", outcome.reason)
    else:
        again = f"{'flaky' if is_flaky else 'rerun'}{tag.capitalize()}"
        inside = "" if is_flaky else _problems(tag, [(outcome, outcome.problem)])
        inside += "".join(
            _attempt(again, [(attempt, attempt.problem)])
            for attempt in ([outcome, *reruns] if is_flaky else reruns)
            if attempt.problem is not None
        )
        tag = "" if is_flaky else tag
    name = outcome.test_id.partition(" ")[0]
    head = {"classname": class_name, "name": name, "time": _seconds(0.0)}
    return element("testcase", head, inside) + "\n", tag


def _problems(tag: str, problems: Sequence[tuple[TestOutcome, Problem]]) -> str:
    """One element for all that went wrong: many readers take notice of the first only."""
    kind, message, text = _words(problems)
    return _child(tag, kind, message, text)


def _attempt(tag: str, problems: Sequence[tuple[TestOutcome, Problem]], output: str = "") -> str:
    """The same for an attempt that does not count."""
    kind, message, text = _words(problems)
    stack = element("stackTrace", {}, text_of(text))
    return element(tag, {"message": message, "type": kind}, f"{stack}{output}")


def _words(problems: Sequence[tuple[TestOutcome, Problem]]) -> tuple[str, str, str]:
    """The type, the message and the text of what went wrong."""
    texts = [
        f"{outcome.subtest}\n{problem.text}" if outcome.subtest else problem.text
        for outcome, problem in problems
    ]
    first = problems[0][1]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return first.type_name, f"{first.message}{more}", "\n".join(texts)


def _child(tag: str, kind: str, message: str, text: str = "") -> str:
    return element(tag, {"type": kind, "message": message}, text_of(text))


def _why_not_run(fixtures: Sequence[TestOutcome]) -> str:
    for outcome in fixtures:
        if outcome.reason:
            return outcome.reason
        if outcome.problem is not None:
            return f"{outcome.test_id.partition(' ')[0]} failed: {outcome.problem.message}"
    return "The run ended first."


def _seconds(count: float) -> str:
    return f"{count:.3f}"
