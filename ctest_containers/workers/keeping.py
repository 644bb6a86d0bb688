"""Has the databases of a failed test kept as they are at that moment."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ctest_containers.events import Problem
from ctest_containers.model import Lease
from ctest_containers.project import connections
from ctest_containers.wire import KeepAnswer, KeepRequest
from ctest_containers.workers.channel import Channel
from ctest_containers.workers.failure_moments import FailureMoment
from ctest_containers.workers.lent_databases import LentDatabases


class DatabaseKeeper:
    """Asks the parent to keep this worker's databases; see `AtFailure`.

    Neither the test's connections nor its transactions take part, so the test goes on as it would
    otherwise. Only the first failure of a test is kept.

    Args:
        folder: The worker's own folder.
    """

    def __init__(self, databases: LentDatabases, channel: Channel, folder: Path) -> None:
        self._databases = databases
        self._channel = channel
        self._folder = folder
        self._more = True
        self._last: object = None

    def __call__(self, moment: FailureMoment) -> None:
        """Wait until the databases are kept, or until it is clear that they are not."""
        if not self._more or moment.test is self._last or not _uses_databases(moment.test):
            return
        self._last = moment.test
        request = keep_request(
            moment.test_id, moment.index, moment.problem, self._databases.leases, self._folder
        )
        answer = self._channel.ask(request, self._databases.use)
        self._more = isinstance(answer, KeepAnswer) and answer.more

    def forget(self) -> None:
        """Release the test whose databases were kept last."""
        self._last = None


def keep_request(
    test_id: str, index: int | None, problem: Problem, leases: Iterable[Lease], folder: Path
) -> KeepRequest:
    """Write the SQLite databases into files of a folder, and return the request to keep them."""
    files, trouble = {}, ""
    try:
        files = connections.save_files(leases, folder)
    except Exception as error:  # noqa: BLE001  # The test goes on, whatever it was.
        trouble = f"{type(error).__name__}: {error}"
    return KeepRequest(test_id=test_id, index=index, problem=problem, files=files, trouble=trouble)


def _uses_databases(test: object) -> bool:
    """Return whether a test may use databases; only Django's own say that they do not."""
    databases = getattr(test, "databases", None)
    return not isinstance(databases, set | frozenset) or bool(databases)
