"""Watches the files of the project, and says what has changed when it is quiet again."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import queue
import select
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.cluster.code import NO_CODE_SUFFIXES, files
from ctest_containers.errors import UsageError

QUIET_MILLISECONDS: Final = 15
"""How long nothing may change before changes are passed on: an editor writes several times.

It is longer than a tick of the kernel's clock, to which the start of a round is known: a file that
changes later is recorded as one that may have changed while tests ran.
"""

LONGEST_MILLISECONDS: Final = 100
"""After which time changes are passed on although more of them come."""

READY_MILLISECONDS: Final = 250
"""How often the library returns without a change; the first time says that it watches."""

LITTER: Final = frozenset(
    {
        *(".git", ".hg", ".svn", ".idea", ".vscode", ".venv", "venv", "node_modules"),
        *("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox", ".nox", ".cache"),
        *("site-packages", "__pypackages__", ".hypothesis", ".eggs", "htmlcov"),
    }
)
"""Folders whose files come from tools."""

LITTER_SUFFIXES: Final = (*NO_CODE_SUFFIXES, "~", ".swp", ".swx", ".swo", ".tmp", ".bak", ".orig")
LITTER_PREFIXES: Final = (".#", "#", ".coverage", "4913")
"""Files that editors and tools write beside the file that is saved."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed on disk.

    Attributes:
        changed: Files with other contents than before, by their paths.
        moved: Whether files have been created or deleted: other names may be found now.
    """

    changed: frozenset[str] = frozenset()
    moved: bool = False

    def __bool__(self) -> bool:
        return bool(self.changed)

    def __or__(self, other: Changes) -> Changes:
        return Changes(self.changed | other.changed, self.moved or other.moved)


class ProjectFiles:
    """Which files the project has, and which of those that a watcher names have changed.

    Args:
        folder: The folder of the project.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = self._listed()
        self._digests: dict[str, bytes] = {}
        self._lock = next(
            (
                parent / ".git" / "index.lock"
                for parent in (folder, *folder.parents)
                if (parent / ".git").is_dir()
            ),
            None,
        )

    @property
    def is_busy(self) -> bool:
        """Whether Git is changing files: a branch is being switched, for instance."""
        return self._lock is not None and self._lock.exists()

    @property
    def python(self) -> Iterator[str]:
        """The Python files."""
        return (name for name in self._known if name.endswith(".py"))

    def __len__(self) -> int:
        return len(self._known)

    def changes(
        self, paths: Iterable[str], read: frozenset[str], written: Collection[str]
    ) -> Changes:
        """Return what has really changed among these files and folders.

        Args:
            read: Files that count even if Git ignores them, because the project reads them.
            written: Files that do not count, because tests have written them.
        """
        changed: set[str] = set()
        unknown: list[str] = []
        for path in sorted(set(paths)):
            if path in self._known or path in read:
                if self._differs(path):
                    changed.add(path)
            elif os.path.lexists(path):
                unknown.append(path)
            else:
                # A folder may have gone.
                changed.update(name for name in self._known if name.startswith(f"{path}{os.sep}"))
        moved = {path for path in changed if not os.path.lexists(path)}
        if unknown:
            listed = self._listed()
            created = listed - self._known
            self._known |= created
            moved |= created
            changed |= created
        self._known -= {path for path in changed if not os.path.lexists(path)}
        return Changes(frozenset(changed.difference(written)), bool(moved.difference(written)))

    def _differs(self, path: str) -> bool:
        try:
            digest = hashlib.sha256(Path(path).read_bytes()).digest()
        except OSError:
            digest = b""
        before = self._digests.get(path)
        self._digests[path] = digest
        return digest != before

    def _listed(self) -> set[str]:
        return {str(self._folder / name) for name in files(self._folder) if not is_litter(name)}


def is_litter(path: str) -> bool:
    """Return whether a file is a by-product of tools, given its path below the project's folder."""
    *folders, name = Path(path).parts
    is_named_so = name.startswith(LITTER_PREFIXES) or name.endswith(LITTER_SUFFIXES)
    return is_named_so or name in LITTER or not LITTER.isdisjoint(folders)


class Watcher:
    """Watches a folder in a thread, and makes a descriptor readable when something changes.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop = threading.Event()
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self.polls = False
        self.error = ""
        self._thread = threading.Thread(target=self._run, daemon=True)

    @staticmethod
    def check() -> None:
        """Check that the library is installed, without loading it.

        Raises:
            UsageError: It is not.
        """
        if importlib.util.find_spec("watchfiles") is None:
            raise UsageError(
                "watch needs the package watchfiles.", "Run pip install 'ctest-containers[watch]'."
            )

    def start(self) -> None:
        """Start to watch; the descriptor is readable when it does."""
        self._thread.start()

    def wait(self) -> None:
        """Wait until it watches."""
        select.select([self], [], [])
        self.news()

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is news."""
        return self._reading

    def news(self) -> list[str]:
        """Return the paths that have changed; none if it has only begun to watch."""
        with suppress(BlockingIOError):
            os.read(self._reading, 1 << 16)
        paths = []
        while not self._queue.empty():
            if (path := self._queue.get()) is not None:
                paths.append(path)
        return paths

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        for polls in (False, True):
            self.polls = polls
            try:
                self._watch()
            except (OSError, RuntimeError) as error:
                # The limit on inotify's watches is the usual reason; polling knows none.
                self.error = str(error)
                continue
            return
        os.close(self._writing)

    def _watch(self) -> None:
        import watchfiles

        is_first = True
        for batch in watchfiles.watch(
            self._folder,
            watch_filter=lambda _, path: not is_litter(os.path.relpath(path, self._folder)),
            debounce=LONGEST_MILLISECONDS,
            step=QUIET_MILLISECONDS,
            rust_timeout=READY_MILLISECONDS,
            stop_event=self._stop,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=self.polls,
            ignore_permission_denied=True,
        ):
            for _, path in batch:
                self._queue.put(path)
            if batch or is_first:
                is_first = False
                os.write(self._writing, b".")
