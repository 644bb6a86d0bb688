"""Every report contains what classes have left in databases."""

from __future__ import annotations

from dataclasses import replace

from unit.report.making import events_of_test, record

from ctest_containers.events import (
    Event,
    LeakDetected,
    LeaksUnseen,
    OutcomeKind,
    TableLeak,
    TestOutcome,
)
from ctest_containers.report import summary
from ctest_containers.report.console import ConsoleReport
from ctest_containers.report.github import error_commands
from ctest_containers.report.job_summary import job_summary
from ctest_containers.report.junit import render
from ctest_containers.report.page.data import data_of

LEAK = LeakDetected(
    worker=1,
    alias="default",
    owners=("shop.CartTests",),
    tables=(
        TableLeak(table="shop_cart", before=0, after=2),
        TableLeak(table="shop_tax", before=3, after=2),
        TableLeak(table="shop_zone", before=3, after=3),
        TableLeak(table="left_behind", before=None, after=1),
        TableLeak(table="shop_page", before=3, after=None),
    ),
    tests=("shop.CartTests.test_a", "shop.CartTests.test_b"),
)

TEXT = (
    "shop.CartTests left changes in the database 'default': shop_cart (2 more rows), shop_tax "
    "(1 fewer row), shop_zone (changed rows), left_behind (a new table with 1 row), shop_page "
    "(dropped). Suspected: shop.CartTests.test_a, shop.CartTests.test_b."
)

RUN = record(events_of_test(0, "shop.CartTests.test_a"), [LEAK], names=("shop.CartTests.test_a",))


def test_the_summary_names_each_leak_and_the_run_has_passed() -> None:
    assert f"Leak: {TEXT}" in list(summary.lines(RUN))
    assert summary.verdict(RUN).startswith("PASSED: 1 passed, 1 leak in ")


def test_github_gets_a_warning_and_a_list_in_the_summary_of_the_job() -> None:
    assert f"::warning title=Leak::{TEXT}" in list(error_commands(RUN))
    assert f"Left in databases:\n\n- {TEXT}\n" in job_summary(RUN)


def test_junit_has_a_property_of_the_class() -> None:
    assert f'<property name="leaks" value="{TEXT}" />' in render(RUN)


def test_the_page_has_a_note() -> None:
    assert any(TEXT in text for *_, text in data_of(RUN)["notes"])


def test_the_terminal_shows_leaks_when_the_run_has_ended() -> None:
    lines: list[str] = []
    report = ConsoleReport(lambda text, _: lines.append(text))

    report.handle(LEAK, 1.0)
    assert lines == []
    assert RUN.finished is not None
    report.handle(RUN.finished, 2.0)
    assert lines == [f"Leak: {TEXT}"]


def test_a_database_that_cannot_be_watched_is_named_once() -> None:
    lines: list[str] = []
    report = ConsoleReport(lambda text, _: lines.append(text))

    for worker in (1, 2):
        report.handle(LeaksUnseen(worker=worker, alias="old", reason="It is private."), 1.0)

    assert lines == ["Leaks in the database 'old' cannot be detected: It is private."]


def test_a_leak_that_fails_the_run_is_shown_once_with_the_failures() -> None:
    failure: Event = TestOutcome(
        worker=1,
        index=None,
        test_id="leaks in 'default' (shop.CartTests)",
        kind=OutcomeKind.FAILURE,
    )
    run = record([replace(LEAK, consequence="fail"), failure])

    assert run.has_failed
    assert summary.verdict(run).startswith("FAILED: 1 leak in ")
    assert not any(line.startswith("Leak: ") for line in summary.lines(run))
    assert not any(line.startswith("::warning") for line in error_commands(run))
