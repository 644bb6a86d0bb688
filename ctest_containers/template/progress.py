"""Reports how far the migrations of a build are, and remembers how long they take."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from ctest_containers.events import MigrationsProgressed
from ctest_containers.model import DatabaseGroup
from ctest_containers.storage import replace_text
from ctest_containers.text import slug

REPORT_SECONDS: Final = 5.0
"""How often a build reports how far it is."""


class Progress:
    """Measures how long each migration of a build takes.

    Args:
        known: How many seconds migrations took in earlier builds.
        report: Called every REPORT_SECONDS with how far the build is.

    Attributes:
        seconds: How many seconds each migration took, by its name, such as `shop.0007_x`.
    """

    def __init__(
        self,
        group: DatabaseGroup,
        known: Mapping[str, float],
        report: Callable[[MigrationsProgressed], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._group = group.label
        self._known = known
        self._report = report
        self._clock = clock
        self._reported = clock()
        self._plan: list[str] = []
        self.seconds: dict[str, float] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Measure during the block."""
        from django.db.migrations.executor import MigrationExecutor

        apply = MigrationExecutor.apply_migration
        forwards = vars(MigrationExecutor)["_migrate_all_forwards"]

        def apply_migration(executor: Any, state: Any, migration: Any, **options: Any) -> Any:
            name = f"{migration.app_label}.{migration.name}"
            self.begin(name, executor.connection.alias)
            started = self._clock()
            result = apply(executor, state, migration, **options)
            self.seconds[name] = self._clock() - started
            return result

        def migrate_all_forwards(
            executor: Any, state: Any, plan: Any, full_plan: Any, **options: Any
        ) -> Any:
            missing = {migration for migration, _ in plan}
            ordered = [migration for migration, _ in full_plan if migration in missing]
            self.expect([f"{migration.app_label}.{migration.name}" for migration in ordered])
            return forwards(executor, state, plan, full_plan, **options)

        setattr(MigrationExecutor, "apply_migration", apply_migration)  # noqa: B010  # mypy knows it as a method.
        setattr(MigrationExecutor, "_migrate_all_forwards", migrate_all_forwards)  # noqa: B010  # As above.
        try:
            yield
        finally:
            setattr(MigrationExecutor, "apply_migration", apply)  # noqa: B010  # As above.
            setattr(MigrationExecutor, "_migrate_all_forwards", forwards)  # noqa: B010  # As above.

    def expect(self, plan: list[str]) -> None:
        """Note which migrations a database gets next, in their order."""
        self._plan = plan

    def begin(self, name: str, alias: str) -> None:
        """Note that a migration of a database begins, and report it if that is due."""
        now = self._clock()
        if name not in self._plan or now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        index = self._plan.index(name)
        rest = [self._known.get(other) for other in self._plan[index:]]
        known = [seconds for seconds in rest if seconds is not None]
        event = MigrationsProgressed(
            group=self._group,
            database=alias,
            migration=name,
            number=index + 1,
            total=len(self._plan),
            # An estimate is useful even if it lacks a few new migrations.
            seconds_left=sum(known) if len(known) * 2 > len(rest) else None,
        )
        self._report(event)


def read_seconds(cache: Path, project: str, group: str) -> dict[str, float]:
    """Return how many seconds migrations took in earlier builds; empty if unknown."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        stored = json.loads(_file(cache, project, group).read_text())
        return {str(name): float(seconds) for name, seconds in stored.items()}
    return {}


def keep_seconds(cache: Path, project: str, group: str, seconds: Mapping[str, float]) -> None:
    """Remember how long migrations took; ignore a file that cannot be written."""
    if not seconds:
        return
    known = read_seconds(cache, project, group)
    known |= {name: round(taken, 3) for name, taken in seconds.items()}
    with suppress(OSError):
        replace_text(_file(cache, project, group), json.dumps(known, sort_keys=True))


def _file(cache: Path, project: str, group: str) -> Path:
    return cache / "builds" / f"{slug(project)}-{slug(group)}.json"
