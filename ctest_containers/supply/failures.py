"""Keeps the databases of failed tests."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctest_containers.errors import CtestError, EngineError
from ctest_containers.events import Event, FailureKept, FailureNotKept, FailuresKept, Problem
from ctest_containers.failures.model import KeptDatabases, KeptFailure
from ctest_containers.failures.store import FailureStore, Stored
from ctest_containers.originals import ORIGINALS
from ctest_containers.project.branch import current_revision
from ctest_containers.project.source_location import lines_around
from ctest_containers.supply.pending import Export
from ctest_containers.supply.servers import WorkerServers
from ctest_containers.supply.snapshot import DatabaseSnapshot
from ctest_containers.text import first_line
from ctest_containers.wire import KeepRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is said about the run of a failure.

    Attributes:
        settings: The settings module; an empty string if settings were configured otherwise.
    """

    project: str
    run: str
    folder: Path
    settings: str


@dataclass(slots=True)
class _Keeping:
    """A failure whose servers' changes are being archived."""

    request: KeepRequest
    name: str
    folder: Path
    exports: Sequence[Export]
    began: float = field(default_factory=ORIGINALS.monotonic)

    @property
    def is_done(self) -> bool:
        return all(export.reply is not None for export in self.exports)


class FailureKeeper:
    """Keeps the databases of a run's first failures.

    Args:
        limit: How many failures are kept.

    Attributes:
        kept: The failures that have been kept.
    """

    def __init__(
        self,
        *,
        limit: int,
        facts: RunFacts,
        servers: WorkerServers,
        report: Callable[[Event], None],
    ) -> None:
        self.limit = limit
        self._facts = facts
        self._servers = servers
        self._report = report
        self._store = FailureStore.of(facts.project)
        self._begun = 0
        self._keeping: dict[int, _Keeping] = {}
        self.kept: list[Stored] = []

    def keep(self, worker: int, request: KeepRequest) -> bool | None:
        """See `Supplier`."""
        keeping = self._keeping.get(worker)
        try:
            if keeping is None:
                if self._begun >= self.limit:
                    return False
                if not (request.files or request.trouble or self._servers.has_any(worker)):
                    # The test has used no database, or one of another owner.
                    return True
                keeping = self._begin(worker, request)
            if not keeping.is_done:
                return None
            self._finish(worker, keeping)
        except (OSError, CtestError) as error:
            reason = error.message if isinstance(error, CtestError) else f"{error}."
            self._report(
                FailureNotKept(
                    worker=worker, index=request.index, test_id=request.test_id, reason=reason
                )
            )
            self.forget(worker)
        self._keeping.pop(worker, None)
        return self._begun < self.limit

    def forget(self, worker: int) -> None:
        """Give up what is being kept for a worker whose servers are removed."""
        keeping = self._keeping.pop(worker, None)
        if keeping is not None:
            shutil.rmtree(keeping.folder, ignore_errors=True)

    def close(self) -> None:
        """Say what has been kept, and remove old failures if anything was."""
        for worker in list(self._keeping):
            self.forget(worker)
        kept, self.kept = self.kept, []
        if kept:
            names = tuple(stored.failure.test_id for stored in kept)
            self._report(FailuresKept(test_ids=names))
            self._store.prune()

    def _begin(self, worker: int, request: KeepRequest) -> _Keeping:
        if request.trouble:
            trouble = request.trouble.rstrip(".")
            raise EngineError(f"A database cannot be written to a file: {trouble}.")
        self._begun += 1
        name = f"{self._facts.run}-{self._begun}"
        folder = self._store.new(name)
        keeping = _Keeping(request, name, folder, ())
        self._keeping[worker] = keeping
        for alias, file in request.files.items():
            shutil.move(file, folder / f"{alias}.sqlite3")
        keeping.exports = self._servers.export(worker, folder)
        return keeping

    def _finish(self, worker: int, keeping: _Keeping) -> None:
        request, problem = keeping.request, keeping.request.problem
        databases = [_of_server(export) for export in keeping.exports]
        databases += _of_files(request, self._servers)
        source, first = lines_around(self._facts.folder / problem.file, problem.line)
        seconds = ORIGINALS.monotonic() - keeping.began
        failure = KeptFailure(
            name=keeping.name,
            project=self._facts.project,
            run=self._facts.run,
            test_id=request.test_id,
            kept_at=time.time(),
            headline=_headline(problem),
            text=problem.text,
            databases=tuple(databases),
            file=problem.file,
            line=problem.line,
            source=tuple(source),
            first_line=first,
            folder=str(self._facts.folder),
            settings=self._facts.settings,
            revision=current_revision(self._facts.folder),
            seconds=round(seconds, 3),
        )
        stored = self._store.add(failure)
        self.kept.append(stored)
        self._report(
            FailureKept(
                worker=worker,
                index=request.index,
                test_id=failure.test_id,
                name=failure.name,
                size_bytes=stored.size,
                seconds=round(seconds, 3),
                notes=tuple(note for kept in databases for note in kept.notes),
            )
        )


def _of_server(export: Export) -> KeptDatabases:
    assert export.reply is not None
    result: dict[str, Any] = export.reply.get()
    snapshot = export.snapshot
    assert isinstance(snapshot, DatabaseSnapshot)
    return KeptDatabases(
        plan=snapshot.group,
        fingerprint=snapshot.fingerprint,
        key=snapshot.key,
        image=snapshot.image,
        image_id=str(result["image_id"]),
        file=export.file.name,
        notes=tuple(result["notes"]),
        pending=str(result["pending"]),
    )


def _of_files(request: KeepRequest, servers: WorkerServers) -> list[KeptDatabases]:
    """Describe the SQLite databases of a failure, which its worker has written."""
    kept = []
    for snapshot in servers.snapshots:
        if isinstance(snapshot, DatabaseSnapshot) and not snapshot.group.has_server:
            own = [alias for alias in request.files if alias in snapshot.group.aliases]
            if own:
                kept.append(
                    KeptDatabases(
                        plan=snapshot.group,
                        fingerprint=snapshot.fingerprint,
                        key=snapshot.key,
                        files={alias: f"{alias}.sqlite3" for alias in own},
                    )
                )
    return kept


def _headline(problem: Problem) -> str:
    message = first_line(problem.message)
    return f"{problem.type_name}: {message}" if message else problem.type_name
