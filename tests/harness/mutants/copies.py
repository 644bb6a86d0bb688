"""Copies of a project, in which several mutations are tried at the same time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from harness.mutants.model import Mutation, applied

Answer = TypeVar("Answer")


class Copies:
    """Copies of a project, of which each task has one to itself.

    Each is the `project` in a folder, in which a task may have further files.
    """

    def __init__(self, pristine: Path, folder: Path, count: int) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        self.homes = [folder / str(number) for number in range(count)]
        for home in self.homes:
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(pristine, home / "project")
            self._free.put(home)

    def prepare(self, task: Callable[[Path], None]) -> None:
        """Do something in each folder, at the same time."""
        with ThreadPoolExecutor(len(self.homes)) as pool:
            list(pool.map(task, self.homes))

    def map(
        self, task: Callable[[Mutation, Path], Answer], chosen: Iterable[Mutation]
    ) -> Iterator[tuple[Mutation, Answer]]:
        """What a task gives for each mutation, applied to the `project` in a folder."""

        def with_copy(mutation: Mutation) -> Answer:
            home = self._free.get()
            try:
                with applied(mutation, home / "project"):
                    return task(mutation, home)
            finally:
                self._free.put(home)

        with ThreadPoolExecutor(len(self.homes)) as pool:
            futures = {pool.submit(with_copy, mutation): mutation for mutation in chosen}
            for future in as_completed(futures):
                yield futures[future], future.result()
