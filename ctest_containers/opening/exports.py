"""Writes kept failures into files that another machine can open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from ctest_containers.config import Config
from ctest_containers.errors import CtestError, TemplateError
from ctest_containers.events import Event, FailureExported, FailureNotKept
from ctest_containers.failures.portable import export
from ctest_containers.failures.store import Stored
from ctest_containers.opening.databases import opened
from ctest_containers.opening.differences import differences
from ctest_containers.rows import to_json


def export_failures(kept: Iterable[Stored], config: Config, base: Path) -> Iterator[Event]:
    """Write failures into files if the user wants files, and yield what becomes of each.

    A file also has the difference in rows from the template, for a machine that has to build the
    template again.

    Args:
        base: The folder that the option `keep_failed_dir` is relative to.
    """
    if not config.keep_failed_dir:
        return
    folder = base / config.keep_failed_dir
    for stored in kept:
        test_id = stored.failure.test_id
        try:
            file = export(stored, _row_differences(stored, config), folder)
            size = file.stat().st_size
        except (OSError, CtestError) as error:
            reason = error.message if isinstance(error, CtestError) else f"{error}."
            yield FailureNotKept(
                worker=0, index=None, test_id=test_id, reason=f"No file in {folder}: {reason}"
            )
        else:
            yield FailureExported(test_id=test_id, file=str(file), size_bytes=size)


def _row_differences(stored: Stored, config: Config) -> Mapping[str, str]:
    """Return the difference in rows of each group with a server, as JSON, by its label."""
    groups = [kept.plan for kept in stored.failure.databases if kept.plan.has_server]
    if not groups:
        # The files of SQLite are complete.
        return {}
    rows: dict[str, dict[str, str]] = {group.label: {} for group in groups}
    with opened(stored, config, _refuse_to_build, with_template=True) as databases:
        for alias, difference in differences(databases):
            for group in groups:
                if alias in group.aliases:
                    name = str(databases.failed[alias].lease.settings["NAME"])
                    rows[group.label][name] = to_json(difference)
    return {label: json.dumps(of_group) for label, of_group in rows.items()}


def _refuse_to_build(aliases: Sequence[str]) -> NoReturn:
    raise TemplateError(f"The template of {', '.join(aliases)} is no longer there.")
