"""The page of a run as a document: it stands alone, and nothing a test prints gets out of its data.

What it shows is seen in a browser, in `tests/browser`.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from harness.golden import GOLDEN, RERUNS, recorded
from hypothesis import given
from hypothesis import strategies as st
from unit.report.making import events_of_test, record

from ctest_containers.events import OutcomeKind
from ctest_containers.report.page import render
from ctest_containers.report.page.data import data_of
from ctest_containers.report.page.document import embedded
from ctest_containers.report.page.texts import LONGEST, Allowance, captured_in, cut, cut_middle
from ctest_containers.report.record import RunRecord
from ctest_containers.report.recording import Recording

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>&lt;/script&gt;",
    "\u2028\u2029",
    "\ud800 and \udfff",
    "\x00\x1b[1m\x7f\r\n",
    "/*data*/ /*script*/",
)
ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(HOSTILE)


class _Elements(HTMLParser):
    """The elements of a document, and the text of its data, as an HTML parser sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.data = ""
        self._in_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._in_data = tag == "script" and ("id", "data") in attrs

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._in_data = False

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data


def _elements(document: str) -> _Elements:
    found = _Elements()
    found.feed(document)
    found.close()
    return found


def _failure(name: str, text: str) -> RunRecord:
    return record(events_of_test(0, name, OutcomeKind.FAILURE, text=text), names=(name,))


def _in_lines(data: dict[str, Any]) -> str:
    """JSON with one entry of each table in a line, for people compare it."""
    parts = []
    for key, value in data.items():
        lines = json.dumps(value)
        if isinstance(value, list) and value:
            lines = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]"
        elif isinstance(value, dict) and value:
            entries = (f"{json.dumps(name)}: {json.dumps(one)}" for name, one in value.items())
            lines = "{\n" + ",\n".join(entries) + "\n}"
        parts.append(f"{json.dumps(key)}: {lines}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


@given(ANY_TEXT)
def test_any_text_comes_back_from_the_data_and_cannot_end_its_element(text: str) -> None:
    written = embedded([text])

    assert written.isascii()
    assert not set("<>&") & set(written)
    assert json.loads(written) == [text]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_outputs_make_no_elements(text: str) -> None:
    harmless = _elements(render(_failure("a.B.c", "x")))

    document = render(_failure(f"a.B.{text}", text))

    document.encode("utf-8")
    found = _elements(document)
    assert found.tags == harmless.tags
    details = json.loads(found.data)["details"]["0"]
    assert details["stdout"] == [text, 0]


def test_the_document_loads_nothing() -> None:
    document = render(recorded())

    found = _elements(document)
    links = [value for name, value in found.attributes if name in {"src", "href", "srcset"}]
    assert [link for link in links if not link.startswith(("#", "data:"))] == []
    assert "@import" not in document
    assert re.search(r"url\(", document) is None
    assert "//# sourceMappingURL" not in document


def test_its_policy_forbids_all_that_it_does_not_carry() -> None:
    policy = dict(_elements(render(RunRecord())).attributes)["content"]
    document = render(RunRecord())

    assert policy
    assert "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'" in document


def test_no_text_is_put_into_it_as_html() -> None:
    script = render(RunRecord()).rpartition('<script type="module">')[2]

    for name in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert name not in script


def test_a_record_has_one_page() -> None:
    assert render(recorded()) == render(recorded())


def test_a_run_without_any_event_has_a_page() -> None:
    data = json.loads(_elements(render(Recording().run)).data)

    assert data["run"] is None
    assert data["failed"]
    assert data["tests"] == []


@pytest.mark.parametrize("folder", [GOLDEN, RERUNS], ids=["golden", "reruns"])
def test_the_data_of_the_recorded_run_is_as_before(folder: Path) -> None:
    text = (folder / "page.json").read_text(encoding="utf-8")

    assert _in_lines(data_of(recorded(folder))) == text


def test_names_that_many_tests_have_are_written_once() -> None:
    names = tuple(f"shop.tests.Case.test_{number}" for number in range(50))
    document = render(record(names=names))

    assert document.count('"shop.tests.Case"') == 1


def test_a_long_output_keeps_its_end_and_says_how_much_is_left_out() -> None:
    text = "a" * 10 * 2**20 + "the end"
    document = render(_failure("a.B.c", "x" * 10 * 2**20))

    kept, left_out = cut(text)
    assert str(kept).endswith("the end")
    assert len(str(kept)) == LONGEST
    assert left_out == len(text) - LONGEST
    assert len(document) < 12 * LONGEST


def test_a_long_traceback_keeps_both_ends() -> None:
    text = "begin " + "x" * 2 * LONGEST + " end"

    kept = cut_middle(text)

    assert kept.startswith("begin")
    assert kept.endswith("end")
    assert "characters omitted" in kept
    assert len(kept) < LONGEST + 100


def test_what_tests_that_went_well_have_printed_has_a_limit_together() -> None:
    allowance = Allowance(left=5)

    assert cut("abc", allowance) == ["abc", 0]
    assert cut("defg", allowance) == ["fg", 2]
    assert cut("hij", allowance) == ["", 3]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("E: no\n", ("E: no\n", "", "")),
        ("E: no\n\nStdout:\nsaid\n", ("E: no\n", "said\n", "")),
        ("E: no\n\nStderr:\nwarned\n", ("E: no\n", "", "warned\n")),
        ("E: no\n\nStdout:\nsaid\n\nStderr:\nwarned\n", ("E: no\n", "said\n", "warned\n")),
    ],
)
def test_a_report_of_unittest_has_a_traceback_and_what_was_printed(
    text: str, parts: tuple[str, str, str]
) -> None:
    assert captured_in(text) == parts


def test_a_time_that_no_clock_can_tell_is_none() -> None:
    run = record(events_of_test(0, "a.B.c"), names=("a.B.c",))
    run.tests[0].seconds = float("nan")
    run.ended = float("inf")

    data = json.loads(_elements(render(run)).data)

    assert data["tests"][0][5] == 0
    assert data["ended"] == 0
