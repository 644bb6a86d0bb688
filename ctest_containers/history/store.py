"""The folder in which the event logs of a project are kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from ctest_containers.errors import UsageError
from ctest_containers.events import RunStarted
from ctest_containers.history.lines import Entry, entries
from ctest_containers.storage import cache_folder
from ctest_containers.text import slug

SUFFIX = ".jsonl"

SQL_SUFFIX = ".sql.gz"
"""The ending of the file with the SQL of a run, which has the name of its log otherwise."""


@dataclass(frozen=True, slots=True)
class History:
    """The logs of a project's last runs, oldest first by their names."""

    folder: Path

    @classmethod
    def of(cls, project: str) -> History:
        """Where the logs of a project are kept."""
        return cls(cache_folder() / "runs" / slug(project))

    def new(self, started: RunStarted) -> Path:
        """The file for the log of a run that is starting."""
        moment = dt.datetime.fromisoformat(started.started_at)
        return self.folder / f"{moment:%Y%m%dT%H%M%S%f}-{started.run}{SUFFIX}"

    def logs(self) -> list[Path]:
        """The existing logs, the latest last."""
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def keep(self, count: int) -> None:
        """Remove all but the latest logs, and what is stored beside them.

        The SQL of sessions of pytest is stored without a log.
        """
        logs = self.logs()
        alone = sorted({*self.folder.glob(f"*{SQL_SUFFIX}")} - {*map(sql_beside, logs)})
        for file in alone[: max(0, len(alone) - count)]:
            file.unlink(missing_ok=True)
        for log in logs[: max(0, len(logs) - count)]:
            log.unlink(missing_ok=True)
            sql_beside(log).unlink(missing_ok=True)

    def find(self, run: str = "") -> Path:
        """Find the log of a run by its id, a prefix of it, or its file; the latest by default.

        Raises:
            UsageError: There is none, or there are several.
        """
        logs = self.logs()
        if not logs and not run:
            raise UsageError(
                f"No run has left an event log in {self.folder}.",
                "Run the tests first, or name an event log.",
            )
        if not run:
            return logs[-1]
        if Path(run).is_file():
            return Path(run)
        matching = [log for log in logs if run_of(log).startswith(run)]
        if len(matching) != 1:
            trouble = "No run has" if not matching else f"{len(matching)} runs have"
            raise UsageError(
                f"{trouble} an id that begins with {run!r} in {self.folder}.",
                "Run python -m ctest_containers report --list to see them.",
            )
        return matching[0]


def run_of(log: Path) -> str:
    """The id of the run that a log is named after."""
    return log.stem.rpartition("-")[2]


def sql_beside(log: Path) -> Path:
    """The file with the SQL of the run that has this log."""
    return log.with_suffix(SQL_SUFFIX)


def read(log: Path) -> list[Entry]:
    """The events of a log.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            return list(entries(lines, str(log)))
    except OSError as error:
        raise UsageError(f"The event log {log} cannot be read: {error}.") from error
