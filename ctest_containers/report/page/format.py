"""The format of a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ctest_containers.options.option import option
from ctest_containers.options.values import parse_text
from ctest_containers.report.files import Output, file_named
from ctest_containers.report.format import SECTION, ReportFormat


@dataclass(frozen=True, kw_only=True)
class PageFormat(ReportFormat):
    """A page, into a file."""

    html: str = option(
        "",
        parse_text,
        "FILE",
        "Write a report as a self-contained HTML page: a timeline, failures, all tests.",
        section=SECTION,
        written="a self-contained HTML page",
    )

    def outputs(self) -> Iterator[Output]:
        """See `ReportFormat`."""
        if self.html:
            # Other runs, which read this option as well, do not need what makes a page.
            from ctest_containers.report.page.document import render

            yield Output(file_named(self.html), render)
