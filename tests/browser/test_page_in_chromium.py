"""The page of a run in a real browser: what it shows, and that it answers at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.golden import recorded
from harness.projects import wait_for
from playwright.sync_api import Page, expect
from unit.report.making import events_of_test, record
from unit.report.sql.made_sql import made_sql

from ctest_containers.events import OutcomeKind
from ctest_containers.report import page as page_format
from ctest_containers.report.record import RunRecord
from ctest_containers.report.sql.comparing import compare

pytestmark = pytest.mark.xdist_group("browser")

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)> \ud800\x00"
MANY = 20_000

Open = Callable[[RunRecord], Page]


@pytest.fixture
def show(page: Page, tmp_path: Path) -> Open:
    """Opens the page of a run."""

    def opened(run: RunRecord) -> Page:
        file = tmp_path / "page.html"
        file.write_text(page_format.render(run), encoding="utf-8")
        page.goto(file.as_uri())
        return page

    return opened


@functools.cache
def _many() -> RunRecord:
    names = tuple(f"shop.test_{number % 100:02}.Case.test_{number:05}" for number in range(MANY))
    tests = [
        events_of_test(
            index, name, OutcomeKind.FAILURE if index == MANY - 1 else OutcomeKind.SUCCESS, text="x"
        )
        for index, name in enumerate(names)
    ]
    return record(*tests, names=names)


def test_the_verdict_and_every_count_are_at_the_top(show: Open) -> None:
    run = recorded()
    page = show(run)

    expect(page.locator("#summary")).to_contain_text("Failed")
    for status, count in run.counts.items():
        chip = page.locator("#summary .chip", has_text=status.value).filter(has_text=str(count))
        if count:
            expect(chip.first).to_be_visible()


def test_a_failure_shows_its_assertion_and_the_line_of_the_test(show: Open) -> None:
    page = show(recorded())

    failure = page.locator("#failures", has_text="test_finds_nobody")
    expect(failure).to_contain_text("AssertionError: 0 != 1")
    expect(failure).to_contain_text("library/test_shop.py:37")


def test_the_timeline_and_the_memory_are_drawn(show: Open) -> None:
    page = show(recorded())

    for canvas in page.locator("#timeline canvas").all():
        drawn = canvas.evaluate(
            "one => one.getContext('2d').getImageData(0, 0, one.width, one.height)"
            ".data.some(value => value > 0)"
        )
        assert drawn
    assert page.locator("#timeline canvas").count() >= 2


def test_searching_20000_tests_finds_the_one_and_keeps_few_rows_in_the_document(
    show: Open,
) -> None:
    page = show(_many())
    rows = page.locator("#tests .row")
    assert rows.count() < 100

    page.keyboard.press("/")
    page.keyboard.type("test_05 12305")

    expect(page.locator("#tests")).to_contain_text("1 of 20,000 tests")
    expect(rows.filter(has_text="test_12305")).to_be_visible()


def test_a_click_on_a_status_shows_its_tests_alone(show: Open) -> None:
    page = show(_many())

    page.locator("#summary .chip", has_text="failed").click()

    expect(page.locator("#tests")).to_contain_text("1 of 20,000 tests")
    expect(page.locator("#tests .row").filter(has_text="test_19999")).to_be_visible()


def test_the_keyboard_opens_and_closes_a_test(show: Open) -> None:
    page = show(recorded())

    page.keyboard.press("/")
    page.keyboard.type("finds_nobody")
    page.keyboard.press("Enter")
    expect(page.locator("#tests")).to_contain_text("looking for")
    address = page.url

    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert "finds_nobody" in address


def test_whatever_a_test_is_called_and_prints_stays_text(show: Open) -> None:
    name = f"a.B.{HOSTILE}"
    page = show(record(events_of_test(0, name, OutcomeKind.FAILURE, text=HOSTILE), names=(name,)))

    expect(page.locator("#failures")).to_contain_text("</script><script>")
    assert page.title() != "broken"
    assert page.locator("img").count() == 0


def test_it_is_light_or_dark_as_the_system_is_and_as_the_key_says(show: Open) -> None:
    page = show(recorded())

    def background() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page.emulate_media(color_scheme="light")
    light = background()
    page.emulate_media(color_scheme="dark")
    assert background() != light
    page.keyboard.press("t")
    assert background() == light


def test_failures_are_printed(show: Open) -> None:
    page = show(recorded())

    page.emulate_media(media="print")

    expect(page.locator("#failures")).to_be_visible()
    expect(page.locator("nav.bar")).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1024, 1680])
def test_nothing_is_wider_than_the_window(show: Open, width: int) -> None:
    page = show(recorded())

    page.set_viewport_size({"width": width, "height": 900})

    def fits() -> bool:
        return int(page.evaluate("document.documentElement.scrollWidth")) <= width

    # The charts resize later. The page's content security policy blocks wait_for_function.
    wait_for(fits, 10, "the new width of the charts")


def test_the_sql_of_tests_opens_with_its_lines(show: Open) -> None:
    run = recorded()
    run.sql = made_sql()
    run.sql_changes = compare(made_sql("1a2b3c4d", has_products=False), run.sql)
    page = show(run)

    added = page.locator("#sql tr", has_text="+32")
    expect(added).to_contain_text("orders/views.py:81 repeated")
    test = page.locator("#sql tr", has_text="28 ms").first
    expect(test.locator("table")).to_have_count(0)
    test.locator("summary").click()
    expect(test.locator("table")).to_contain_text("orders/views.py:81")


def test_a_run_without_sql_has_no_such_part(show: Open) -> None:
    page = show(recorded())

    expect(page.locator("#sql")).to_be_hidden()
    expect(page.locator("#bar-links")).not_to_contain_text("SQL")
