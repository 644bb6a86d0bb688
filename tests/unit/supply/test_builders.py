"""As many templates are built at the same time as cores and memory allow."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ctest_containers.capacity.plan import BYTES_PER_WORKER
from ctest_containers.clock import Deadline
from ctest_containers.errors import TemplateError
from ctest_containers.events import Event
from ctest_containers.model import DatabaseGroup, Vendor
from ctest_containers.project.process import ProjectSetup
from ctest_containers.supply.builders import Builders, builder_limit

Report = Callable[[Event], None]

GROUPS = [
    DatabaseGroup(vendor=Vendor("postgresql"), number=number, databases=()) for number in (1, 2, 3)
]

FORKED = ProjectSetup(spawned=False)


@pytest.mark.parametrize(
    ("cores", "free", "most"),
    [
        (4, [None, None], 4),
        (4, [3 * BYTES_PER_WORKER, None], 3),
        (4, [3 * BYTES_PER_WORKER, 2 * BYTES_PER_WORKER], 2),
        (1, [9 * BYTES_PER_WORKER, None], 1),
        (4, [1, None], 1),
        (4, [0, None], 1),
    ],
)
def test_cores_and_memory_decide(cores: int, free: list[int | None], most: int) -> None:
    assert builder_limit(cores, free) == most


def ensure_with_next(folder: Path, group: DatabaseGroup, _: Report) -> tuple[Any, bool]:
    """Take as long as it takes until the process of the next group begins."""
    (folder / str(group.number)).touch()
    deadline = Deadline(20)
    while group.number == 2 and not (folder / "3").exists():
        if not deadline.remaining:
            raise TemplateError("The process of the third group has not begun.")
        time.sleep(0.01)
    return f"template {group.number}", False


def test_a_process_that_ends_makes_room_for_the_next(tmp_path: Path) -> None:
    builders = Builders(print, 60)
    ensure = functools.partial(ensure_with_next, tmp_path)

    with builders.working(GROUPS, FORKED, ensure, 2):
        results: list[Any] = [builders.result(group) for group in GROUPS]

    assert results == [("template 1", False), ("template 2", False), ("template 3", False)]


def ensure_alone(folder: Path, group: DatabaseGroup, _: Report) -> tuple[Any, bool]:
    """Fail if another process is at work."""
    place = folder / "at work"
    place.mkdir()
    place.rmdir()
    return f"template {group.number}", True


def test_no_more_processes_than_allowed_are_at_work(tmp_path: Path) -> None:
    builders = Builders(print, 60)

    with builders.working(GROUPS, FORKED, functools.partial(ensure_alone, tmp_path), 1):
        last: Any = builders.result(GROUPS[2])

    assert last == ("template 3", True)


def test_a_block_within_another_leaves_the_processes_of_that_alone(tmp_path: Path) -> None:
    builders = Builders(print, 60)
    ensure = functools.partial(ensure_alone, tmp_path)

    with builders.working(GROUPS, FORKED, ensure, 1):
        first: Any = builders.result(GROUPS[0])
        # The migrations of another group read what two of these have, or what is there already.
        for groups in (GROUPS[:2], ()):
            with builders.working(groups, FORKED, refuse, len(groups)):
                again: Any = builders.result(GROUPS[0])
        last: Any = builders.result(GROUPS[2])

    assert first == again == ("template 1", True)
    assert last == ("template 3", True)


def refuse(group: DatabaseGroup, _: Report) -> tuple[Any, bool]:
    raise TemplateError(f"{group.label} cannot be migrated.")


def test_groups_that_still_wait_are_given_up_with_one_that_fails() -> None:
    builders = Builders(print, 60)

    with (
        pytest.raises(TemplateError, match="cannot be migrated"),
        builders.working(GROUPS, FORKED, refuse, 1),
    ):
        builders.result(GROUPS[0])

    assert builders.result(GROUPS[2]) is None
