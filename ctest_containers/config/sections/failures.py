"""Options for what is kept of failed tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.options.option import option
from ctest_containers.options.values import parse_natural, parse_text

SECTION: Final = "failed tests"

KEPT_AT_A_TERMINAL: Final = 3
"""How many failures are kept at a terminal by default."""


@dataclass(frozen=True, kw_only=True)
class FailureOptions:
    """Options for what is kept of failed tests."""

    keep_failed: int | None = option(
        None,
        parse_natural,
        "N",
        "Keep the databases of the first N tests that fail, as they are at that moment, for "
        "python -m ctest_containers open. Without N, 3 are kept; with 0, none.",
        section=SECTION,
        shown=f"{KEPT_AT_A_TERMINAL} at a terminal, otherwise 0",
        bare=KEPT_AT_A_TERMINAL,
    )
    keep_failed_dir: str = option(
        "",
        parse_text,
        "DIR",
        "Also write each kept failure to a file in this folder, which python -m ctest_containers "
        "open FILE opens on another machine. The files contain rows of the tests' databases.",
        section=SECTION,
    )
