"""Options for time limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.limits import MAIN_SECONDS, PER_TEST_SECONDS
from ctest_containers.options.option import option
from ctest_containers.options.values import (
    parse_flag,
    parse_limit,
)

SECTION: Final = "time limits"


@dataclass(frozen=True, kw_only=True)
class LimitOptions:
    """Options for time limits."""

    timeout: float | None = option(
        None,
        parse_limit,
        "SECONDS",
        "The main time limit, from which the limits per worker and for the run are derived; 0 for "
        "no limit. If you set it, these limits are exact.",
        variable="DJANGO_TEST_TIMEOUT",
        section=SECTION,
        shown=MAIN_SECONDS,
    )
    timeout_per_test: float | None = option(
        None,
        parse_limit,
        "SECONDS",
        "How long one test, or one fixture of a class or module, may take; 0 for no limit. The "
        "default counts only time without progress; a value that you set counts all time.",
        variable="DJANGO_TEST_TIMEOUT_PER_TEST",
        section=SECTION,
        shown=PER_TEST_SECONDS,
    )
    timeout_per_worker: float | None = option(
        None,
        parse_limit,
        "SECONDS",
        "How long a worker may take for one class of tests before it is replaced; 0 for no limit. "
        "By default, the main limit. If you set neither, the limit applies to each test or "
        "fixture instead of to the whole class.",
        variable="DJANGO_TEST_TIMEOUT_PER_WORKER",
        section=SECTION,
    )
    timeout_global: float | None = option(
        None,
        parse_limit,
        "SECONDS",
        "How long all tests together may take; 0 for no limit. By default, twice the main limit. "
        "If you set neither, the limit applies to the time since a test last finished.",
        variable="DJANGO_TEST_TIMEOUT_GLOBAL",
        section=SECTION,
    )
    adaptive_timeouts: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Interrupt a test that takes several times longer than usual, and retry it once with the "
        "full limit.",
        section=SECTION,
    )
