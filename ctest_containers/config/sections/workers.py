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
        "Run at least this many workers if memory allows, even on a machine with fewer cores.",
        variable="DJANGO_TEST_MIN_WORKERS",
        section=SECTION,
    )
    max_workers: int = option(
        16,
        parse_count,
        "N",
        "Never run more workers than this, even if cores and memory allow more.",
        variable="DJANGO_TEST_MAX_WORKERS",
        section=SECTION,
    )
    start_method: str = option(
        "auto",
        parse_choice("auto", "fork", "spawn"),
        "HOW",
        "How worker processes start. fork: they inherit the loaded project. spawn: they load it "
        "again. auto: fork on Linux, otherwise spawn.",
        section=SECTION,
    )
    separate: bool = option(
        True,  # noqa: FBT003
        parse_flag,
        "",
        "Give each worker its own caches, folders for media and uploads, and temporary files, as "
        "far as Django's settings allow.",
        section=SECTION,
    )
    worker_setup: str = option(
        "",
        parse_text,
        "FUNCTION",
        "The dotted path of a function that each worker calls before its first test, with the "
        "worker as its argument, to separate what the toolkit does not know about.",
        section=SECTION,
    )
    reset: str = option(
        "fast",
        parse_choice("fast", "django", "compare"),
        "HOW",
        "How databases are reset after a TransactionTestCase. fast: to the same state as Django's "
        "flush, but faster. django: with Django's flush. compare: in both ways, with an error if "
        "the results differ.",
        section=SECTION,
    )
    leaks: str = option(
        "off",
        parse_choice("off", "report", "fail", "reset"),
        "HOW",
        "Detect changes that classes leave in databases although their kind should not. report: "
        "list them. fail: report each as a failure. reset: list them, and give the worker new "
        "databases.",
        section=SECTION,
    )
    split_classes: bool = option(
        False,  # noqa: FBT003  # A default, as in every row.
        parse_flag,
        "",
        "Run a class in several workers if it would take longer than one worker's share of all "
        "tests, and if its fixtures are Django's.",
        section=SECTION,
    )
    timings_file: str = option(
        "",
        parse_text,
        "FILE",
        "The file that stores the durations of tests between runs, so that the longest tests "
        "start first. By default, a file for this project in your cache folder. You can also use "
        "the Django setting TEST_TIMINGS_FILE.",
        variable="TEST_TIMINGS_FILE",
        section=SECTION,
    )
    memory_floor: int = option(
        256 * 2**20,
        parse_floor,
        "SIZE",
        "If less memory than this is available during a run, stop workers until more is "
        "available; 0 for never.",
        section=SECTION,
    )
    worker_max_memory: int | None = option(
        None,
        parse_size,
        "SIZE",
        "Replace a worker's process after the current class if it uses more memory than this. By "
        "default, twice what past runs measured, but at least 512m, and at most the worker's "
        "share of the available memory.",
        variable="DJANGO_TEST_WORKER_MAX_MEMORY",
        section=SECTION,
    )
