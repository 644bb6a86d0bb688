"""What workers would share besides databases: caches, folders, temporary files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker, as `worker_setup` functions see it.

    Attributes:
        number: From 1 on; a slot, which a process that takes the place of another one keeps.
        run: The id of the run.
        folder: A folder of its own, removed after the run.
    """

    number: int
    run: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Something besides databases that all workers of a run would share.

    Attributes:
        setting: Where it is configured, such as `CACHES['default']`.
        what: What is shared, in a sentence.
        separated: Whether `separate` gives each worker its own.
        advice: What to do about it where it does not.
    """

    setting: str
    what: str
    separated: bool
    advice: str = ""
