"""Puts a page together: its template, styles, scripts, and the data of a run."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ctest_containers.report.page.data import data_of
from ctest_containers.report.record import RunRecord

_STYLES = ("uplot.min.css", "page.css")
_SCRIPTS = (
    "dom.js",
    "data.js",
    "summary.js",
    "traceback.js",
    "failures.js",
    "lanes.js",
    "timeline.js",
    "memory.js",
    "slowest.js",
    "machinery.js",
    "stress.js",
    "sql.js",
    "tests.js",
    "page.js",
)
"""In this order they make one script module; each uses what those before it define."""


def render(run: RunRecord) -> str:
    """One whole HTML document that shows a run.

    Nothing a test has printed can break out of the data, which is ASCII; so the document can be
    encoded as UTF-8 whatever the run has met.
    """
    before, after = _frame()
    return f"{before}{embedded(data_of(run))}{after}"


def embedded(data: Any) -> str:
    """JSON that may stand in a `<script>`: no text in it can end that element, or open a comment.

    It is ASCII, for lone surrogates have no encoding and U+2028 ends lines in some readers.
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _frame() -> tuple[str, str]:
    """What comes before the data and after it: the same for every run."""
    page = _part("page.html")
    page = page.replace("/*styles*/", "\n".join(map(_part, _STYLES)))
    page = page.replace("/*charts*/", _part("uplot.iife.min.js"))
    page = page.replace("/*script*/", "\n".join(map(_part, _SCRIPTS)))
    before, _, after = page.partition("/*data*/")
    return before, after


def _part(name: str) -> str:
    # Takes a while to load, and only a run that makes a page needs it.
    from importlib.resources import files

    return files(__package__).joinpath(name).read_text(encoding="utf-8").rstrip("\n")
