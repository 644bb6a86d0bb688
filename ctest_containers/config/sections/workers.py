"""Options for workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.options.option import option
from ctest_containers.options.values import (
    parse_choice,
    parse_count,
    parse_flag,
    parse_floor,
    parse_size,
    parse_text,
)

SECTION: Final = "workers"


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """Options for workers."""

    min_workers: int = option(
        2,
        parse_count,
        "N",
        "As many workers as this on a machine with fewer cores, where the memory allows it.",
        variable="DJANGO_TEST_MIN_WORKERS",
        section=SECTION,
    )
    max_workers: int = option(
        16,
        parse_count,
        "N",
        "Never more workers than this, whatever cores and memory allow.",
        variable="DJANGO_TEST_MAX_WORKERS",
        section=SECTION,
    )
    start_method: str = option(
        "auto",
        parse_choice("auto", "fork", "spawn"),
        "HOW",
        "How worker processes start: fork (they inherit the loaded project), spawn (they load it "
        "again), or auto: fork on Linux, else spawn.",
        section=SECTION,
    )
    separate: bool = option(
        True,  # noqa: FBT003
        parse_flag,
        "",
        "Give each worker caches, folders for media and uploads, and temporary files of its own, "
        "as far as Django's settings allow it.",
        section=SECTION,
    )
    worker_setup: str = option(
        "",
        parse_text,
        "FUNCTION",
        "The dotted path of a function that each worker calls with itself before its first test, "
        "to separate what the toolkit does not know.",
        section=SECTION,
    )
    reset: str = option(
        "fast",
        parse_choice("fast", "django", "compare"),
        "HOW",
        "How databases are reset after a TransactionTestCase: to where Django's flush brings them, "
        "but sooner (fast), by that flush (django), or both ways, with an error where they do not "
        "end alike (compare).",
        section=SECTION,
    )
    split_classes: bool = option(
        False,  # noqa: FBT003  # A default, as in every row.
        parse_flag,
        "",
        "Let a class that alone would take longer than a worker's share of all tests run in "
        "several workers, if its fixtures are Django's.",
        section=SECTION,
    )
    timings_file: str = option(
        "",
        parse_text,
        "FILE",
        "Where the durations of tests are kept between runs, so that the longest begin first. By "
        "default a file of this project in the user's cache folder. You can also use the "
        "Django setting TEST_TIMINGS_FILE.",
        variable="TEST_TIMINGS_FILE",
        section=SECTION,
    )
    memory_floor: int = option(
        256 * 2**20,
        parse_floor,
        "SIZE",
        "When less memory than this is available during a run, workers are given up until there "
        "is more; 0 for never.",
        section=SECTION,
    )
    worker_max_memory: int | None = option(
        None,
        parse_size,
        "SIZE",
        "A worker whose process has more memory than this gets a new process after the class that "
        "it runs. By default twice what was measured in past runs, at least 512m, and at most its "
        "share of what is available.",
        variable="DJANGO_TEST_WORKER_MAX_MEMORY",
        section=SECTION,
    )
