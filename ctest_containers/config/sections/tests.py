"""Options that decide which tests run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.model import Shard, Stress
from ctest_containers.options.option import option
from ctest_containers.options.values import (
    parse_flag,
    parse_revision,
    parse_shard,
    parse_stress,
)

SECTION: Final = "which tests"


@dataclass(frozen=True, kw_only=True)
class TestOptions:
    """Options that decide which tests run."""

    affected: str | None = option(
        None,
        parse_revision,
        "REV",
        "Run only the tests that a change can reach: what has changed since the tests were "
        "recorded or, with REV, what differs from this revision in Git. New tests and tests that "
        "failed always run.",
        section=SECTION,
        bare="",
    )
    explain: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "With --affected: print why each test would run, and run none.",
        section=SECTION,
    )
    shard: Shard | None = option(  # noqa: RUF009  # It gives a field.
        None,
        parse_shard,
        "I/N",
        "Run the I-th of N shards of the tests, so that several jobs share them. Each test is in "
        "one shard, and all shards take about the same time, according to the timings of past "
        "runs. All jobs need the same timings, and don't change them. Merge their results with "
        "python -m ctest_containers report merge.",
        section=SECTION,
    )
    stress: Stress | None = option(  # noqa: RUF009  # It gives a field.
        None,
        parse_stress,
        "AMOUNT",
        "Find flaky tests: run the tests again and again, AMOUNT times (100) or for a duration "
        "(30s, 10m, 2h), each round in a different order, and print statistics at the end. "
        "Together with --shuffle SEED, the rounds of that seed are repeated.",
        section=SECTION,
    )
