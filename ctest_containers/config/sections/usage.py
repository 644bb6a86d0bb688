"""Options for what tests use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.options.option import option
from ctest_containers.options.values import parse_flag

SECTION: Final = "affected tests"


@dataclass(frozen=True, kw_only=True)
class UsageOptions:
    """Options for what tests use."""

    record: bool | None = option(
        None,
        parse_flag,
        "",
        "Record what each test uses: functions, files, templates, settings and SQL.",
        section=SECTION,
        shown=False,
    )
