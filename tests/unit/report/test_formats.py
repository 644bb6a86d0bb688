"""Every format says of the recorded run what its readers expect, and survives any text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
import xmlschema
from harness.golden import BODY, FORMATS, GOLDEN, RERUNS, recorded
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families
from unit.report.making import events_of_test, record

from ctest_containers.errors import ReportError
from ctest_containers.events import (
    OutcomeKind,
    RerunsEnded,
    RerunStarted,
    RunFinished,
    TestOutcome,
)
from ctest_containers.report import github, junit, metrics, summary
from ctest_containers.report.files import FilesReport, Output
from ctest_containers.report.job_summary import job_summary
from ctest_containers.report.record import RunRecord, Status
from ctest_containers.text import without_controls

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), min_size=1, max_size=40)
KINDS = st.sampled_from(OutcomeKind)
COMMAND = re.compile(r"::error (?P<properties>[^\n]*?)::(?P<message>[^\n]*)")
"""GitHub's own reader takes one line, and ends the properties at the first `::`."""


@pytest.fixture(scope="module")
def golden() -> RunRecord:
    """The recorded run."""
    return recorded()


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    """What readers of JUnit XML have in common."""
    return xmlschema.XMLSchema(GOLDEN / "junit.xsd")


@pytest.mark.parametrize("folder", [GOLDEN, RERUNS], ids=["golden", "reruns"])
@pytest.mark.parametrize("name", FORMATS)
def test_the_recorded_run_is_rendered_as_it_was(name: str, folder: Path) -> None:
    """`python -m harness.golden render` updates the files; look at what has changed."""
    assert FORMATS[name](recorded(folder)) == (folder / name).read_text()


def test_the_recorded_run_has_every_way_in_which_a_test_ends(golden: RunRecord) -> None:
    counts = golden.counts

    assert [status for status in Status if not counts[status]] == [Status.FLAKY]
    kinds = {outcome.kind for test in golden.tests.values() for outcome in test.outcomes}
    assert kinds == set(OutcomeKind)
    assert any(test.retries for test in golden.tests.values())
    assert golden.bad_fixtures
    assert any(worker.notes for worker in golden.workers.values())


def test_junit_shows_each_failed_attempt_as_surefire_does(schema: xmlschema.XMLSchema) -> None:
    text = junit.render(recorded(RERUNS))

    schema.validate(text)
    cases = {case.get("name"): case for case in ET.fromstring(text).iter("testcase")}
    shown = {
        name: [child.tag for child in case if not child.tag.startswith("system-")]
        for name, case in cases.items()
    }
    assert shown == {
        "test_fails_once": ["flakyFailure"],
        "test_fails_twice": ["flakyFailure", "flakyFailure"],
        "test_always_fails": ["error", "rerunError", "rerunError"],
        "test_passes": [],
        "setUpClass": ["flakyError"],
        "test_is_in_stock": [],
        "tearDownClass": ["error", "rerunError", "rerunError"],
        "test_opens": [],
        "test_goes_off_once": ["flakyError"],
    }
    assert "attempt 1" in (cases["test_always_fails"][0].text or "")
    assert (JUnitXml.fromstring(text.encode()).failures, JUnitXml.fromstring(text).errors) == (0, 2)


def test_flaky_tests_fail_a_run_only_if_they_are_to() -> None:
    attempts = [
        *events_of_test(0, "a.B.c", OutcomeKind.FAILURE, text="no"),
        RerunStarted(worker=1, attempt=2, attempts=2, indices=(0,), tests=("a.B.c",)),
        *events_of_test(0, "a.B.c"),
        RerunsEnded(attempts=2, indices=(0,), flaky=("a.B.c",)),
    ]
    run = record(attempts, names=("a.B.c",))
    verdicts = []
    for flaky_fails in (False, True):
        run.finished = RunFinished(not_run=0, failure="", flaky_fails=flaky_fails)
        verdicts.append((run.has_failed, next(github.error_commands(run)).partition(" ")[0]))

    assert verdicts == [(False, "::warning"), (True, "::error")]
    assert run.counts[Status.FLAKY] == 1


def test_junit_is_valid_and_counts_as_its_readers_do(
    golden: RunRecord, schema: xmlschema.XMLSchema
) -> None:
    text = junit.render(golden)

    schema.validate(text)
    read = JUnitXml.fromstring(text.encode())
    counts = golden.counts
    assert read.tests == len(golden.tests) + len(golden.others)
    assert read.failures == counts[Status.FAILED] + counts[Status.UNEXPECTED_SUCCESS]
    assert read.errors == counts[Status.ERROR] + len(golden.bad_fixtures)


def test_junit_says_where_a_class_ran(golden: RunRecord) -> None:
    root = ET.fromstring(junit.render(golden))

    suite = root.find("testsuite[@name='library.test_shop.Catalogue']")
    assert suite is not None
    found = {one.get("name"): one.get("value") or "" for one in suite.iter("property")}
    assert found["worker"] in {"1", "2", "3"}
    assert f"-w{found['worker']}-postgresql-" in found["database"]
    assert found["template"].startswith("postgresql:")


@given(text=ANY_TEXT, kind=KINDS)
def test_junit_is_valid_whatever_a_test_is_called_says_and_prints(
    text: str, kind: OutcomeKind
) -> None:
    schema = xmlschema.XMLSchema(GOLDEN / "junit.xsd")
    run = record(events_of_test(0, text, kind, text=text), names=(text,))

    found = junit.render(run)

    schema.validate(found)
    JUnitXml.fromstring(found.encode())


def test_junit_keeps_ten_megabytes_of_output(schema: xmlschema.XMLSchema) -> None:
    output = "line \x00 of output\n" * 600_000
    run = record(events_of_test(0, "a.B.c", text=output), names=("a.B.c",))

    found = junit.render(run)

    assert ET.fromstring(found).findtext(".//system-out") == output.replace("\x00", "\\x00")
    schema.validate(found)


def test_prometheus_reads_every_metric_and_no_test_is_a_label(golden: RunRecord) -> None:
    families = {one.name: one for one in text_string_to_metric_families(metrics.render(golden))}

    tests = {
        sample.labels["status"]: sample.value for sample in families["ctest_run_tests"].samples
    }
    assert tests == {status.value: count for status, count in golden.counts.items()}
    histogram = families["ctest_run_test_duration_seconds"]
    assert histogram.type == "histogram"
    counted = [one.value for one in histogram.samples if one.name.endswith("_count")]
    assert counted == [len(golden.tests) - golden.counts[Status.NOT_RUN]]
    names = Counter(label for one in families.values() for s in one.samples for label in s.labels)
    assert set(names) == {"project", "status", "phase", "database", "le"}
    assert sum(len(one.samples) for one in families.values()) < 60


def test_prometheus_is_told_whether_the_template_was_there(golden: RunRecord) -> None:
    families = {one.name: one for one in text_string_to_metric_families(metrics.render(golden))}

    (sample,) = families["ctest_run_template_hit"].samples
    assert (sample.labels["database"], sample.value) == ("postgresql", 1.0)


def test_annotations_name_the_line_that_failed_relative_to_the_checkout(
    golden: RunRecord,
) -> None:
    found = [COMMAND.fullmatch(one) for one in github.error_commands(golden, "/home/ada")]

    assert all(found)
    parsed = [
        dict(pair.split("=", 1) for pair in one["properties"].split(",")) for one in found if one
    ]
    nobody = next(one for one in parsed if one["title"].endswith("test_finds_nobody"))
    assert nobody["file"] == "bookshop/library/test_shop.py"
    assert "Nobody" in BODY.splitlines()[int(nobody["line"]) - 1]
    bad = sum(test.status.is_bad for test in golden.tests.values())
    assert len(parsed) >= bad + len(golden.bad_fixtures)


@given(text=ANY_TEXT)
def test_an_annotation_is_one_command_whatever_a_test_is_called_and_says(text: str) -> None:
    run = record(events_of_test(0, text, OutcomeKind.FAILURE, text=text), names=(text,))

    (command,) = github.error_commands(run)

    match = COMMAND.fullmatch(command)
    assert match is not None
    message = match["message"].replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    assert message == without_controls(text)


@given(text=ANY_TEXT)
def test_the_summary_of_a_job_keeps_failures_in_their_fences(text: str) -> None:
    run = record(events_of_test(0, "a.B.c", OutcomeKind.FAILURE, text=text), names=("a.B.c",))

    lines = job_summary(run).split("\n")

    fences = [line for line in lines if re.fullmatch("`{3,}", line)]
    assert fences[0] == max(fences, key=len)
    assert fences.count(fences[0]) == 2


def test_the_summary_of_a_job_stays_below_what_github_takes() -> None:
    names = tuple(f"a.B.test_{number}" for number in range(600))
    tests = [
        events_of_test(index, name, OutcomeKind.FAILURE, text="x" * 5000)
        for index, name in enumerate(names)
    ]

    found = job_summary(record(*tests, names=names))

    assert len(found.encode()) < 2**20
    assert "more; see the log." in found


def test_a_class_that_is_skipped_as_a_whole_is_no_class_that_was_not_run() -> None:
    skipped = TestOutcome(
        worker=1, index=None, test_id="setUpClass (a.B)", kind=OutcomeKind.SKIP, reason="closed"
    )
    run = record([skipped], names=("a.B.c", "a.B.d", "a.Bar.e"))

    assert [test.status.value for test in run.tests.values()] == ["skipped", "skipped", "not run"]
    assert run.tests[0].reason == "closed"
    assert "2 skipped, 1 not run" in summary.verdict(run)


def test_files_are_written_when_the_run_has_ended_and_replace_older_ones(tmp_path: Path) -> None:
    file = tmp_path / "new" / "report.txt"
    report = FilesReport(record(), [Output(file, lambda _: "one")])
    report.handle(RunFinished(not_run=0, failure=""), 1.0)
    report = FilesReport(record(), [Output(file, lambda _: "two")])
    report.handle(RunFinished(not_run=0, failure=""), 1.0)

    assert file.read_text() == "two"
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_named_and_the_others_are_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "taken").write_text("")
    outputs = [
        Output(tmp_path / "taken" / "a.xml", lambda _: ""),
        Output(tmp_path / "b.xml", lambda _: "written"),
    ]

    with pytest.raises(ReportError, match=r"a\.xml cannot be written"):
        FilesReport(record(), outputs).handle(RunFinished(not_run=0, failure=""), 1.0)

    assert (tmp_path / "b.xml").read_text() == "written"
