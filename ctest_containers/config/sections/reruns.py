"""Options for tests that have failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.options.option import option
from ctest_containers.options.values import parse_choice, parse_flag, parse_natural

SECTION: Final = "failed tests"


@dataclass(frozen=True, kw_only=True)
class RerunOptions:
    """Options for tests that have failed."""

    failed: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Run only the tests that failed in the last run, until they pass.",
        section=SECTION,
    )
    failed_first: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Run the tests that failed in the last run before the others.",
        section=SECTION,
    )
    rerun: int = option(
        0,
        parse_natural,
        "N",
        "Run a failed test again up to N times, alone in a new process on a new server. If it "
        "passes, it is flaky.",
        section=SECTION,
    )
    flaky: str = option(
        "fail",
        parse_choice("pass", "fail"),
        "VERDICT",
        "Whether a run passes or fails if flaky tests are its only problem: pass or fail.",
        section=SECTION,
    )
