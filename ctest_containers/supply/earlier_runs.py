"""Remembers what earlier runs needed, so that the next run can start it early.

There are two notes. The note of a *command* is looked up before Django is loaded, and names servers
to start at once. The note of a *selection* of tests is looked up once the settings are known, and
names databases and a number of workers; it also serves other commands that select the same tests.

A wrong note costs only an unused container. So a file that cannot be read counts as empty, and a
file that cannot be written is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ctest_containers.codec import build
from ctest_containers.servers.requests import StartServer
from ctest_containers.servers.standby import STANDBY, engine_variables
from ctest_containers.storage import replace_text
from ctest_containers.text import slug

MAX_COMMANDS: Final = 50
MAX_SELECTIONS: Final = 200
"""How many are remembered for each folder or project; the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class CommandNeeds:
    """What a command needed from a server host.

    Attributes:
        servers: The first server of each worker and snapshot.
    """

    project: str
    transport: str
    servers: tuple[StartServer, ...]


@dataclass(frozen=True, slots=True)
class SelectionNeeds:
    """What a selection of tests needed.

    Attributes:
        aliases: The aliases of the databases that the tests used.
        workers: How many workers ran them.
    """

    aliases: tuple[str, ...]
    workers: int


class EarlierRuns:
    """The notes of earlier runs.

    Args:
        cache: The toolkit's cache folder.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def needed_host(self, folder: Path) -> bool:
        """Return whether the last run in a folder needed a server host."""
        try:
            return _note_on(self._cache, folder).exists()
        except OSError:
            return False

    def of_command(self, folder: Path, command: Sequence[str]) -> CommandNeeds | None:
        """Return what a command needed when it was last run in a folder; None if unknown.

        Args:
            command: The command with all its arguments.
        """
        return _needs(_read(_note_on(self._cache, folder)).get(_key_of_command(command)))

    def of_last_command(self, folder: Path) -> CommandNeeds | None:
        """Return what the last command in a folder needed; None if unknown."""
        entries = list(_read(_note_on(self._cache, folder)).values())
        return _needs(entries[-1]) if entries else None

    def remember_command(
        self, folder: Path, command: Sequence[str], needs: CommandNeeds | None, *, host: bool
    ) -> None:
        """Note what a command needed.

        Args:
            needs: What it needed; None if unknown, which keeps an earlier note.
            host: Whether it needed a server host.
        """
        note = _note_on(self._cache, folder)
        with suppress(OSError):
            if not host:
                note.unlink(missing_ok=True)
                return
            entries = _read(note)
            key = _key_of_command(command)
            entry = entries.pop(key, None)
            if command and needs is not None:
                entry = asdict(needs)
            if entry is not None:
                entries[key] = entry
            replace_text(note, json.dumps(_last(entries, MAX_COMMANDS)))

    def of_selection(self, project: str, selection: Sequence[str]) -> SelectionNeeds | None:
        """Return what a selection of a project's tests needed last time; None if unknown."""
        entry = _read(self._forecast(project)).get(_digest(list(selection)))
        try:
            return SelectionNeeds(tuple(entry["aliases"]), int(entry["workers"])) if entry else None
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def remember_selection(
        self, project: str, selection: Sequence[str], needs: SelectionNeeds
    ) -> None:
        """Note what a selection needed; if two runs do so at once, one note may be lost."""
        file = self._forecast(project)
        entries, key = _read(file), _digest(list(selection))
        entries.pop(key, None)
        entries[key] = {"aliases": list(needs.aliases), "workers": needs.workers}
        with suppress(OSError):
            replace_text(file, json.dumps(_last(entries, MAX_SELECTIONS)))

    def _forecast(self, project: str) -> Path:
        return self._cache / "forecast" / f"{slug(project)}.json"


def start_ahead(
    cache: Path, folder: Path, command: Sequence[str] = (), *, of_any: bool = False
) -> None:
    """Start a server host if the last run in this folder needed one.

    Args:
        command: The command with all its arguments, whose servers of last time are started, too;
            if it is empty, only the host is started.
        of_any: Whether the servers of the last command are started if this one was never run.
    """
    earlier = EarlierRuns(cache)
    STANDBY.command = tuple(command)
    if earlier.needed_host(folder):
        STANDBY.start()
        needs = earlier.of_command(folder, command)
        if needs is None and of_any:
            needs = earlier.of_last_command(folder)
        if needs is not None:
            STANDBY.start_servers(needs.project, needs.transport, needs.servers)


def _note_on(cache: Path, folder: Path) -> Path:
    return cache / "needs-engine" / hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]


def _needs(entry: Mapping[str, Any] | None) -> CommandNeeds | None:
    try:
        needs: CommandNeeds = build(CommandNeeds, {**(entry or {})})
    except (KeyError, TypeError, ValueError):
        return None
    return needs


def _read(file: Path) -> dict[str, Any]:
    try:
        entries = json.loads(file.read_text() or "{}")
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _last(entries: dict[str, Any], count: int) -> dict[str, Any]:
    return dict(list(entries.items())[-count:])


def _key_of_command(command: Sequence[str]) -> str:
    """Return a key for a command and the engine that the environment names.

    If settings name another engine, the note is found only after they are loaded.
    """
    return _digest([list(command), sorted(engine_variables().items())])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
