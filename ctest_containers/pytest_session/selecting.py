"""Selects the tests of a session that changes can reach, once for all of its processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from django.db import connections
from filelock import FileLock

from ctest_containers.impact.changes import Changes
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.reaching import reaching
from ctest_containers.impact.revision import Revision, changes_from
from ctest_containers.impact.select import Selection
from ctest_containers.impact.today import Today
from ctest_containers.pytest_session.items import Items
from ctest_containers.pytest_session.summaries import Summaries
from ctest_containers.session.affected import explanation, selection_of
from ctest_containers.usage.recording import Recording


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What has been selected.

    Attributes:
        affected: How many tests run.
        left: The nodeids of the tests that do not run.
        everything: Why all of them run; empty if they need not.
        explanation: The lines that say why tests run.
    """

    affected: int
    left: Sequence[str]
    everything: str
    explanation: Sequence[str]


def decision_of(folder: Path) -> Decision | None:
    """Return what has been selected; None if nothing has."""
    try:
        return Decision(**json.loads(_file_in(folder).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def decide(folder: Path, select: Callable[[], Selection]) -> Decision:
    """Return the decision of the process that is asked first.

    Args:
        folder: A folder that the processes of the session share.
        select: Called in the first process only.
    """
    with FileLock(folder / "selection.lock"):
        decision = decision_of(folder)
        if decision is None:
            selection = select()
            decision = Decision(
                affected=len(selection.affected),
                left=sorted(selection.left),
                everything="; ".join(selection.everything[:3]),
                explanation=[*explanation(selection)],
            )
            _file_in(folder).write_text(json.dumps(asdict(decision)), encoding="utf-8")
        return decision


def _file_in(folder: Path) -> Path:
    return folder / "selection.json"


def selection_of_items(
    items: Items, past: Recording, revision: str | None, summaries: Summaries
) -> Selection:
    """Select tests by a recording.

    Args:
        revision: The revision in Git to compare with; None or empty for the recording.
    """
    then = Revision.find(revision, Path.cwd()) if revision else None
    return selection_of(
        past,
        list(items.files),
        lambda: Today.here(items.classes, more=items.more),
        reaches=partial(_reaches, past, summaries),
        differing=None if then is None else partial(_differing, then, items),
    )


def _reaches(
    past: Recording, summaries: Summaries, recorded: Inputs
) -> Callable[[str, str], str] | None:
    """Return what changed in databases; None if no test has used one that can be compared."""
    if not past.units.statement_texts():
        return None
    summaries.read(recorded.schemas.keys() & set(connections))
    before, today = recorded.schemas, summaries.known
    compared = reaching(before, today)

    def reaches(alias: str, text: str) -> str:
        if alias in before and alias in today:
            return compared(alias, text)
        return f"the database {alias} cannot be compared with that of the recording"

    return reaches


def _differing(then: Revision, items: Items, recorded: Inputs, today: Today) -> Changes:
    """Return what differs from a revision, of which pytest has not collected the tests."""
    changes = changes_from(then, recorded, today)
    paths = {items.name_of(Path(path)): path for path in then.files}
    global_names: Mapping[str, str] = recorded.others.get("pytest", {})
    tests = {test for test, file in items.files.items() if str(file.resolve()) in then.files}
    plugins = items.plugins & then.files.keys()
    return replace(
        changes,
        everything=(
            *changes.everything,
            *(f"{name} changed" for name in sorted(paths.keys() & global_names.keys())),
            *(f"{items.name_of(Path(path))}, a plugin of pytest, changed" for path in plugins),
        ),
        others={**changes.others, "items": frozenset(tests)},
        conftests=frozenset(name for name in paths if name.rpartition("/")[2] == "conftest.py"),
    )
