"""A run as JUnit XML, in the form that GitHub's, GitLab's and Jenkins' readers have in common.

See https://github.com/testmoapp/junitxml for that form; tries that were given up are told as
Maven Surefire tells them (https://maven.apache.org/surefire/), and Jenkins reads them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from ctest_containers.events import Problem, TestOutcome
from ctest_containers.names import owner_of
from ctest_containers.report.record import (
    UNEXPECTED,
    RunRecord,
    Status,
    TestRecord,
    status_of,
)

NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can have, not even escaped: XML 1.0, section 2.2."""

ELEMENTS: Final = {
    Status.FAILED: "failure",
    Status.ERROR: "error",
    Status.UNEXPECTED_SUCCESS: "failure",
    Status.SKIPPED: "skipped",
    Status.EXPECTED_FAILURE: "skipped",
    Status.NOT_RUN: "skipped",
}


def render(run: RunRecord) -> str:
    """The whole document: a suite for each class, and a case for each test.

    A fixture that failed is a case of its class; a test that did not run is one that was skipped.
    """
    root = ET.Element("testsuites", name=run.started.project if run.started else "")
    fixtures: dict[str, list[TestOutcome]] = defaultdict(list)
    for _, outcome in run.others:
        fixtures[owner_of(outcome.test_id)].append(outcome)
    classes: dict[str, list[TestRecord]] = defaultdict(list)
    for test in run.tests.values():
        classes[test.class_name].append(test)
    for name in dict.fromkeys([*classes, *fixtures]):
        root.append(_suite(run, name, classes.get(name, []), fixtures.get(name, [])))
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", _seconds(run.ended))
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _suite(
    run: RunRecord, name: str, tests: Sequence[TestRecord], fixtures: Sequence[TestOutcome]
) -> ET.Element:
    suite = ET.Element("testsuite", name=_text(name))
    suite.text = suite.tail = "\n"
    began = min((test.started for test in tests if test.worker), default=0.0)
    if run.started is not None:
        at = dt.datetime.fromisoformat(run.started.started_at) + dt.timedelta(seconds=began)
        suite.set("timestamp", at.isoformat(timespec="seconds"))
    if tests and tests[0].place.file:
        suite.set("file", _text(tests[0].place.file))
    _properties(suite, run, sorted({test.worker for test in tests if test.worker}))
    why = _why_not_run(fixtures)
    for test in tests:
        suite.append(_case(test, why))
    for outcome in fixtures:
        suite.append(_fixture_case(name, outcome))
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", _seconds(sum(test.seconds for test in tests)))
    return suite


def _properties(suite: ET.Element, run: RunRecord, workers: Sequence[int]) -> None:
    """On which worker a class ran, on which server, and what that was spawned from."""
    known = [run.workers[number] for number in workers if number in run.workers]
    servers = [ready for worker in known for _, ready in worker.servers]
    found = {
        "worker": ", ".join(map(str, workers)),
        "database": ", ".join(dict.fromkeys(ready.container for ready in servers)),
        "template": ", ".join(
            dict.fromkeys(f"{one.group}:{one.fingerprint[:12]}" for one in run.templates)
        ),
    }
    properties = ET.SubElement(suite, "properties")
    properties.tail = "\n"
    for name, value in found.items():
        if value:
            ET.SubElement(properties, "property", name=name, value=_text(value))


def _case(test: TestRecord, why_not_run: str) -> ET.Element:
    case = ET.Element("testcase", classname=_text(test.class_name), name=_text(test.name))
    case.tail = "\n"
    case.set("time", _seconds(test.seconds))
    if test.place.file:
        case.set("file", _text(test.place.file))
        case.set("line", str(test.place.line))
    match test.status:
        case Status.PASSED:
            pass
        case Status.SKIPPED:
            _child(case, "skipped", "skipped", test.reason)
        case Status.NOT_RUN:
            _child(case, "skipped", "not run", why_not_run)
        case Status.EXPECTED_FAILURE:
            _child(case, "skipped", "expected failure", "It is expected to fail, and does.")
        case Status.UNEXPECTED_SUCCESS:
            _child(case, "failure", "unexpected success", UNEXPECTED)
        case Status.FAILED | Status.ERROR:
            bad = [(outcome, one) for outcome, one in test.problems if status_of(outcome).is_bad]
            _problems(case, ELEMENTS[test.status], bad)
    again = "rerunError" if test.status.is_bad else "flakyError"
    for reason in test.retries:
        _child(case, again, "timeout", reason)
    for tag, text in (("system-out", test.stdout), ("system-err", test.stderr)):
        if text:
            ET.SubElement(case, tag).text = _text(text)
    return case


def _fixture_case(name: str, outcome: TestOutcome) -> ET.Element:
    case = ET.Element(
        "testcase", classname=_text(name), name=_text(outcome.test_id.partition(" ")[0])
    )
    case.tail = "\n"
    case.set("time", _seconds(0.0))
    if outcome.problem is None:
        _child(case, "skipped", "skipped", outcome.reason)
    else:
        _problems(case, ELEMENTS[status_of(outcome)], [(outcome, outcome.problem)])
    return case


def _problems(case: ET.Element, tag: str, found: Sequence[tuple[TestOutcome, Problem]]) -> None:
    """One element for all that went wrong: many readers take notice of the first only."""
    texts = [
        f"{outcome.subtest}\n{one.text}" if outcome.subtest else one.text for outcome, one in found
    ]
    first = found[0][1]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    _child(case, tag, first.type_name, f"{first.message}{more}", "\n".join(texts))


def _child(case: ET.Element, tag: str, kind: str, message: str, text: str = "") -> None:
    child = ET.SubElement(case, tag, type=_text(kind), message=_text(message))
    child.text = _text(text) or None


def _why_not_run(fixtures: Sequence[TestOutcome]) -> str:
    for outcome in fixtures:
        if outcome.reason:
            return outcome.reason
        if outcome.problem is not None:
            return f"{outcome.test_id.partition(' ')[0]} failed: {outcome.problem.message}"
    return "The run ended before it."


def _seconds(count: float) -> str:
    return f"{count:.3f}"


def _text(text: str) -> str:
    """A text without what XML cannot have, which is shown as Python would."""
    if text.isascii() and text.isprintable():
        return text
    return NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
